/**
 * A GGUF file's tensors under Hugging Face's names, and as Hugging Face's models hold them.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import type { GgufFile } from "../../files/gguf/file.ts";
import type { TensorInfo } from "../../files/safetensors/header.ts";
import { alternatives, quote } from "../../files/safetensors/messages.ts";
import type { TensorFile } from "../../files/tensor_file.ts";
import { bytesOf, toFloat32 } from "../../matrix/dtype.ts";
import type { Change } from "./changes.ts";
import { hubName, type Names } from "./names.ts";

/** Tensors that only say what the config says too. */
const LEFT_OUT = /^(rope_freqs|rope_factors_long|rope_factors_short|blk\.\d+\.attn_rot_embd)\.weight$/;

/** Bytes that are given at a time, about. */
const CHUNK = 2 ** 22;

/** How a file's tensors differ from Hugging Face's. */
export interface WeightsOptions {
  /** Their names. */
  readonly names: Names;
  /** What is otherwise, by GGUF's name of the module. */
  readonly changes: Readonly<Record<string, Change>>;
  /** Experts of a layer, of which one tensor may have all. */
  readonly experts: number;
}

/** Where a tensor lies. */
interface Place {
  /** The file's name of it. */
  readonly own: string;
  /** Which of `experts` it is, where the file's tensor has them all. */
  readonly expert?: number;
  /** What is otherwise. */
  readonly change?: Change;
}

/** The tensors of a model, whatever its file calls them. */
export class GgufWeights implements TensorFile {
  readonly #file: GgufFile;
  readonly #places = new Map<string, Place>();
  readonly #experts: number;

  /**
   * @param file the file, which is closed with this.
   * @throws {CheckpointError} when it has a tensor that the architecture has not.
   */
  constructor(file: GgufFile, { names, changes, experts }: WeightsOptions) {
    this.#file = file;
    this.#experts = experts;
    for (const own of file.names()) {
      if (LEFT_OUT.test(own)) continue;
      const found = hubName(own, names);
      if (!found) {
        throw new CheckpointError(
          `Cannot use ${file.path}: tensor ${quote(own)} is none of this architecture's`,
        );
      }
      // A type that cannot be read is an error now, not when its turn comes.
      file.info(own);
      const change = Object.hasOwn(changes, found.module) ? changes[found.module] : undefined;
      if (!found.name.includes("{e}")) this.#places.set(found.name, { own, change });
      else this.#addExperts(own, found.name, change);
    }
  }

  #addExperts(own: string, name: string, change?: Change): void {
    const { shape } = this.#file.info(own);
    if (shape.length !== 3 || shape[0] !== this.#experts) {
      throw new CheckpointError(
        `Cannot use ${this.#file.path}: tensor ${quote(own)} must have three dimensions, ` +
          `the first for ${this.#experts} experts`,
      );
    }
    for (let expert = 0; expert < this.#experts; expert++) {
      this.#places.set(name.replace("{e}", String(expert)), { own, expert, change });
    }
  }

  /** Names of all tensors. */
  names(): Iterable<string> {
    return this.#places.keys();
  }

  /** Whether there is a tensor of that name. */
  has(name: string): boolean {
    return this.#places.has(name);
  }

  /** A tensor's type and shape, as they are read. */
  info(name: string): TensorInfo {
    const { own, expert, change } = this.#place(name);
    const { dtype: stored, shape: whole, offset } = this.#file.info(own);
    const shape = expert === undefined ? whole : whole.slice(1);
    const dtype = change?.plus ? "F32" : stored;
    return {
      name,
      dtype,
      shape: change?.transposed ? shape.toReversed() : shape,
      offset,
      bytes: shape.reduce((product, n) => product * n, bytesOf(dtype)),
    };
  }

  /** A tensor's bytes; in `out` where that is given. */
  read(name: string, out?: Uint8Array): Uint8Array {
    const { change } = this.#place(name);
    const { dtype, bytes } = this.info(name);
    if (change?.plus) return bytesIn(this.readFloat32(name, out && floatsIn(out)));
    const to = out ?? this.#file.allocate(name, () => new Uint8Array(bytes));
    this.#stored(name, to);
    if (change) this.#reorder(name, to, bytesOf(dtype));
    return to;
  }

  /** A tensor as float32; in `out` where that is given. */
  readFloat32(name: string, out?: Float32Array): Float32Array {
    const { own, change } = this.#place(name);
    const { bytes, dtype } = this.info(name);
    const to = out ?? this.#file.allocate(name, () => new Float32Array(bytes / bytesOf(dtype)));
    if (this.#file.info(own).dtype === "F32") {
      this.#stored(name, bytesIn(to));
      if (change) this.#reorder(name, bytesIn(to), 4);
    } else {
      toFloat32(change?.plus ? this.#file.read(own) : this.read(name), this.#file.info(own).dtype, to);
    }
    const plus = change?.plus;
    if (plus) to.forEach((value, i) => to[i] = value + plus);
    return to;
  }

  /** Some of a tensor's bytes, from byte `from` on. */
  readPart(name: string, from: number, out: Uint8Array): void {
    const { own, change, expert = 0 } = this.#place(name);
    if (change) out.set(this.read(name).subarray(from, from + out.length));
    else this.#file.readPart(own, from + expert * this.info(name).bytes, out);
  }

  /** A tensor's bytes a few MB at a time. */
  *chunks(name: string): Iterable<Uint8Array> {
    const { bytes } = this.info(name);
    if (this.#place(name).change) return yield this.read(name);
    const chunk = new Uint8Array(Math.min(bytes, CHUNK));
    for (let at = 0; at < bytes; at += CHUNK) {
      const part = chunk.subarray(0, bytes - at);
      this.readPart(name, at, part);
      yield part;
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place !== undefined) return place;
    throw new CheckpointError(
      `Cannot find tensor ${quote(name)} in ${this.#file.path}: ${alternatives(name, this.names())}`,
    );
  }

  /** A tensor's bytes as the file has them. */
  #stored(name: string, out: Uint8Array): void {
    const { own, expert = 0 } = this.#place(name);
    this.#file.readPart(own, expert * out.length, out);
  }

  /** Puts rows, or rows and columns, in Hugging Face's order; `width` is what a value takes. */
  #reorder(name: string, data: Uint8Array, width: number): void {
    const { change } = this.#place(name);
    const { shape } = this.info(name);
    if (change?.row) {
      const rows = shape[0] ?? 1;
      const length = data.length / rows;
      const old = data.slice();
      for (let row = 0; row < rows; row++) {
        const from = change.row(row, rows);
        if (from === undefined) {
          throw new CheckpointError(
            `Cannot use ${this.#file.path}: ${quote(name)} has ${rows} rows, which the heads do not divide`,
          );
        }
        data.set(old.subarray(from * length, (from + 1) * length), row * length);
      }
    }
    if (change?.transposed && shape.length === 2) transpose(data, shape, width);
  }
}

/** Turns [cols, rows] into [rows, cols] = shape in place. */
function transpose(data: Uint8Array, [rows = 0, cols = 0]: readonly number[], width: number): void {
  const of = (bytes: Uint8Array) =>
    width === 4
      ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
      : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const [to, old] = [of(data), of(data.slice())];
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) to[row * cols + col] = old[col * rows + row]!;
  }
}

function bytesIn(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function floatsIn(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
