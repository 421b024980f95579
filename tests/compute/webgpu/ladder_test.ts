import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { GpuLab } from "../../../lib/compute/webgpu/gpu_lab.ts";
import { ladder } from "../../../lib/compute/webgpu/ladder.ts";
import { OptionError } from "../../../lib/errors.ts";
import { quantize } from "../../../lib/learn/quantize.ts";
import { dequantize } from "../../../lib/matrix/packed_matrix.ts";
import { relativeError } from "../../../lib/measure/layer_error.ts";
import { Random } from "../../../lib/random.ts";
import { gpuReason, hasGpu } from "../../gpu.ts";

const random = new Random(77);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

/** x · Wᵀ in float64. */
function product(
  x: Float32Array,
  data: Float32Array,
  { rows, cols }: { rows: number; cols: number },
): Float32Array {
  return Float32Array.from({ length: x.length / cols * rows }, (_, i) => {
    const [t, r] = [Math.floor(i / rows), i % rows];
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += x[t * cols + c]! * data[r * cols + c]!;
    return sum;
  });
}

Deno.test({
  name: "every rung of the ladder multiplies, few tokens and many, packed and dense" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    using lab = await GpuLab.open();
    const [rows, cols] = [10, 96];
    const matrix = { rows, cols, data: normal(rows * cols) };
    for (
      const [format, tokens] of [["any4", 1], ["any2", 3], ["int3", 1], ["int8", 1], ["any4", 20]] as const
    ) {
      const weight = quantize(matrix, { format, groupSize: 32 });
      const x = normal(tokens * cols);
      const options = { x, tokens, device: lab, halfProducts: true, int8Activations: true };
      const expected = product(x, dequantize(weight), matrix);
      for (const rung of ladder(weight, options)) {
        const [out] = await lab.run(rung);
        const most = rung.name.includes("int8") ? 0.03 : rung.name.includes("f16") ? 2e-3 : 1e-5;
        assertLess(relativeError(out!, expected), most, `${format}, ${tokens} tokens: ${rung.name}`);
      }
      const [out] = await lab.run(ladder(matrix, options)[0]!);
      assertLess(relativeError(out!, product(x, matrix.data, matrix)), 1e-5);
    }
  },
});

Deno.test("ladder() has the rungs of the weight and the device, each by a name of its own", () => {
  const matrix = { rows: 4, cols: 64, data: normal(256) };
  const x = normal(64);
  const names = (format: string, groupSize: number, device?: Parameters<typeof ladder>[1]["device"]) =>
    ladder(quantize(matrix, { format, groupSize }), { x, device }).map(({ name }) => name);
  assertEquals(names("any4", 32), [
    "1 naive",
    "2 words",
    "3 table in workgroup memory",
    "4 several rows",
    "4 several rows, 32 columns",
    "4 eight rows",
    "5 pairs",
  ]);
  assertEquals(names("any4", 20), ["1 naive"]);
  const all = names("int2", 32, { features: new Set(["subgroups"]), subgroupSize: 32 });
  assert(all.includes("6 subgroups, pairs") && all.includes("5 fours") && all.includes("a line, no table"));
  assertEquals(new Set(all).size, all.length);
  assertEquals(ladder(matrix, { x }).map(({ name }) => name), ["dense f32"]);
});

Deno.test("ladder() throws where x has not the weight's columns", () => {
  const matrix = { rows: 4, cols: 64, data: normal(256) };
  assertThrows(
    () => ladder(matrix, { x: normal(64), tokens: 2 }),
    OptionError,
    "Cannot multiply 2 tokens by 4×64: x must have tokens · 64 values, current length is 64",
  );
});
