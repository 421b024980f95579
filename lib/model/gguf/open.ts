/**
 * A GGUF file as a checkpoint.
 *
 * @module
 */
import { GgufFile } from "../../files/gguf/file.ts";
import type { TensorFile } from "../../files/tensor_file.ts";
import { ggufConfig } from "./config.ts";
import { Metadata } from "./metadata.ts";
import { ggufTokenizer, type TokenizerFiles } from "./tokenizer.ts";
import { GgufWeights } from "./weights.ts";

/** What a GGUF file has in one and a folder in many files. */
export interface GgufModel {
  /** What config.json would say. */
  readonly config: Record<string, unknown>;
  /** The tensors under Hugging Face's names. */
  readonly weights: TensorFile;
  /** What the tokenizer's files would say. */
  readonly tokenizer: TokenizerFiles;
}

/** Whether a path is a GGUF file's. */
export function isGguf(path: string): boolean {
  return path.endsWith(".gguf");
}

/**
 * Opens a GGUF file of a Llama, a Mistral or a Qwen; whoever gets it closes `weights`.
 *
 * @throws {CheckpointError} when it is missing, malformed or of an architecture that is not supported.
 */
export async function openGguf(path: string): Promise<GgufModel> {
  using open = new DisposableStack();
  const file = open.use(await GgufFile.open(path));
  const metadata = new Metadata(file.metadata, path);
  const config = ggufConfig(file, metadata);
  const tokenizer = ggufTokenizer(metadata);
  // Only "llama" turns neighbours: see llama.cpp's LLAMA_ROPE_TYPE_NORM.
  const [q, k] = [Number(config.num_attention_heads), Number(config.num_key_value_heads)];
  const weights = new GgufWeights(file, config.model_type === "llama" ? { interleaved: { q, k } } : {});
  open.move();
  return { config, weights, tokenizer };
}
