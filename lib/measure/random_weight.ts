/**
 * Random weights of any format for timing. Values do not affect speed, and learning them would take long.
 *
 * @module
 */
import { type FloatType, fromFloat32 } from "../matrix/dtype.ts";
import { OptionError } from "../errors.ts";
import { formats } from "../formats/formats.ts";
import { resolveGroupSize } from "../learn/quantize.ts";
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { wordsPerRow } from "../matrix/packing.ts";
import { isStoredType, storedMatrix } from "../matrix/stored_matrix.ts";
import { Random } from "../random.ts";

/** The formats of dense weights. */
export const DENSE_FORMATS: readonly string[] = ["f32", "f16", "bf16"];

/** The period of the random numbers: a prime, so that no two rows are equal. */
const PERIOD = 65537;

/** Fills an array with periodic random numbers, as fast as a copy. */
function fill<Numbers extends Float32Array | Uint32Array | Uint16Array>(
  numbers: Numbers,
  next: () => number,
): Numbers {
  const { length } = numbers;
  for (let i = 0; i < Math.min(PERIOD, length); i++) numbers[i] = next();
  for (let done = PERIOD; done < length; done *= 2) {
    numbers.copyWithin(done, 0, Math.min(done, length - done));
  }
  return numbers;
}

/**
 * Makes a weight of a format, [rows, cols], with random values.
 *
 * @param options.format a number format, or one of {@linkcode DENSE_FORMATS}.
 * @param options.groupSize columns that share a scale; the format's own when absent.
 * @throws {OptionError} when the format is unknown or the group size out of range.
 */
export function randomWeight(
  shape: { readonly rows: number; readonly cols: number },
  options: { format: string; groupSize?: number | "row"; random?: Random },
): Matrix | PackedMatrix {
  const { rows, cols } = shape;
  const { format: name, random = new Random(1) } = options;
  if (DENSE_FORMATS.includes(name)) {
    // Multiples of 1/16 with 4 bits, which every type represents exactly.
    const sixteenth = () => (Math.floor(16 * random.next()) - 8) / 16;
    const dtype = name.toUpperCase() as FloatType;
    if (!isStoredType(dtype)) {
      return { rows, cols, data: fill(new Float32Array(rows * cols), sixteenth), dtype };
    }
    const half = () => new Uint16Array(fromFloat32(Float32Array.of(sixteenth()), dtype).buffer)[0]!;
    const { buffer } = fill(new Uint16Array(rows * cols), half);
    return storedMatrix(new Uint8Array(buffer), { rows, cols, dtype });
  }
  const format = formats.get(name);
  if (!format) {
    const known = [...DENSE_FORMATS, ...formats.keys()].join(", ");
    throw new OptionError(`Cannot find format "${name}": expected one of ${known}`);
  }
  const { bits, scaling } = format;
  const groupSize = resolveGroupSize(format, { groupSize: options.groupSize, cols });
  const groups = rows * Math.ceil(cols / groupSize);
  const half = () => Math.f16round(random.normal() / 16);
  const power = () => 2 ** -random.integer(8);
  return {
    format: name,
    bits,
    rows,
    cols,
    groupSize,
    codes: fill(new Uint32Array(rows * wordsPerRow(cols, bits)), () => 2 ** 32 * random.next()),
    scales: fill(new Float32Array(groups), scaling.stored === "e8m0" ? power : half),
    zeros: scaling.zero ? fill(new Float32Array(groups), half) : null,
    codebook: format.values?.(groupSize) ?? fill(new Float32Array(rows * 2 ** bits), half),
    scaleType: scaling.stored,
    codebookType: format.values ? "fixed" : "f16",
  };
}
