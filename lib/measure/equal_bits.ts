/**
 * Group sizes at which formats have about equal bits, so that they can be compared.
 *
 * @module
 */
import type { Format } from "../formats/format.ts";
import { formatOf } from "../formats/formats.ts";
import { packedBytesOf, type StorageOptions } from "../learn/packed_size.ts";
import type { Model } from "../model/model.ts";

/** Group sizes of learned formats: these are compared. */
const LEARNED_GROUPS = ["row", 128] as const;
/** Group sizes that a rival may have. */
const RIVAL_GROUPS = [16, 32, 64, 128, 256, 512] as const;
/** Each learned format and its rivals. */
const FAMILIES: readonly [string, readonly string[]][] = [
  ["any4", ["int4", "nf4", "fp4", "mx4"]],
  ["any3", ["int3"]],
  ["any2", ["int2"]],
];

/**
 * The bits per weight that matrices would have in a format: codes, scales, zeros, codebooks and outliers.
 *
 * @param shapes [rows, cols] of each matrix.
 *
 * @example
 * ```ts
 * import { bitsPerWeightOf } from "any4/measure";
 * import { assertEquals } from "@std/assert";
 * assertEquals(bitsPerWeightOf("nf4", { groupSize: 64, shapes: [[512, 512]] }), 4.25);
 * assertEquals(bitsPerWeightOf("any4", { groupSize: "row", shapes: [[512, 512]] }), 4.5625);
 * ```
 */
export function bitsPerWeightOf(
  format: string | Format,
  options:
    & StorageOptions
    & { shapes: readonly (readonly [number, number])[] },
): number {
  const { shapes, ...rest } = options;
  let [all, weights] = [0, 0];
  for (const [rows, cols] of shapes) {
    all += 8 * packedBytesOf({ rows, cols }, { format, ...rest });
    weights += rows * cols;
  }
  return all / weights;
}

/**
 * Formats with group sizes for {@linkcode measureFormats}: learned ones with a scale a row and with groups of 128; fixed ones with
 * groups of 128 and with those that come nearest to the learned ones' bits on this model.
 *
 * @returns such as "any4:row" and "int4:64": in 4 bits, 3 and 2, and in each by rising bits.
 *
 * @example
 * ```ts
 * import { loadModel } from "any4";
 * import { formatsAtEqualBits } from "any4/measure";
 * import { assert } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const names = formatsAtEqualBits(model);
 * assert(names.includes("any3:row") && names.includes("int3:128"));
 * ```
 */
export function formatsAtEqualBits(model: Model): string[] {
  const shapes = model.linears().map((linear) => {
    const { rows, cols } = model.weights(linear);
    return [rows, cols] as const;
  });
  const bits = (name: string, groupSize: number | "row") => bitsPerWeightOf(name, { groupSize, shapes });
  return FAMILIES.flatMap(([learned, rivals]) => {
    const found = LEARNED_GROUPS.map((size) => ({ name: learned, size: size as number | "row" }));
    for (const name of rivals) {
      const { fixedGroupSize } = formatOf(name).scaling;
      const near = LEARNED_GROUPS.map((size) =>
        RIVAL_GROUPS.reduce((best, one) => {
          const far = (rival: number) => Math.abs(bits(name, rival) - bits(learned, size));
          return far(one) < far(best) ? one : best;
        })
      );
      const sizes = fixedGroupSize ? [fixedGroupSize] : [...new Set([128, ...near])];
      found.push(...sizes.map((size) => ({ name, size })));
    }
    return found.sort((a, b) => bits(a.name, a.size) - bits(b.name, b.size))
      .map(({ name, size }) => `${name}:${size}`);
  });
}
