/**
 * Reading of safetensors files: a header with each tensor's position, then their bytes.
 *
 * @module
 */
import { openFile } from "../disk.ts";
import { CheckpointError } from "../../errors.ts";
import { bytesOf, isDType, toFloat32 } from "../../matrix/dtype.ts";
import { fillFrom, type Header, readHeader, type TensorInfo } from "./header.ts";
import { alternatives, type Fail, quote } from "./messages.ts";

/** Bytes that are read and widened to float32 at a time: few enough to stay in cache. */
const CHUNK_BYTES = 2 ** 22;

/**
 * An open safetensors file. Tensors are read on demand.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeSafetensors } from "./write.ts";
 *
 * const path = await Deno.makeTempFile();
 * writeSafetensors(path, [{ name: "a", dtype: "BF16", shape: [2], data: () => Uint8Array.of(0x80, 0x3f, 0x00, 0xc0) }]);
 * using file = SafetensorsFile.open(path);
 * assertEquals(file.info("a").shape, [2]);
 * assertEquals(file.readFloat32("a"), Float32Array.of(1, -2));
 * await Deno.remove(path);
 * ```
 */
export class SafetensorsFile implements Disposable {
  /** The file's path. */
  readonly path: string;
  /** The header's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #tensors: Header["tensors"];
  readonly #file: Deno.FsFile;
  #open = true;

  private constructor(path: string, file: Deno.FsFile, { tensors, metadata }: Header) {
    this.path = path;
    this.metadata = metadata;
    this.#tensors = tensors;
    this.#file = file;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws {CheckpointError} when the file is missing or its header is malformed in any way.
   */
  static open(path: string): SafetensorsFile {
    const fail: Fail = (what, cause) => {
      throw new CheckpointError(`Cannot read ${path}: ${what}`, { cause });
    };
    const { file, start } = openFile(path, (file) => readHeader(file, fail));
    return new SafetensorsFile(path, file, start);
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
   * Where a tensor lies.
   *
   * @throws {CheckpointError} when there is none of that name (naming similar ones), or its type is one that cannot be
   * read, such as C64.
   */
  info(name: string): TensorInfo {
    const found = this.#tensors.get(name);
    if (!found) {
      throw new CheckpointError(
        `Cannot find tensor ${quote(name)} in ${this.path}: ${alternatives(name, this.names())}`,
      );
    }
    const { dtype } = found;
    if (!isDType(dtype)) return this.#fail(name, `${dtype} is not supported`);
    return { ...found, dtype };
  }

  /**
   * The bytes of a tensor.
   *
   * @param out receives them, and has their length; a new array when absent.
   * @throws {CheckpointError} as {@linkcode SafetensorsFile.info} does, and when the file has been closed or has shrunk
   * since it was opened, or memory is short.
   */
  read(name: string, out?: Uint8Array): Uint8Array {
    const { offset, bytes } = this.info(name);
    out ??= this.#allocate(name, () => new Uint8Array(bytes));
    this.#fill(name, offset, out);
    return out;
  }

  /**
   * Some of a tensor's bytes.
   *
   * @param out receives as many as it is long, from byte `from` on.
   * @throws {CheckpointError} as {@linkcode SafetensorsFile.read} does.
   */
  readPart(name: string, from: number, out: Uint8Array): void {
    const { offset, bytes } = this.info(name);
    if (from + out.length > bytes) {
      this.#fail(name, `it has ${bytes} bytes, ${out.length} from ${from} on are asked for`);
    }
    this.#fill(name, offset + from, out);
  }

  /**
   * The bytes of a tensor, a few MB at a time, each in the same array as the one before.
   *
   * @throws {CheckpointError} as {@linkcode SafetensorsFile.read} does.
   */
  *chunks(name: string): Iterable<Uint8Array> {
    const { bytes } = this.info(name);
    const chunk = new Uint8Array(Math.min(bytes, CHUNK_BYTES));
    for (let done = 0; done < bytes; done += CHUNK_BYTES) {
      const part = chunk.subarray(0, bytes - done);
      this.readPart(name, done, part);
      yield part;
    }
  }

  /**
   * Reads a tensor as float32, with a few MB of memory beside the result.
   *
   * @param out receives it, and has its length; a new array when absent.
   * @throws {CheckpointError} as {@linkcode SafetensorsFile.read} does.
   */
  readFloat32(name: string, out?: Float32Array): Float32Array {
    const { dtype, offset, bytes } = this.info(name);
    const size = bytesOf(dtype);
    out ??= this.#allocate(name, () => new Float32Array(bytes / size));
    if (dtype === "F32") {
      this.#fill(name, offset, new Uint8Array(out.buffer, out.byteOffset, out.byteLength));
      return out;
    }
    const chunk = new Uint8Array(Math.min(bytes, CHUNK_BYTES));
    for (let done = 0; done < bytes; done += CHUNK_BYTES) {
      const part = chunk.subarray(0, bytes - done);
      this.#fill(name, offset + done, part);
      toFloat32(part, dtype, out.subarray(done / size, (done + part.length) / size));
    }
    return out;
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    if (this.#open) this.#file.close();
    this.#open = false;
  }

  #fail(name: string, what: string, cause?: unknown): never {
    throw new CheckpointError(`Cannot read tensor ${quote(name)} of ${this.path}: ${what}`, { cause });
  }

  #allocate<T>(name: string, make: () => T): T {
    try {
      return make();
    } catch (cause) {
      return this.#fail(name, `its ${this.info(name).bytes} bytes do not fit in memory`, cause);
    }
  }

  #fill(name: string, offset: number, out: Uint8Array): void {
    if (!this.#open) this.#fail(name, "the file has been closed");
    fillFrom(this.#file, { offset, fail: (what, cause) => this.#fail(name, what, cause) }, out);
  }
}
