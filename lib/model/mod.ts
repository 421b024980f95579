/**
 * Models: loading and saving them, their tokenizers, running them, continuing texts and talking with them.
 *
 * ```ts
 * import { loadModel } from "any4";
 * import { assertEquals } from "@std/assert";
 *
 * using model = await loadModel("tinyworld");
 * assertEquals(model.config.num_hidden_layers, 4);
 * assertEquals(model.tokenizer.decode(model.tokenizer.encode("Once upon a time")), "Once upon a time");
 * ```
 *
 * @module
 */
export type { Abortable } from "../event_loop.ts";
export type { LocateOptions } from "./checkpoint/locate.ts";
export type { Batch } from "./decoder/batch.ts";
export type { Likelihood, Scored, Scorer } from "./decoder/scorer.ts";
export type { LayerType, ModelConfig } from "./decoder/config.ts";
export { saveModel, type SaveOptions } from "./save.ts";
export { Conversation, type ConversationOptions } from "./conversation.ts";
export type { Observer } from "./decoder/decoder.ts";
export type { RopeParameters, RopeScaling } from "./decoder/rope_parameters.ts";
export type { SamplingOptions } from "./decoder/sampling.ts";
export type { ContinueOptions, Logits, Session } from "./decoder/session.ts";
export {
  generate,
  type Generated,
  type GeneratedPiece,
  type GenerateOptions,
  generateStream,
  type StoppedBy,
} from "./generate.ts";
export { loadModel, type LoadOptions } from "./load_model.ts";
export { Model, type ModelParts } from "./model.ts";
export type { TextStream } from "./tokenizer/decoding.ts";
export { type ChatOptions, type Message, Tokenizer } from "./tokenizer/tokenizer.ts";
