/**
 * The ladder of kernels for one weight, ready to be run by hand.
 *
 * @module
 */
import { INT8_GROUP } from "../../../kernels/wgsl/activations_int8.ts";
import { tableLadder } from "../../../kernels/wgsl/ladder.ts";
import { type Candidate, denseKernels, type KernelDevice, type Target } from "../../../kernels/wgsl/mod.ts";
import { OptionError } from "../../errors.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import { isPacked, type PackedMatrix } from "../../matrix/packed_matrix.ts";
import type { GpuJob } from "./gpu_lab.ts";
import { denseParts, tableParts } from "./weight_parts.ts";

/** A kernel of the ladder with its arrays. */
export interface Rung extends GpuJob {
  /** Its change from the previous rung: "3 table in workgroup memory". */
  readonly name: string;
}

/** Options of {@linkcode ladder}. */
export interface LadderOptions {
  /** [tokens, cols] activations. */
  readonly x: Float32Array;
  /** Rows of x; 1, as when decoding, when absent. More than 8 are multiplied tile by tile, as in prefill. */
  readonly tokens?: number;
  /** Where the kernels are to run, a {@linkcode GpuLab}; anywhere, hence without what only some GPUs have, when absent. */
  readonly device?: KernelDevice;
  /** Also kernels that multiply halves, where the device can. */
  readonly halfProducts?: boolean;
  /** Also the kernel that rounds activations to bytes. */
  readonly int8Activations?: boolean;
}

const ANY: KernelDevice = { features: new Set(), subgroupSize: 0 };

/**
 * The kernels for out = x · Wᵀ, from the plainest on. Of a packed weight they are those of kernels/wgsl/ladder.ts; of a dense
 * one, which is here to be compared with, the default.
 *
 * Making them takes no GPU. They are plain data: `{ ...rung, kernels: [{ ...rung.kernels[0], code }] }` is the same product by
 * another text. Outputs begin with out [tokens, rows]; inputs are x, then codes, scales and codebook (kernels/wgsl/table.ts), or
 * the dense weights.
 *
 * @throws {OptionError} when x has not tokens · cols values.
 *
 * @example
 * ```ts
 * import { quantize } from "any4";
 * import { ladder } from "any4/compute";
 * import { assertEquals, assertStringIncludes } from "@std/assert";
 * const data = Float32Array.from({ length: 8 * 64 }, (_, i) => Math.sin(i * i));
 * const weight = quantize({ rows: 8, cols: 64, data }, { format: "any4", groupSize: 32 });
 * const [naive] = ladder(weight, { x: new Float32Array(64).fill(1) });
 * assertEquals(naive!.name, "1 naive");
 * assertStringIncludes(naive!.kernels[0]!.code, "@workgroup_size(64)");
 * ```
 */
export function ladder(weight: Matrix | PackedMatrix, options: LadderOptions): Rung[] {
  const { x, tokens = 1, device = ANY, halfProducts, int8Activations } = options;
  const { rows, cols } = weight;
  if (!Number.isSafeInteger(tokens) || tokens < 1 || x.length !== tokens * cols) {
    throw new OptionError(
      `Cannot multiply ${tokens} tokens by ${rows}×${cols}: x must have tokens · ${cols} values, current length is ${x.length}`,
    );
  }
  const target: Target = { tokens, device, halfProducts, int8Activations };
  const outputs = [tokens * rows];
  if (!isPacked(weight)) {
    const { shape, weights } = denseParts(weight);
    const [{ kernel }] = denseKernels(shape, target) as [Candidate];
    const name = `dense ${shape.dtype.toLowerCase()}`;
    return [{ name, kernels: [kernel], outputs, inputs: [x, weights], tokens }];
  }
  const { shape, codes, scales, codebook } = tableParts(weight);
  const inputs = [x, codes, scales, codebook];
  return tableLadder(shape, target).map(({ name, kernel, activations }): Rung => {
    if (!activations) return { name, kernels: [kernel], outputs, inputs, tokens };
    const groups = tokens * Math.ceil(cols / INT8_GROUP);
    return {
      name,
      kernels: [activations, kernel],
      outputs: [...outputs, groups * INT8_GROUP / 4, groups * 2],
      inputs,
      bindings: [[1, 2, 3], [0, 1, 2, 4, 5, 6]],
      tokens,
    };
  });
}
