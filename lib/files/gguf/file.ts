/**
 * GGUF files: metadata, then tensors, many of them in quantized blocks.
 *
 * @module
 */
import { openFile } from "../disk.ts";
import { CheckpointError } from "../../errors.ts";
import { toFloat32 } from "../../matrix/dtype.ts";
import { fillFrom, type TensorInfo } from "../safetensors/header.ts";
import { alternatives, quote } from "../safetensors/messages.ts";
import type { TensorFile } from "../tensor_file.ts";
import { type GgufHeader, type GgufMetadata, type GgufTensor, readGgufHeader } from "./header.ts";
import { partPaths } from "./split.ts";
import { GGML_TYPES, type GgmlType } from "./types.ts";

/** Bytes that are read and dequantized at a time, about. */
const CHUNK = 2 ** 20;

/** A file, or one of the parts of a model in several. */
interface Part {
  readonly path: string;
  readonly file: Deno.FsFile;
  readonly header: GgufHeader;
}

/** A tensor and the part that has it. */
interface Place extends GgufTensor {
  readonly part: Part;
}

/**
 * An open GGUF file, or all parts of a model in several; tensors are read when asked for. Names are the file's own; shapes
 * are [rows, cols]; F32, F16 and BF16 are as they are stored, quantized blocks are read as F32.
 */
export class GgufFile implements TensorFile {
  /** Where the file lies. */
  readonly path: string;
  /** What it says of the model. */
  readonly metadata: GgufMetadata;
  readonly #tensors = new Map<string, Place>();
  readonly #parts: readonly Part[];
  #open = true;

  private constructor(path: string, parts: readonly [Part, ...Part[]]) {
    this.path = path;
    this.metadata = parts[0].header.metadata;
    this.#parts = parts;
    for (const part of parts) {
      for (const tensor of part.header.tensors.values()) {
        if (this.#tensors.has(tensor.name)) {
          throw new CheckpointError(
            `Cannot read ${part.path}: tensor ${quote(tensor.name)} is in another part`,
          );
        }
        this.#tensors.set(tensor.name, { ...tensor, part });
      }
    }
    const expected = this.metadata["split.tensors.count"];
    if (parts.length > 1 && typeof expected === "number" && expected !== this.#tensors.size) {
      throw new CheckpointError(
        `Cannot read ${path}: its parts have ${this.#tensors.size} tensors, expected ${expected}`,
      );
    }
  }

  /**
   * Opens a file and checks its header; of a part of a model in several files, all parts.
   *
   * @throws {CheckpointError} when a file is missing or its header is malformed in any way.
   */
  static open(path: string): GgufFile {
    using opened = new DisposableStack();
    const open = (path: string) => {
      const part = openPart(path);
      opened.defer(() => part.file.close());
      return part;
    };
    const first = open(path);
    const count = first.header.metadata["split.count"] ?? 1;
    const paths = count === 1 ? [path] : partPaths(path, Number(count));
    if (!paths) {
      throw new CheckpointError(
        `Cannot read ${path}: it is one of ${count} parts, whose names must end with -00001-of-` +
          `${String(count).padStart(5, "0")}.gguf and so on`,
      );
    }
    const parts = paths.map((other) => other === path ? first : open(other));
    const wrong = parts.findIndex(({ header }, i) => parts.length > 1 && header.metadata["split.no"] !== i);
    if (wrong >= 0) {
      throw new CheckpointError(
        `Cannot read ${paths[wrong]}: split.no must be ${wrong}, current value is ` +
          `${parts[wrong]!.header.metadata["split.no"]}`,
      );
    }
    const file = new GgufFile(path, parts as [Part, ...Part[]]);
    opened.move();
    return file;
  }

  /** Names of all tensors, in the header's order. */
  names(): Iterable<string> {
    return this.#tensors.keys();
  }

  /** Whether there is a tensor of that name. */
  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /**
   * A tensor's type and shape, as they are read.
   *
   * @throws {CheckpointError} when there is none of that name, or its type cannot be read.
   */
  info(name: string): TensorInfo {
    const { shape, offset, bytes } = this.#tensor(name);
    const { dtype } = this.#type(name);
    if (dtype) return { name, dtype, shape, offset, bytes };
    return { name, dtype: "F32", shape, offset, bytes: 4 * shape.reduce((product, n) => product * n, 1) };
  }

  /**
   * A tensor's bytes, of the type that {@linkcode GgufFile.info} says; in `out` where that is given.
   *
   * @throws {CheckpointError} as {@linkcode GgufFile.info} does, and when the file has been closed or has shrunk, or
   * memory is short.
   */
  read(name: string, out?: Uint8Array): Uint8Array {
    const to = out ?? this.allocate(name, () => new Uint8Array(this.info(name).bytes));
    this.readPart(name, 0, to);
    return to;
  }

  /**
   * A tensor as float32; in `out` where that is given. About a MB beside the result is used.
   *
   * @throws {CheckpointError} as {@linkcode GgufFile.read} does.
   */
  readFloat32(name: string, out?: Float32Array): Float32Array {
    const { shape, dtype } = this.info(name);
    const to = out ??
      this.allocate(name, () => new Float32Array(shape.reduce((product, n) => product * n, 1)));
    if (dtype === "F32") this.readPart(name, 0, new Uint8Array(to.buffer, to.byteOffset, to.byteLength));
    else toFloat32(this.read(name), dtype, to);
    return to;
  }

  /**
   * Some of a tensor's bytes, from byte `from` on, of the type that {@linkcode GgufFile.info} says: of quantized blocks
   * whole float32 values.
   *
   * @throws {CheckpointError} as {@linkcode GgufFile.read} does.
   */
  readPart(name: string, from: number, out: Uint8Array): void {
    const { bytes: stored } = this.#tensor(name);
    const { dtype, values, bytes, dequantize } = this.#type(name);
    if (dtype) return this.#fill(name, from, out);
    // From the first block to the last, of which only some values may be wanted.
    const first = Math.floor(from / 4 / values);
    const last = Math.ceil((from + out.length) / 4 / values);
    const many = Math.min(last - first, Math.floor(CHUNK / bytes));
    const chunk = new Uint8Array(many * bytes);
    const wanted = new Float32Array(out.buffer, out.byteOffset, out.length / 4);
    for (let block = first; block < last; block += many) {
      const part = chunk.subarray(0, (last - block) * bytes);
      if (block * bytes + part.length > stored) this.#fail(name, "it has no such values");
      this.#fill(name, block * bytes, part);
      const start = block * values - from / 4;
      const count = part.length / bytes * values;
      if (start >= 0 && start + count <= wanted.length) {
        dequantize(part, wanted.subarray(start, start + count));
      } else {
        const whole = new Float32Array(count);
        dequantize(part, whole);
        wanted.set(whole.subarray(Math.max(-start, 0), wanted.length - start), Math.max(start, 0));
      }
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    if (this.#open) { for (const { file } of this.#parts) file.close(); }
    this.#open = false;
  }

  #tensor(name: string): Place {
    const found = this.#tensors.get(name);
    if (found) return found;
    throw new CheckpointError(
      `Cannot find tensor ${quote(name)} in ${this.path}: ${alternatives(name, this.names())}`,
    );
  }

  #type(name: string): GgmlType {
    const { type } = this.#tensor(name);
    if (Object.hasOwn(GGML_TYPES, type)) return GGML_TYPES[type]!;
    return this.#fail(name, `${type} is not supported, only ${Object.keys(GGML_TYPES).join(", ")} are`);
  }

  #fail(name: string, what: string, cause?: unknown): never {
    throw new CheckpointError(`Cannot read tensor ${quote(name)} of ${this.path}: ${what}`, { cause });
  }

  /** Makes room for a tensor. @throws {CheckpointError} when memory is short. */
  allocate<T>(name: string, make: () => T): T {
    try {
      return make();
    } catch (cause) {
      return this.#fail(name, "it does not fit in memory", cause);
    }
  }

  /** Fills `out` with what a tensor has from byte `from` on. */
  #fill(name: string, from: number, out: Uint8Array): void {
    if (!this.#open) this.#fail(name, "the file has been closed");
    const { part, offset } = this.#tensor(name);
    fillFrom(part.file, { offset: offset + from, fail: (what, cause) => this.#fail(name, what, cause) }, out);
  }
}

function openPart(path: string): Part {
  const { file, start } = openFile(path, (file) => readGgufHeader(file, path));
  return { path, file, header: start };
}
