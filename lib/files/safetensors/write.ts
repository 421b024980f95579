/**
 * Writing of safetensors files. A full disk or a killed process leaves the previous file as it was.
 *
 * @module
 */
import { writeBeside } from "../disk.ts";
import { CheckpointError } from "../../errors.ts";
import { bytesOf, type DType } from "../../matrix/dtype.ts";
import { LARGEST_HEADER_BYTES, parseHeader } from "./header.ts";
import { type Fail, quote, showShape } from "./messages.ts";

/** A tensor to be written. */
export interface TensorToWrite {
  /** The tensor's name. */
  readonly name: string;
  /** The type of its values. */
  readonly dtype: DType;
  /** Its sizes. */
  readonly shape: readonly number[];
  /** Its bytes, whole or piece by piece, asked for once, when its turn comes. */
  readonly data: () => Uint8Array | Iterable<Uint8Array>;
}

/** The order in which the format's own library writes types: wide ones first keeps every tensor aligned. */
const WRITE_ORDER: readonly DType[] = [
  ...["U64", "I64", "F64", "F32", "U32", "I32", "BF16", "F16", "U16", "I16"] as const,
  ...["F8_E4M3", "F8_E5M2", "I8", "U8", "BOOL"] as const,
];

/**
 * Writes a safetensors file, a tensor in memory at a time, through {@linkcode writeBeside}. The bytes are those that the
 * format's own library writes, wide types first, then by name.
 *
 * @param path the file's path.
 * @param tensors the tensors, in any order; each one's data is asked for in the file's order.
 * @param metadata the header's `__metadata__`.
 * @throws {CheckpointError} when a name, a shape or the size of a tensor's data is wrong, or writing fails; what was
 * there before stays.
 *
 * @example
 * ```ts
 * import { fromFloat32 } from "../../matrix/dtype.ts";
 * import { SafetensorsFile } from "./read.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * const data = () => fromFloat32(Float32Array.of(1, 2, 3), "F16");
 * writeSafetensors(path, [{ name: "a", dtype: "F16", shape: [3], data }], { format: "pt" });
 * {
 *   using file = SafetensorsFile.open(path);
 *   assertEquals(file.readFloat32("a"), Float32Array.of(1, 2, 3));
 * }
 * await Deno.remove(path);
 * ```
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const fail: Fail = (what, cause) => {
    throw new CheckpointError(`Cannot write ${path}: ${what}`, { cause });
  };
  const ordered = [...tensors].sort((a, b) =>
    WRITE_ORDER.indexOf(a.dtype) - WRITE_ORDER.indexOf(b.dtype) || (a.name < b.name ? -1 : 1)
  );
  // Joined by hand, as an object would put names that are numbers first and repeated ones once.
  const members = Object.keys(metadata).length > 0 ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  let end = 0;
  for (const tensor of ordered) {
    const { name, dtype, shape } = tensor;
    const data_offsets = [end, end += tensorBytes(tensor)];
    members.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets })}`);
  }
  const text = `{${members.join(",")}}`;
  // A header that cannot be read is not written.
  parseHeader(text, { start: 0, end, fail });
  writeBeside(path, function* () {
    yield encodeHeader(text, fail);
    for (const tensor of ordered) {
      const data = tensor.data();
      let length = 0;
      for (const bytes of data instanceof Uint8Array ? [data] : data) {
        length += bytes.length;
        yield bytes;
      }
      const needed = tensorBytes(tensor);
      if (length !== needed) {
        const what = `${tensor.dtype} of shape ${showShape(tensor.shape)}, takes ${needed} bytes`;
        fail(`tensor ${quote(tensor.name)}, ${what}, its data has ${length}`);
      }
    }
  });
}

/** The header's length, its text, and spaces up to a multiple of 8 bytes, so that the widest values are aligned. */
function encodeHeader(text: string, fail: Fail): Uint8Array {
  const utf8 = new TextEncoder().encode(text);
  const length = Math.ceil(utf8.length / 8) * 8;
  if (length > LARGEST_HEADER_BYTES) {
    fail(`its header would take ${length} bytes, at most ${LARGEST_HEADER_BYTES} are read`);
  }
  const out = new Uint8Array(8 + length).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(utf8, 8);
  return out;
}

/**
 * The stored size of a tensor, in bytes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(tensorBytes({ dtype: "F16", shape: [2, 3] }), 12);
 * ```
 */
export function tensorBytes(tensor: { dtype: DType; shape: readonly number[] }): number {
  return tensor.shape.reduce((product, n) => product * n, bytesOf(tensor.dtype));
}
