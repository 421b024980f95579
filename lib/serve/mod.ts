/**
 * A server of models by OpenAI's protocol: alone, or as a function in one's own program.
 *
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadModel } from "any4";
 * import { serve } from "any4/serve";
 *
 * using model = await loadModel("tinyworld");
 * await using server = serve(new Map([["tinyworld", model]]), { port: 0 });
 * const body = JSON.stringify({ prompt: "Once upon a time", max_tokens: 8, temperature: 0 });
 * const response = await fetch(`${server.url}/v1/completions`, { method: "POST", body });
 * assertEquals((await response.json()).choices[0].finish_reason, "length");
 * ```
 *
 * @module
 */
export type { EngineOptions } from "./engine.ts";
export { Handler, type HandlerOptions } from "./handler.ts";
export { serve, type ServeOptions, type Server } from "./serve.ts";
