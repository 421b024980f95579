/**
 * A server as a function from requests to responses. It has a dozen fixed paths without parameters, which a map looks up: a framework
 * would add a dependency and no less code.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import { OptionError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { answer, type Means } from "./answer.ts";
import { readFields } from "./body.ts";
import { ChatWriter, readChat } from "./chat.ts";
import { compare } from "./compare.ts";
import { CompletionsWriter, readCompletions } from "./completions.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import type { Fields } from "./fields.ts";
import { CHOICES, Maker, systemFreeBytes } from "./making.ts";
import { Metrics } from "./metrics.ts";
import { pageFiles } from "./page_files.ts";
import { refusalOf } from "./refusal.ts";
import { badField, RequestError } from "./request_error.ts";
import { detokenize, tokenize, tokenizerInfo } from "./tokenizing.ts";
import { TokenTexts } from "./token_texts.ts";

/** What a server allows and how much it does at once. */
export interface HandlerOptions extends EngineOptions {
  /** The key that clients must send as `Authorization: Bearer`; none when absent. */
  readonly apiKey?: string;
  /** The origin of other pages that may use the server, or "*"; none when absent. */
  readonly cors?: string;
  /** Bytes of a request at most; 8 MiB when absent. */
  readonly maxBody?: number;
  /** Tokens that a request may add to a prompt; as many as there is room when absent. */
  readonly maxTokens?: number;
  /** Seconds that an answer may take, waiting and reading included; 600 when absent. */
  readonly timeout?: number;
  /** The name of the model that clients may quantize, each time in place of the one before; none when absent. */
  readonly lab?: string;
  /** The memory that is left for that, in bytes; what the system says when absent. */
  readonly freeBytes?: () => number;
}

interface Served {
  readonly name: string;
  readonly engine: Engine;
  readonly texts: TokenTexts;
}

/** What an endpoint is given. */
interface Call {
  readonly fields: Fields;
  readonly served: Served;
  readonly signal: AbortSignal;
}

/**
 * Answers requests about some models.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadModel } from "any4";
 * import { Handler } from "any4/serve";
 * using model = await loadModel("tinyworld");
 * using handler = new Handler(new Map([["tinyworld", model]]));
 * const body = JSON.stringify({ prompt: "Once upon a time", max_tokens: 4, temperature: 0 });
 * const response = await handler.fetch(new Request("http://localhost/v1/completions", { method: "POST", body }));
 * assertEquals((await response.json()).usage.completion_tokens, 4);
 * ```
 */
export class Handler implements Disposable {
  readonly #models = new Map<string, Served>();
  readonly #options: HandlerOptions;
  readonly #metrics = new Metrics();
  readonly #created = Math.floor(Date.now() / 1000);
  readonly #gets: ReadonlyMap<string, () => Response>;
  readonly #posts: ReadonlyMap<string, (call: Call) => unknown>;
  readonly #maker?: Maker;
  /** The model that was quantized last. */
  #made?: { readonly name: string; readonly model: Model };
  #closing = false;

  /**
   * Serves models by their names, the first where a request names none. They stay the caller's.
   *
   * @throws {OptionError} when there is none, or none of the name `lab`.
   */
  constructor(models: ReadonlyMap<string, Model>, options: HandlerOptions = {}) {
    if (models.size === 0) throw new OptionError("Cannot serve: there is no model");
    this.#options = options;
    for (const [name, model] of models) this.#add(name, model);
    const { lab, freeBytes = systemFreeBytes } = options;
    if (lab !== undefined) {
      const model = models.get(lab);
      if (!model) throw new OptionError(`Cannot let clients quantize ${lab}: there is no model of that name`);
      this.#maker = new Maker(lab, model, freeBytes);
    }
    const [first] = this.#models.values();
    const json = (value: unknown) => Response.json(value);
    this.#gets = new Map([
      ["/v1/models", () => json({ object: "list", data: this.#list() })],
      ["/health", () => this.#health()],
      ["/metrics", () => this.#numbers()],
      ["/tokenizer_info", () => json(tokenizerInfo(first!.engine))],
      ...pageFiles(),
    ]);
    this.#posts = new Map<string, (call: Call) => unknown>([
      ["/v1/completions", (call) => this.#complete(call)],
      ["/v1/chat/completions", (call) => this.#chat(call)],
      ["/tokenize", ({ fields, served }) => tokenize(fields, served.engine)],
      ["/detokenize", ({ fields, served }) => detokenize(fields, served.engine)],
      ["/compare", (call) => this.#compare(call)],
      ...this.#maker ? [["/quantize", (call: Call) => this.#quantize(call, this.#maker!)] as const] : [],
    ]);
  }

  #add(name: string, model: Model): void {
    const engine = new Engine(model, this.#options);
    this.#models.set(name, { name, engine, texts: new TokenTexts(model.tokenizer) });
  }

  /** Ends what the model that was quantized last is doing, and frees it. */
  #drop(): void {
    if (!this.#made) return;
    this.#models.get(this.#made.name)?.engine[Symbol.dispose]();
    this.#models.delete(this.#made.name);
    this.#made.model[Symbol.dispose]();
    this.#made = undefined;
  }

  /** Answers a request; whatever is wrong with it is an answer too. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const started = performance.now();
    const { pathname } = new URL(request.url);
    let response: Response;
    try {
      response = await this.#route(request, pathname);
    } catch (error) {
      response = request.signal.aborted ? new Response(null, { status: 499 }) : refusalOf(error).response();
    }
    const known = this.#gets.has(pathname) || this.#posts.has(pathname) || pathname.startsWith("/v1/models/");
    const path = pathname.startsWith("/v1/models/") ? "/v1/models" : known ? pathname : "other";
    const seconds = (performance.now() - started) / 1000;
    this.#metrics.request(path, { status: response.status, seconds });
    this.#allow(request, response.headers);
    return response;
  };

  async #route(request: Request, path: string): Promise<Response> {
    const { method } = request;
    this.#assertOrigin(request);
    if (method === "OPTIONS" && this.#options.cors) return new Response(null, { status: 204 });
    const get = this.#gets.get(path);
    const post = this.#posts.get(path);
    const name = /^\/v1\/models\/(.+)$/.exec(path)?.[1];
    if (!get && !post && name === undefined) {
      throw new RequestError(`Cannot find ${path}`, { status: 404, code: "unknown_url" });
    }
    const allowed = post ? ["POST"] : ["GET", "HEAD"];
    if (!allowed.includes(method)) {
      throw new RequestError(`Cannot ${method} ${path}: expected ${allowed[0]}`, { status: 405 });
    }
    if (path !== "/health" && !PAGES.has(path)) this.#assertKey(request);
    if (get) return get();
    if (name !== undefined) {
      const found = this.#find(decodeURIComponent(name), "model");
      return Response.json(this.#list().find(({ id }) => id === found.name));
    }
    return await this.#post(request, post!);
  }

  async #post(request: Request, endpoint: (call: Call) => unknown): Promise<Response> {
    if (this.#closing) {
      throw new RequestError("Cannot take more requests: the server is ending", {
        status: 503,
        retryAfter: 5,
      });
    }
    const { maxBody = 8 << 20, timeout = 600 } = this.#options;
    const fields = await readFields(request, { mostBytes: maxBody });
    const served = this.#find(fields.text("model"), "model");
    const left = new AbortController();
    const leave = () => left.abort(new Error("The client has left"));
    // Deno may abort it after each answer, too: of a client that leaves a stream, the stream itself is told.
    request.signal.addEventListener("abort", leave);
    try {
      const signal = AbortSignal.any([left.signal, AbortSignal.timeout(timeout * 1000)]);
      const found = await endpoint({ fields, served, signal });
      return found instanceof Response ? found : Response.json(found);
    } finally {
      request.signal.removeEventListener("abort", leave);
    }
  }

  /** The model of a name; the first where there is none. */
  #find(name: string | undefined, param: string): Served {
    const [first] = this.#models.values();
    const found = name === undefined ? first : this.#models.get(name);
    if (found) return found;
    throw new RequestError(
      `The model ${JSON.stringify(name)} does not exist: there is ${[...this.#models.keys()].join(", ")}`,
      { status: 404, code: "model_not_found", param },
    );
  }

  /** Pages of other sites may ask nothing, unless the server's owner lets them. */
  #assertOrigin(request: Request): void {
    const origin = request.headers.get("origin");
    const { cors } = this.#options;
    if (origin === null || cors === "*" || cors === origin) return;
    if (origin === new URL(request.url).origin) return;
    throw new RequestError(`Cannot answer pages of ${origin}`, { status: 403, code: "forbidden_origin" });
  }

  #allow(request: Request, headers: Headers): void {
    const { cors } = this.#options;
    if (!cors || !request.headers.has("origin")) return;
    headers.set("access-control-allow-origin", cors);
    headers.set("access-control-allow-headers", "authorization, content-type");
    headers.set("access-control-allow-methods", "GET, POST");
    headers.append("vary", "origin");
  }

  #assertKey(request: Request): void {
    const { apiKey } = this.#options;
    if (apiKey === undefined) return;
    const bytes = (text: string) => new TextEncoder().encode(text);
    const given = bytes(request.headers.get("authorization") ?? "");
    const expected = bytes(`Bearer ${apiKey}`);
    if (given.length === expected.length && timingSafeEqual(given, expected)) return;
    throw new RequestError("Incorrect API key: send it as Authorization: Bearer …", {
      status: 401,
      code: "invalid_api_key",
    });
  }

  #list() {
    return Array.from(this.#models.values(), ({ name, engine }) => ({
      id: name,
      object: "model",
      created: this.#created,
      owned_by: "any4",
      max_model_len: engine.context,
      bits_per_weight: engine.model.bitsPerWeight,
      chat: engine.model.tokenizer.chatTemplate !== undefined,
      ...name === this.#options.lab ? { quantizes_to: CHOICES } : {},
    }));
  }

  #health(): Response {
    const status = this.#closing ? "ending" : "ok";
    return Response.json({ status }, { status: this.#closing ? 503 : 200 });
  }

  #numbers(): Response {
    const engines = new Map(Array.from(this.#models, ([name, { engine }]) => [name, engine]));
    const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
    return new Response(this.#metrics.text(engines), { headers });
  }

  #means({ served: { engine }, signal }: Call): Means {
    return { engine, signal, took: (usage) => this.#metrics.took(usage) };
  }

  #limits() {
    return { maxTokens: this.#options.maxTokens ?? Number.MAX_SAFE_INTEGER };
  }

  #complete(call: Call): Promise<Response> {
    const { engine, texts, name } = call.served;
    const asked = readCompletions(call.fields, { engine, limits: this.#limits() });
    return answer(asked, {
      ...this.#means(call),
      writer: new CompletionsWriter(asked, { texts, model: name }),
    });
  }

  #chat(call: Call): Promise<Response> {
    const { engine, texts, name } = call.served;
    const asked = readChat(call.fields, { engine, limits: this.#limits() });
    return answer(asked, { ...this.#means(call), writer: new ChatWriter(asked, { texts, model: name }) });
  }

  #compare({ fields, served, signal }: Call): Promise<unknown> {
    const other = fields.text("with");
    if (other === undefined) throw badField("with", "expected a model's name");
    const engines = [served.engine, this.#find(other, "with").engine] as const;
    return compare(fields, { engines, texts: served.texts, signal });
  }

  #quantize({ fields, signal }: Call, maker: Maker): Response {
    return maker.make(fields, {
      signal,
      serve: (name, model) => {
        this.#drop();
        if (this.#models.has(name) || this.#closing) {
          model[Symbol.dispose]();
          const reason = this.#closing ? "the server is ending" : "it is there";
          throw new RequestError(`Cannot serve ${name}: ${reason}`, { status: 409 });
        }
        this.#add(name, model);
        this.#made = { name, model };
      },
    });
  }

  /** Refuses all further requests that compute something; those under way are answered. */
  close(): void {
    this.#closing = true;
  }

  /** Ends what is under way and frees what it holds; the models stay. */
  [Symbol.dispose](): void {
    this.#closing = true;
    this.#drop();
    for (const { engine } of this.#models.values()) engine[Symbol.dispose]();
  }
}

/** What a browser loads before anyone can enter a key. */
const PAGES: ReadonlySet<string> = new Set(pageFiles().keys());
