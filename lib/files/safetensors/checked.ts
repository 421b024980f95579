/**
 * Safetensors files that know what they hold: each tensor's checksum, and that of the rest, are in the header's metadata.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { sha256 } from "../sha256.ts";
import type { TensorInfo } from "./header.ts";
import { SafetensorsFile } from "./read.ts";
import { type TensorToWrite, writeSafetensors } from "./write.ts";

/** The key of the tensors' checksums, as JSON by name, and that of all other metadata and shapes. */
const TENSORS = "tensors.sha256";
const HEADER = "header.sha256";

type Metadata = Readonly<Record<string, string>>;

/**
 * Writes a safetensors file with checksums. All its tensors are in memory for a moment.
 *
 * @throws {CheckpointError} as {@linkcode writeSafetensors} does.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const path = await Deno.makeTempFile();
 * writeChecked(path, [{ name: "a", dtype: "U8", shape: [2], data: () => Uint8Array.of(1, 2) }], { of: "two" });
 * using file = CheckedFile.open(path);
 * assertEquals([file.metadata.of, file.read("a")], ["two", Uint8Array.of(1, 2)]);
 * await Deno.remove(path);
 * ```
 */
export function writeChecked(path: string, tensors: readonly TensorToWrite[], metadata: Metadata): void {
  const pieces = tensors.map((tensor) => {
    const data = tensor.data();
    return { ...tensor, pieces: data instanceof Uint8Array ? [data] : [...data] };
  });
  const sums = Object.fromEntries(pieces.map(({ name, pieces }) => [name, sha256(pieces)]));
  const own = { ...metadata, [TENSORS]: JSON.stringify(sums) };
  writeSafetensors(
    path,
    pieces.map(({ pieces, ...tensor }) => ({ ...tensor, data: () => pieces })),
    { ...own, [HEADER]: headerSum(own, tensors) },
  );
}

/** The checksum of metadata, and of tensors' names, types and shapes. */
function headerSum(metadata: Metadata, tensors: readonly Omit<TensorToWrite, "data">[]): string {
  const shapes = tensors.map(({ name, dtype, shape }) => [name, dtype, shape.join("×")].join(" "));
  return sha256([JSON.stringify([Object.entries(metadata).sort(), shapes.sort()])]);
}

/** An open file that {@linkcode writeChecked} has written. */
export class CheckedFile implements Disposable {
  readonly #file: SafetensorsFile;
  readonly #sums: Readonly<Record<string, string>>;

  private constructor(file: SafetensorsFile) {
    this.#file = file;
    const { [HEADER]: sum, ...rest } = file.metadata;
    const tensors = Array.from(file.names(), (name) => file.info(name));
    if (sum !== headerSum(rest, tensors)) this.#fail("its header");
    this.#sums = JSON.parse(rest[TENSORS]!);
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws {CheckpointError} when it is missing, malformed, or not what was written.
   */
  static open(path: string): CheckedFile {
    const file = SafetensorsFile.open(path);
    try {
      return new CheckedFile(file);
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  /** The header's metadata. */
  get metadata(): Metadata {
    return this.#file.metadata;
  }

  /** Names of all tensors. */
  names(): Iterable<string> {
    return this.#file.names();
  }

  /** Whether there is a tensor of that name. */
  has(name: string): boolean {
    return this.#file.has(name);
  }

  /** Type, shape and size of a tensor. */
  info(name: string): TensorInfo {
    return this.#file.info(name);
  }

  /**
   * The bytes of a tensor.
   *
   * @throws {CheckpointError} when it is missing, or not what was written.
   */
  read(name: string): Uint8Array {
    const bytes = this.#file.read(name);
    if (sha256([bytes]) !== this.#sums[name]) this.#fail(`tensor "${name}"`);
    return bytes;
  }

  #fail(what: string): never {
    throw new CheckpointError(
      `Cannot read ${this.#file.path}: ${what} does not have its checksum, so the file is damaged`,
    );
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
