/**
 * wllama, llama.cpp in WebAssembly, in a browser without a screen: its side of bench/real_model.ts.
 *
 * @module
 */
import { extname } from "node:path";
import type { Browser, Page } from "playwright-core";
import { findChromium, startChromium } from "../tests/chromium.ts";

const TYPES: Readonly<Record<string, string>> = { ".js": "text/javascript", ".wasm": "application/wasm" };

/** Serves the package and a model on this machine, to a page that may share memory between threads. */
function serve(folder: string, file: string): Deno.HttpServer<Deno.NetAddr> {
  const headers = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
  };
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/") {
      return new Response("<!doctype html>", { headers: { ...headers, "Content-Type": "text/html" } });
    }
    const path = pathname === "/model.gguf" ? file : `${folder}/node_modules/@wllama/wllama/esm${pathname}`;
    try {
      const { readable } = await Deno.open(path);
      const type = TYPES[extname(path)] ?? "application/octet-stream";
      return new Response(readable, { headers: { ...headers, "Content-Type": type } });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
}

/** A model in wllama. */
export class Wllama implements AsyncDisposable {
  readonly #server: Deno.HttpServer;
  readonly #browser: Browser;
  readonly #page: Page;

  private constructor(parts: { server: Deno.HttpServer; browser: Browser; page: Page }) {
    this.#server = parts.server;
    this.#browser = parts.browser;
    this.#page = parts.page;
  }

  /** Loads a model from a file. @param folder has the npm package @wllama/wllama. */
  static async start(folder: string, { file, threads }: { file: string; threads: number }): Promise<Wllama> {
    const chromium = findChromium();
    if (!chromium) throw new Error("there is no Chromium");
    const server = serve(folder, file);
    const browser = await startChromium(chromium, []);
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    await page.evaluate(async (threads) => {
      const { Wllama } = await import(new URL("/index.js", location.href).href);
      const model = new Wllama({ default: "/wasm/wllama.wasm" }, { suppressNativeLog: true });
      const blob = await (await fetch("/model.gguf")).blob();
      await model.loadModel([blob], { n_ctx: 1024, n_batch: 512, n_threads: threads, n_gpu_layers: 0 });
      Object.assign(globalThis, { model });
    }, threads);
    return new Wllama({ server, browser, page });
  }

  /** Reads a prompt and continues it greedily. @returns tokens a second of each. */
  async run(prompt: string, tokens: number): Promise<{ prefill: number; decode: number; read: number }> {
    return await this.#page.evaluate(async ([prompt, tokens]) => {
      // deno-lint-ignore no-explicit-any
      const { model } = globalThis as any;
      const options = { prompt, max_tokens: tokens, temperature: 0, cache_prompt: false, ignore_eos: true };
      const { timings } = await model.createCompletion(options);
      return {
        prefill: timings.prompt_per_second,
        decode: timings.predicted_per_second,
        read: timings.prompt_n,
      };
    }, [prompt, tokens] as const);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await this.#server.shutdown();
  }
}
