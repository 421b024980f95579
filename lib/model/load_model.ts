/**
 * Models from files: a folder in Hugging Face layout, a GGUF file, or the Hub.
 *
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { type BackendName, type BackendOptions, createBackend } from "../compute/create_backend.ts";
import { interruptible, pause } from "../event_loop.ts";
import { type Matrix, toHalves, transposed } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { Checkpoint } from "./checkpoint/checkpoint.ts";
import { locateModel, type LocateOptions, shortName } from "./checkpoint/locate.ts";
import { readPacked } from "./checkpoint/packed_tensors.ts";
import { outputsOf, type TensorPlace } from "./decoder/layout.ts";
import { isGguf, openGguf } from "./gguf/open.ts";
import { Model } from "./model.ts";
import { Tokenizer } from "./tokenizer/tokenizer.ts";

/** How a model is loaded. */
export interface LoadOptions extends BackendOptions, LocateOptions {
  /** Where it runs; "auto" takes the best that this machine has. */
  backend?: BackendName;
}

/**
 * Loads a model: the embedded "tinyworld", a folder in Hugging Face layout (config.json, safetensors, tokenizer.json),
 * quantized by this library or not, a .gguf file, or what the Hugging Face Hub has as "org/name", "org/name@revision" or
 * "org/name/file.gguf". What is there under that path comes before the Hub.
 *
 * @throws {CheckpointError} when files are missing or malformed.
 * @throws {HubError} when the Hub has no such model, or it cannot be had.
 * @throws {ConfigError} when config.json asks for something that is not supported.
 *
 * @example
 * ```ts
 * import { loadModel } from "any4";
 * import { assertEquals } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * assertEquals([model.config.num_hidden_layers, model.size.parameters], [4, 3_410_176]);
 * ```
 */
export function loadModel(name: string, options: LoadOptions = {}): Promise<Model> {
  return interruptible(() => load(name, options));
}

async function load(name: string, options: LoadOptions): Promise<Model> {
  using open = new DisposableStack();
  // Only then is given back what models took that nobody holds any more: a program may do nothing but load.
  await pause();
  const { checkpoint, tokenizer } = await openFiles(name, options);
  using _ = checkpoint;
  const { config, folder } = checkpoint;
  const backend = open.use(await createBackend(options.backend, options));
  const room = backend.room?.bind(backend);
  const tensors = new Map<string, Matrix | PackedMatrix>();
  for (const place of checkpoint.places()) tensors.set(place.name, readTensor(checkpoint, place, room));
  const model = new Model({
    name: shortName(name),
    folder,
    config,
    rawConfig: checkpoint.rawConfig,
    generationConfig: checkpoint.generationConfig,
    tokenizer,
    backend,
    tensors,
  });
  open.move();
  return model;
}

/** A model's files, found or downloaded: its checkpoint, which the caller closes, and its tokenizer. */
export async function openFiles(
  name: string,
  options: LocateOptions,
): Promise<{ checkpoint: Checkpoint; tokenizer: Tokenizer }> {
  const folder = await locateModel(name, options);
  const gguf = isGguf(folder) ? openGguf(folder) : undefined;
  using open = new DisposableStack();
  const checkpoint = open.use(gguf ? Checkpoint.ofGguf(folder, gguf) : Checkpoint.open(folder));
  const tokenizer = gguf ? Tokenizer.ofGguf(folder, gguf.tokenizer) : Tokenizer.open(folder);
  open.move();
  return { checkpoint, tokenizer };
}

/** A tensor as the decoder wants it, packed or dense. */
export function readTensor(
  checkpoint: Checkpoint,
  place: TensorPlace,
  room?: Backend["room"],
): Matrix | PackedMatrix {
  const { name, rows, cols } = place;
  const packed = readPacked(checkpoint, { tensor: name, rows, cols, room });
  if (packed) return packed;
  if (place.interleaved) {
    const matrix = checkpoint.matrix(name, { rows, cols });
    return { ...matrix, data: toHalves(matrix.data, { outputs: outputsOf(place), head: place.interleaved }) };
  }
  if (!place.transposed) return checkpoint.matrix(name, { rows, cols }, room);
  return transposed(checkpoint.matrix(name, { rows: cols, cols: rows }));
}
