/**
 * A server on a port.
 *
 * @module
 */
import type { Model } from "../model/model.ts";
import { Handler, type HandlerOptions } from "./handler.ts";

/** Where a server listens, and what it allows. */
export interface ServeOptions extends HandlerOptions {
  /** The address to listen at; 127.0.0.1, which only this machine reaches, when absent. */
  readonly host?: string;
  /** The port; 0 takes a free one; 8000 when absent. */
  readonly port?: number;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  /** Its address, such as "http://127.0.0.1:8000". */
  readonly url: string;
  /** Refuses new requests, finishes those under way, and ends. */
  shutdown(): Promise<void>;
  /** Is fulfilled once it has ended. */
  readonly finished: Promise<void>;
}

/**
 * Serves models by OpenAI's protocol.
 *
 * @param models by their names; they stay the caller's.
 * @throws {OptionError} when there is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadModel } from "any4";
 * import { serve } from "any4/serve";
 * using model = await loadModel("tinyworld");
 * await using server = serve(new Map([["tinyworld", model]]), { port: 0 });
 * const { data } = await (await fetch(`${server.url}/v1/models`)).json();
 * assertEquals(data[0].id, "tinyworld");
 * ```
 */
export function serve(models: ReadonlyMap<string, Model>, options: ServeOptions = {}): Server {
  const { host: hostname = "127.0.0.1", port = 8000 } = options;
  const handler = new Handler(models, options);
  const server = Deno.serve({ hostname, port, onListen() {} }, handler.fetch);
  const { addr } = server;
  const finished = server.finished.finally(() => handler[Symbol.dispose]());
  let ending: Promise<void> | undefined;
  const shutdown = () => {
    handler.close();
    // What is sent on open connections is still refused; nobody can open another.
    ending ??= server.shutdown().then(() => finished);
    return ending;
  };
  const shown = addr.hostname.includes(":") ? `[${addr.hostname}]` : addr.hostname;
  return { url: `http://${shown}:${addr.port}`, shutdown, finished, [Symbol.asyncDispose]: shutdown };
}
