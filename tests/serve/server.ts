/**
 * What tests of the server share.
 *
 * @module
 */
import { loadModel, type Model } from "any4";
import { Tokenizer } from "any4/model";
import { Handler, type HandlerOptions } from "any4/serve";

/** tinyworld has no chat template of its own. */
const CHAT = "{% for m in messages %}{{ m.content }}\n{% endfor %}";

/** tinyworld on a backend, with a chat template. */
export async function chatModel(backend: "wasm" | "plain" = "wasm"): Promise<Model> {
  const plain = await loadModel("tinyworld", { backend });
  const file = JSON.parse(Deno.readTextFileSync(`${plain.folder}/tokenizer.json`));
  return plain.with({ tokenizer: new Tokenizer(file, { chat_template: CHAT }) });
}

/** A handler of one model, "tinyworld". */
export function handlerOf(model: Model, options: HandlerOptions = {}): Handler {
  return new Handler(new Map([["tinyworld", model]]), options);
}

/** A request with a body. */
export function post(path: string, body: unknown, init: RequestInit = {}): Request {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Request(`http://localhost${path}`, { method: "POST", body: text, ...init });
}

/** A part of an answer that tests look at. */
// deno-lint-ignore no-explicit-any
export type Answer = any;

/** Asks and reads the answer. */
export async function ask(
  { fetch }: Handler,
  path: string,
  body: unknown,
): Promise<{ status: number; body: Answer; headers: Headers }> {
  const response = await fetch(post(path, body));
  return { status: response.status, body: await response.json(), headers: response.headers };
}

/** The events of a stream; "[DONE]" is the last of one that ended well. */
export async function events(response: Response): Promise<Answer[]> {
  const text = await response.text();
  return text.split("\n\n").filter((event) => event !== "").map((event) => {
    const data = event.slice("data: ".length);
    return data === "[DONE]" ? data : JSON.parse(data);
  });
}
