/**
 * A GGUF file as a checkpoint.
 *
 * @module
 */
import { GgufFile } from "../../files/gguf/file.ts";
import type { TensorFile } from "../../files/tensor_file.ts";
import { ggufArchitecture } from "./architectures.ts";
import { ggufConfig } from "./config.ts";
import { Metadata } from "./metadata.ts";
import { GgufReader } from "./reader.ts";
import type { TokenizerFiles } from "../tokenizer/tokenizer.ts";
import { ggufTokenizer } from "./tokenizer.ts";
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
 * Opens a GGUF file, or all parts of a split one where it is one of them. The caller closes `weights`.
 *
 * @throws {CheckpointError} when it is missing, malformed or of an architecture that is not supported.
 */
export function openGguf(path: string): GgufModel {
  using open = new DisposableStack();
  const file = open.use(GgufFile.open(path));
  const metadata = new Metadata(file.metadata, path);
  const read = new GgufReader(file, metadata);
  const architecture = ggufArchitecture(read);
  const config = ggufConfig(read, architecture);
  const tokenizer = ggufTokenizer(metadata);
  const weights = new GgufWeights(file, {
    names: architecture.names,
    changes: architecture.changes?.(read) ?? {},
    experts: read.experts(),
  });
  open.move();
  return { config, weights, tokenizer };
}
