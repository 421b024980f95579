/**
 * The text of every kernel, for every choice that changes more of it than a number.
 *
 * @module
 */
import { activate, activateGradient } from "../../kernels/wgsl/activate.ts";
import { activationsInt8 } from "../../kernels/wgsl/activations_int8.ts";
import { add } from "../../kernels/wgsl/add.ts";
import { attentionCombine } from "../../kernels/wgsl/attention_combine.ts";
import { attentionDecode } from "../../kernels/wgsl/attention_decode.ts";
import {
  attentionKeyGradient,
  attentionQueryGradient,
  attentionShares,
} from "../../kernels/wgsl/attention_gradient.ts";
import { attentionPrefill } from "../../kernels/wgsl/attention_prefill.ts";
import { columnSums } from "../../kernels/wgsl/column_sums.ts";
import { columns, columnsGradient } from "../../kernels/wgsl/columns.ts";
import { copy } from "../../kernels/wgsl/copy.ts";
import { embed } from "../../kernels/wgsl/embed.ts";
import { embedPacked } from "../../kernels/wgsl/embed_packed.ts";
import { gram } from "../../kernels/wgsl/gram.ts";
import type { Kernel } from "../../kernels/wgsl/kernel.ts";
import { tableLadder } from "../../kernels/wgsl/ladder.ts";
import { layerNorm } from "../../kernels/wgsl/layer_norm.ts";
import { type Candidate, denseKernels, tableKernels } from "../../kernels/wgsl/mod.ts";
import { normGradient, vectorGradient } from "../../kernels/wgsl/norm_gradient.ts";
import { addOutliers, embedOutliers } from "../../kernels/wgsl/outliers.ts";
import { product } from "../../kernels/wgsl/product.ts";
import { rmsNorm } from "../../kernels/wgsl/rms_norm.ts";
import { rope } from "../../kernels/wgsl/rope.ts";
import { ropeStore } from "../../kernels/wgsl/rope_store.ts";
import { scale, softcapGradient } from "../../kernels/wgsl/scale.ts";
import { scatterAdd } from "../../kernels/wgsl/scatter_add.ts";
import { storeKv } from "../../kernels/wgsl/store_kv.ts";
import { topK } from "../../kernels/wgsl/top_k.ts";
import { together } from "../../kernels/wgsl/together.ts";
import { activationNames } from "../../lib/compute/backend.ts";

/** All combinations of some choices. */
function every<T extends Record<string, readonly unknown[]>>(
  choices: T,
): { [K in keyof T]: T[K][number] }[] {
  return Object.entries(choices).reduce<Record<string, unknown>[]>(
    (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  ) as { [K in keyof T]: T[K][number] }[];
}

const BOTH = [false, true];
/** Rows of vectors, and those that do not divide into any. */
const COLS = [64, 100, 33];
const HEADS = every({ heads: [4], kvHeads: [2], headDim: [64, 20, 7], softcap: [undefined, 30] })
  .flatMap((shape) => [shape, { ...shape, window: 5 }]);
const DEVICES = [
  { features: new Set<string>(), subgroupSize: 0 },
  {
    features: new Set(["shader-f16", "subgroups"]),
    subgroupSize: 32,
    workgroupBytes: 49152,
    workgroupSize: 1024,
  },
];
/** Kernels of one token, of several, and of many, to be multiplied in tiles. */
const TARGETS = every({ device: DEVICES, tokens: [1, 3, 8, 9] }).map((target) => (
  { ...target, halfProducts: true, int8Activations: true }
));
const PART = { rows: 70, firstRow: 3, outCols: 90 };

function linears(candidates: readonly Candidate[]): Kernel[] {
  return candidates.flatMap(({ kernel, activations }) => activations ? [activations, kernel] : [kernel]);
}

function tables(): Kernel[] {
  const shapes = every({
    codebook: ["row", "matrix", "line"] as const,
    bits: [2, 3, 4, 8] as const,
    cols: [256, 100, 33],
    groupSize: [32, 7, 1024],
  });
  // What is independent of the rest takes turns: everything with everything would be 12,000 texts.
  return shapes.flatMap(({ codebook, ...shape }, i) => {
    const stored = (["f16", "f32"] as const)[i % 2]!;
    const table = { codebook: stored, scales: stored, perRow: codebook === "row", line: codebook === "line" };
    const all = { ...PART, ...shape, ...table, bias: i % 4 < 2 };
    const target = TARGETS[i % TARGETS.length]!;
    const kernels = linears([...tableKernels(all, target), ...tableLadder(all, target)]);
    const fewer = linears(tableKernels({ ...all, rows: 30, bias: false }, target));
    const both = fewer.flatMap((kernel, k) => together([kernels[k]!, kernel], target.tokens) ?? []);
    return [...kernels, ...both, embedPacked(all)];
  });
}

function denses(): Kernel[] {
  return every({ dtype: ["F32", "F16", "BF16"] as const, cols: [256, 100, 36, 33], bias: BOTH })
    .flatMap((shape) => TARGETS.flatMap((target) => linears(denseKernels({ ...PART, ...shape }, target))));
}

const MAKERS: readonly (() => Kernel[])[] = [
  () =>
    every({ cols: COLS, activation: activationNames, gated: BOTH }).flatMap((
      shape,
    ) => [activate(shape), activateGradient(shape)]),
  () => COLS.map((cols) => activationsInt8({ cols })),
  () => COLS.map((cols) => add({ cols })),
  () => HEADS.map((shape) => attentionCombine({ ...shape, parts: 4 })),
  () => HEADS.flatMap((shape) => [1, 4].map((parts) => attentionDecode({ ...shape, parts }))),
  () => HEADS.map(attentionPrefill),
  () =>
    HEADS.flatMap((shape) =>
      [attentionShares, attentionQueryGradient, attentionKeyGradient].map((make) => make(shape))
    ),
  () => COLS.map((cols) => columnSums({ cols })),
  () =>
    [columns, columnsGradient].map((make) => make({ outCols: 8, cols: 24, from: 4, width: 4, stride: 8 })),
  () => [copy({ words: 1024 })],
  () => every({ cols: COLS, dtype: ["F32", "F16", "BF16"] as const, firstRow: [0, 7], rows: [5] }).map(embed),
  () => COLS.map((cols) => gram({ cols })),
  () => every({ cols: [...COLS, 4096], epsilon: [1e-6], bias: BOTH, add: BOTH }).map(layerNorm),
  () => every({ cols: COLS, epsilon: [1e-6], centered: BOTH }).map(normGradient),
  () => every({ cols: COLS, outCols: [70], turned: BOTH }).map(product),
  () => every({ cols: [...COLS, 4096], epsilon: [1e-6], add: BOTH }).map(rmsNorm),
  () => every({ cols: [64], half: [16, 8], headDim: [32], magnitude: [1, 1.25] }).map(rope),
  () => every({ heads: [4], kvHeads: [2], headDim: [32], half: [16, 8] }).map(ropeStore),
  () =>
    COLS.flatMap((
      cols,
    ) => [scale({ cols, by: 0.5 }), scale({ cols, cap: 30 }), softcapGradient({ cols, cap: 30 })]),
  () => COLS.map((cols) => scatterAdd({ cols })),
  () => COLS.flatMap((cols) => [addOutliers({ rows: 70, cols }), embedOutliers({ cols })]),
  () => COLS.map((cols) => storeKv({ cols })),
  () => every({ vocab: [1000, 20000], k: [1, 50] }).flatMap(topK).map(({ kernel }) => kernel),
  () =>
    [[true, true], [true, false], [false, true]].map(([weight, bias]) =>
      vectorGradient({ cols: 33, weight: weight!, bias: bias! })
    ),
  tables,
  denses,
];

/** Every kernel once. */
export function everyKernel(): Kernel[] {
  const all = MAKERS.flatMap((make) => make());
  return [...new Map(all.map((kernel) => [kernel.code, kernel])).values()];
}
