/** GPTQ and AWQ beside what their published code makes of the same matrices and inputs. */
import { assertAlmostEquals, assertLess } from "@std/assert";
import { createBackend } from "../../lib/compute/create_backend.ts";
import { SafetensorsFile } from "../../lib/files/safetensors/read.ts";
import { formatOf } from "../../lib/formats/formats.ts";
import type { InputStats } from "../../lib/learn/input_stats.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import { toFloat32 } from "../../lib/matrix/dtype.ts";
import type { Matrix } from "../../lib/matrix/matrix.ts";
import { dequantize } from "../../lib/matrix/packed_matrix.ts";
import { AwqSearch } from "../../lib/quantize/awq.ts";
import { Lcg } from "../golden/lcg.ts";
import golden from "../golden/parity.json" with { type: "json" };
import { gramStats } from "../stats.ts";

const { rows, cols, tokens, groupSize } = golden;

/** Inputs whose neighbouring columns go together. */
function inputs(lcg: Lcg, cols: number, tokens: number): Float32Array {
  const draws = lcg.bell(tokens * cols);
  const factors = lcg.weights(cols);
  const x = new Float64Array(tokens * cols);
  for (let i = 0; i < x.length; i++) x[i] = draws[i]! + (i % cols > 0 ? 0.75 * x[i - 1]! : 0);
  return Float32Array.from(x, (value, i) => value * factors[i % cols]!);
}

/** Σ over rows of dᵀ H d. */
function squaredError({ rows, cols, data }: Matrix, after: Float32Array, { gram }: InputStats): number {
  const d = after.map((value, i) => value - data[i]!);
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < cols; i++) {
      let inner = 0;
      for (let j = 0, at = r * cols, h = i * cols; j < cols; j++, at++, h++) inner += gram![h]! * d[at]!;
      sum += inner * d[r * cols + i]!;
    }
  }
  return sum;
}

interface Case {
  readonly bits: number;
  readonly actOrder: boolean;
  readonly rounded: number;
  readonly error: number;
}

/** The layer's error by GPTQ is the published code's within 1 %, and that of rounding within a thousandth. */
async function assertParity(
  matrix: Matrix,
  of: { stats: InputStats; groupSize: number; cases: readonly Case[] },
) {
  using backend = await createBackend("wasm");
  const { steps } = backend;
  const { stats, groupSize, cases } = of;
  const signal = squaredError({ ...matrix, data: new Float32Array(matrix.data.length) }, matrix.data, stats);
  for (const { bits, actOrder, rounded, error } of cases) {
    const format = `int${bits}sym`;
    const layout = { format, groupSize, scaleType: "f32", stats, steps } as const;
    const found = (method: "kmeans" | { name: "gptq"; actOrder: boolean }) =>
      squaredError(matrix, dequantize(quantize(matrix, { ...layout, method })), stats) / signal;
    assertAlmostEquals(found("kmeans") / rounded, 1, 1e-3, `${format} rounded`);
    const own = found({ name: "gptq", actOrder });
    assertAlmostEquals(own / error, 1, 0.01, `${format} ${actOrder}: ${own} beside ${error}`);
    assertLess(own, rounded);
  }
}

const lcg = new Lcg(golden.seed);
const matrix = { rows, cols, data: lcg.heavyTailed(rows * cols) };
const stats = gramStats(inputs(lcg, cols, tokens), cols);

Deno.test("GPTQ has the layer errors of llm-compressor's, in 2 to 4 bits, in order and by activations", async () => {
  await assertParity(matrix, { stats, groupSize, cases: golden.gptq });
});

Deno.test("AWQ picks the scales that AutoAWQ's search picks", async () => {
  using backend = await createBackend("wasm");
  for (const { bits, scales } of golden.awq) {
    const how = { format: formatOf(`int${bits}sym`), groupSize, scaleType: "f32" } as const;
    const search = new AwqSearch(backend, stats);
    const found = await search.scales([{ matrix, how }], Uint32Array.from({ length: cols }, (_, c) => c));
    found.forEach((scale, c) => assertAlmostEquals(scale / scales[c]!, 1, 1e-4, `${bits} bits, column ${c}`));
  }
});

const data = Deno.env.get("ANY4_DATA");

for (const [name, cases] of Object.entries(golden.gpt2.matrices)) {
  Deno.test({
    name: `GPTQ has the layer errors of llm-compressor's on GPT-2: ${name}${
      data ? "" : " (wants ANY4_DATA)"
    }`,
    ignore: !data,
    async fn() {
      const { seed, rows, tokens, groupSize } = golden.gpt2;
      using file = SafetensorsFile.open(`${data}/matrices/gpt2-small-attention.safetensors`);
      const { dtype, shape } = file.info(name);
      const cols = shape[1]!;
      const values = toFloat32(file.read(name), dtype).slice(0, rows * cols);
      const stats = gramStats(inputs(new Lcg(seed), cols, tokens), cols);
      await assertParity({ rows, cols, data: values }, { stats, groupSize, cases });
    },
  });
}
