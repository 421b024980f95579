import { assert, assertEquals, assertLess } from "@std/assert";
import { activationsInt8 } from "../../kernels/wgsl/activations_int8.ts";
import type { Element } from "../../kernels/wgsl/bindings.ts";
import type { Kernel } from "../../kernels/wgsl/kernel.ts";
import { tableKernels, type Target } from "../../kernels/wgsl/mod.ts";
import { chunksOf, type TableShape } from "../../kernels/wgsl/table.ts";
import { tableNaive } from "../../kernels/wgsl/table_1_naive.ts";
import { tableWords } from "../../kernels/wgsl/table_2_words.ts";
import { tableLut } from "../../kernels/wgsl/table_3_lut.ts";
import { tableRows } from "../../kernels/wgsl/table_4_rows.ts";
import { tablePairs } from "../../kernels/wgsl/table_5_pairs.ts";
import { tableSubgroups } from "../../kernels/wgsl/table_6_subgroups.ts";
import { fitsTeams, tableTeams } from "../../kernels/wgsl/table_8_teams.ts";
import { tableInt8 } from "../../kernels/wgsl/table_7_int8.ts";
import { tableLine } from "../../kernels/wgsl/table_line.ts";
import { tableTiled } from "../../kernels/wgsl/table_tiled.ts";
import { tileBytes } from "../../kernels/wgsl/tile.ts";
import type { PackedMatrix } from "../../lib/matrix/packed_matrix.ts";
import type { QuantizeOptions } from "../../lib/learn/quantize.ts";
import { type Bench, bench, gpuReason, hasGpu } from "../gpu.ts";
import { errorOf, packed } from "./linear.ts";

const LIMITS = { f32: 1e-5, f16: 2e-3 };

/** A weight of each width; int8's and int4's tables are lines, nf4's is shared and is none. */
const WEIGHTS = [
  { format: "any4", rows: 13, cols: 300 },
  { format: "any3", rows: 11, cols: 233 },
  { format: "any2", rows: 9, cols: 320 },
  { format: "nf4", rows: 6, cols: 164 },
  { format: "int8", rows: 7, cols: 192 },
  { format: "int4", rows: 5, cols: 161 },
  { format: "int3", rows: 6, cols: 96 },
  { format: "int2", rows: 3, cols: 130 },
] as const;

/** A rung, or a variant of one. */
interface Rung {
  readonly make: (shape: TableShape, options: { tokens: number; element: Element }) => Kernel;
  /** Whether it can multiply halves. */
  readonly halves?: boolean;
  /** How many of the tests' numbers of tokens it is tried with. */
  readonly most?: number;
  /** What it is made for or differs in; int3's and int2's lines are for table_line.ts alone when absent. */
  readonly fits?: (weight: PackedMatrix) => boolean;
}

/** On devices without subgroups these tests are of the tree, twice. */
const { subgroupSize = 0 }: Partial<Bench["lab"]> = hasGpu ? (await bench()).lab : {};

const isLine = ({ format }: { format: string }) => format.startsWith("int");
const fitsAll = ({ format }: { format: string }) => format !== "int3" && format !== "int2";
const fitsPairs = ({ format }: { format: string }) => fitsAll({ format }) && format !== "int8";
/** Rows of a subgroup by turns; a part of the columns at a time where memory is as small as this. */
const teams: Rung["make"] = (shape, { tokens }) =>
  tableTeams(shape, {
    tokens,
    subgroupSize,
    rows: tokens === 1 ? 3 : 2,
    split: tokens === 8 ? 1 : 2,
    threads: 64,
    workgroupBytes: tokens === 1 ? 1000 : 16384,
  });
const RUNGS: Readonly<Record<string, Rung>> = {
  "table_1_naive.ts": { make: tableNaive, most: 3 },
  "table_2_words.ts": { make: tableWords },
  "table_3_lut.ts": { make: tableLut, halves: true },
  "table_4_rows.ts": { make: tableRows, halves: true },
  "table_4_rows.ts, wide loads and eight rows": {
    make: (shape, options) => tableRows(shape, { ...options, chunk: chunksOf(shape.bits).at(-1), rows: 8 }),
    most: 1,
    fits: ({ format }) => format === "any4" || format === "any3",
  },
  "table_5_pairs.ts": { make: tablePairs, halves: true, fits: fitsPairs },
  "table_5_pairs.ts, four codes": {
    make: (shape, options) => tablePairs(shape, { ...options, per: 4 }),
    halves: true,
    fits: ({ format }) => format === "any2",
  },
  "table_6_subgroups.ts": {
    make: (shape, options) => tableSubgroups(shape, { ...options, subgroupSize, lookup: "single" }),
    halves: true,
  },
  "table_6_subgroups.ts, pairs": {
    make: (shape, options) => tableSubgroups(shape, { ...options, subgroupSize, lookup: "pairs" }),
    halves: true,
    fits: fitsPairs,
  },
  "table_8_teams.ts": {
    make: teams,
    most: 3,
    fits: (weight) =>
      fitsTeams({ bits: weight.bits as TableShape["bits"], line: isLine(weight) }, subgroupSize),
  },
  "table_line.ts": { make: tableLine, halves: true, fits: isLine },
  "table_line.ts, subgroups": {
    make: (shape, options) => tableSubgroups(shape, { ...options, subgroupSize, lookup: "line" }),
    fits: isLine,
  },
};

for (const [rung, { make, halves, fits = fitsAll, most = 2 }] of Object.entries(RUNGS)) {
  Deno.test({
    name: `${rung} agrees with the plain backend` + gpuReason,
    ignore: !hasGpu,
    async fn() {
      const gpu = await bench();
      let turn = 0;
      for (const { format, rows, cols } of WEIGHTS) {
        const weight = packed(rows, cols, { format, groupSize: 32 });
        if (!fits(weight)) continue;
        for (const element of halves && weight.bits < 8 ? ["f32", "f16"] as const : ["f32"] as const) {
          if (element === "f16" && !gpu.lab.features.has("shader-f16")) continue;
          // Pipelines take a software GPU long to make: every case has a number of tokens, but not every number.
          const tokens = [1, 2, 8][turn++ % most]!;
          const error = await errorOf(gpu, weight, {
            tokens,
            bias: turn % 2 === 0,
            kernel: (shape) => make(shape, { tokens, element }),
          });
          assertLess(error, LIMITS[element], `${format} ${element} ${tokens} tokens`);
        }
      }
    },
  });
}

Deno.test({
  name: "table_7_int8.ts agrees with the plain backend, but for rounding" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const [i, { format, rows, cols }] of WEIGHTS.entries()) {
      const tokens = [1, 3, 8][i % 3]!;
      const error = await errorOf(gpu, packed(rows, cols, { format, groupSize: 64 }), {
        tokens,
        bias: i % 2 === 0,
        activations: activationsInt8({ cols }),
        kernel: (shape) => tableInt8(shape, { tokens, subgroupSize: i % 2 ? subgroupSize : undefined }),
      });
      assertLess(error, 0.02, format);
    }
  },
});

Deno.test({
  name: "table_tiled.ts agrees with the plain backend" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const [i, { format, cols }] of WEIGHTS.entries()) {
      for (const element of ["f32", "f16"] as const) {
        if (element === "f16" && !gpu.lab.features.has("shader-f16")) continue;
        // Tiles for each width, and both elements.
        for (const [tile, tokens] of [[16, 17], [64, 70], [128, 150]] as const) {
          if ((tile === 16) !== ((element === "f16") === (i % 2 === 0)) && i > 2) continue;
          if (tileBytes(tile, element) > (gpu.lab.workgroupBytes ?? 16384)) continue;
          const weight = packed(tile === 128 ? 131 : 70, cols, {
            format,
            groupSize: [32, 20, 7, 128, 16, "row" as const, 32, 64][i],
          });
          const error = await errorOf(gpu, weight, {
            tokens,
            bias: tile === 16,
            kernel: (shape) => tableTiled(shape, { element, tile }),
          });
          assertLess(error, LIMITS[element], `${format} ${element} ${tokens} tokens`);
        }
      }
    }
  },
});

/** The error of the first choice for a weight. */
async function errorOfFirst(
  rows: number,
  cols: number,
  options: QuantizeOptions & { tokens: number },
): Promise<number> {
  const gpu = await bench();
  const { tokens, ...quantizing } = options;
  return await errorOf(gpu, packed(rows, cols, quantizing), {
    tokens,
    kernel: (shape) => tableKernels(shape, { tokens, device: gpu.lab })[0]!.kernel,
  });
}

Deno.test({
  name: "the first choice agrees for every format, table and type of scale" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const formats = ["any4", "any3", "any2", "int8", "int4", "int3", "int2", "nf4", "fp4", "af4", "mx4"];
    for (const [i, format] of formats.entries()) {
      const learned = format.startsWith("any");
      for (const codebook of learned ? ["row", "matrix"] as const : ["row"] as const) {
        const scaleType = (["f16", "f32"] as const)[(i + Number(codebook === "matrix")) % 2];
        for (const tokens of [1, 17]) {
          const error = await errorOfFirst(9, 96, { format, codebook, scaleType, groupSize: 32, tokens });
          assertLess(error, LIMITS.f32, `${format} ${codebook} ${scaleType} ${tokens} tokens`);
        }
      }
    }
  },
});

Deno.test({
  name: "the first choice agrees for every group size and shape" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const cases = [
      ["any4", 1, 1, 128, 1],
      ["any4", 3, 33, "row", 3],
      ["any4", 130, 257, 128, 1],
      ["any3", 4, 33, 7, 8],
      ["any4", 5, 64, 32, 8],
      ["any2", 5, 160, 64, 3],
      ["int8", 2, 33, 7, 1],
      ["any3", 66, 1, 32, 17],
      ["any4", 65, 33, 7, 17],
      ["any2", 1, 100, "row", 17],
    ] as const;
    for (const [format, rows, cols, groupSize, tokens] of cases) {
      const error = await errorOfFirst(rows, cols, { format, groupSize, tokens });
      assertLess(error, LIMITS.f32, `${format} ${rows}×${cols} groups of ${groupSize}, ${tokens} tokens`);
    }
  },
});

Deno.test({
  name: "parts of a packed weight write their own columns" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const parts = [{ from: 0, to: 5 }, { from: 5, to: 6 }, { from: 6, to: 13 }];
    for (const tokens of [3, 17]) {
      const error = await errorOf(gpu, packed(13, 64, { format: "any4", groupSize: 32 }), {
        tokens,
        bias: true,
        parts,
        kernel: (shape) => tableKernels(shape, { tokens, device: gpu.lab })[0]!.kernel,
      });
      assertLess(error, LIMITS.f32, `${tokens} tokens`);
    }
  },
});

const SHAPE: TableShape = {
  rows: 4096,
  cols: 4096,
  bits: 4,
  groupSize: 128,
  codebook: "f16",
  perRow: true,
  scales: "f16",
  firstRow: 0,
  outCols: 4096,
  bias: false,
};
const PLAIN = { features: new Set<string>(), subgroupSize: 0 };
const RICH = { features: new Set(["shader-f16", "subgroups", "timestamp-query"]), subgroupSize: 32 };
const names = (shape: Partial<TableShape>, target: Target) =>
  tableKernels({ ...SHAPE, ...shape }, target).map(({ name }) => name);

Deno.test("tableKernels() offers what the device can run, each by a name of its own", () => {
  for (const tokens of [1, 3, 8, 9, 100]) {
    for (const bits of [2, 3, 4, 8] as const) {
      for (const device of [PLAIN, RICH]) {
        const all = tableKernels({ ...SHAPE, bits }, {
          tokens,
          device,
          halfProducts: true,
          int8Activations: true,
        });
        const features = all.flatMap(({ kernel }) => kernel.features ?? []);
        assert(features.every((feature) => device.features.has(feature)));
        assertEquals(new Set(all.map(({ name }) => name)).size, all.length);
        assert(all.length > 0);
      }
    }
  }
});

Deno.test("tableKernels() rounds only when allowed", () => {
  const target = { tokens: 1, device: RICH };
  assert(!names({}, target).some((name) => /f16|int8/.test(name)));
  assert(names({}, { ...target, halfProducts: true }).some((name) => name.includes("f16")));
  assertEquals(names({}, { ...target, int8Activations: true }).at(-1), "int8");
});

Deno.test("tableKernels() falls back to the first rung where groups are odd", () => {
  assertEquals(names({ groupSize: 7 }, { tokens: 1, device: RICH }), ["naive"]);
  assert(!names({ groupSize: 8192 }, { tokens: 1, device: RICH }).includes("naive"));
});
