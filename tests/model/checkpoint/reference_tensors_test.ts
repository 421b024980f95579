import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { OptionError, TensorError } from "../../../lib/errors.ts";
import { quantize } from "../../../lib/learn/quantize.ts";
import { toFloat32 } from "../../../lib/matrix/dtype.ts";
import { dequantize, type PackedMatrix } from "../../../lib/matrix/packed_matrix.ts";
import { packRow } from "../../../lib/matrix/packing.ts";
import { Checkpoint } from "../../../lib/model/checkpoint/checkpoint.ts";
import { loadModel } from "../../../lib/model/load_model.ts";
import { any4 } from "../../../lib/quantize/quantize_model.ts";
import { referenceTensors } from "../../../lib/model/checkpoint/reference_tensors.ts";
import { saveModel } from "../../../lib/model/save.ts";
import { Lcg } from "../../golden/lcg.ts";

interface Case {
  groupSize: number;
  weight: number[];
  scales_and_zeros: number[];
  lut: number[];
  shapes: Record<string, number[]>;
  dequantized: number[];
}

const { cases } = JSON.parse(
  Deno.readTextFileSync(new URL("../../golden/reference.json", import.meta.url)),
) as { cases: Case[] };
const [rows, cols] = [4, 64];

/** What the reference quantized, as a packed matrix of ours. */
function packed({ groupSize, weight, scales_and_zeros, lut }: Case): PackedMatrix {
  const codes = new Uint32Array(rows * 8);
  for (let row = 0; row < rows; row++) {
    packRow(Uint8Array.from(weight.slice(row * cols, (row + 1) * cols)), { bits: 4, cols, row }, codes);
  }
  const pair = (r: number, g: number) => scales_and_zeros.slice(2 * (g * rows + r), 2 * (g * rows + r) + 2);
  const groups = cols / groupSize;
  const pairs = Array.from({ length: groups * rows }, (_, i) => {
    return pair(Math.floor(i / groups), i % groups) as [number, number];
  });
  return {
    ...{ format: "any4", bits: 4, rows, cols, groupSize, codes, scaleType: "f32", codebookType: "f32" },
    scales: Float32Array.from(pairs, ([scale]) => scale),
    zeros: Float32Array.from(pairs, ([scale, zero]) => zero - 8 * scale),
    codebook: Float32Array.from(lut, (value) => value + 8),
  };
}

Deno.test("referenceTensors() gives what the reference's Any4Linear holds, for a table a row and one for all", () => {
  for (const golden of cases) {
    const [weight, scalesAndZeros, lut] = referenceTensors({ name: "a.weight" }, packed(golden), "F32");
    assertEquals(weight!.shape, golden.shapes.weight);
    assertEquals([...new Int32Array(weight!.data().buffer)], golden.weight);
    for (const [tensor, key] of [[scalesAndZeros!, "scales_and_zeros"], [lut!, "lut"]] as const) {
      assertEquals([tensor.name, tensor.shape], [`a.${key}`, golden.shapes[key]!]);
      const values = toFloat32(tensor.data(), "F32");
      values.forEach((value, i) =>
        assertAlmostEquals(value, golden[key][i]!, 4e-6 * Math.max(1, Math.abs(value)))
      );
    }
    const own = dequantize(packed(golden));
    golden.dequantized.forEach((value, i) => assertAlmostEquals(own[i]!, value, 2e-5));
  }
});

Deno.test("referenceTensors() rounds to the model's type no more than the type must", () => {
  const groupSize = 32;
  const matrix = { rows, cols, data: new Lcg(3).heavyTailed(rows * cols) };
  for (const format of ["any4", "int4", "nf4", "fp4"]) {
    const small = quantize(matrix, { format, groupSize });
    const expected = dequantize(small);
    for (const [dtype, unit] of [["F32", 2 ** -24], ["F16", 2 ** -11], ["BF16", 2 ** -8]] as const) {
      const [weight, pairs, lut] = referenceTensors({ name: "a.weight" }, small, dtype);
      const codes = new Int32Array(weight!.data().buffer);
      const [table, scaled] = [toFloat32(lut!.data(), dtype), toFloat32(pairs!.data(), dtype)];
      expected.forEach((value, i) => {
        const [r, g] = [Math.floor(i / cols), Math.floor(i % cols / groupSize)];
        const [scale, zero] = [scaled[2 * (g * rows + r)]!, scaled[2 * (g * rows + r) + 1]!];
        const row = table.length === 16 ? 0 : 16 * r;
        const bound = unit * (17 * Math.abs(scale) + Math.abs(zero)) + 1e-6;
        assertAlmostEquals(table[row + codes[i]!]! * scale + zero, value, bound, `${format} ${dtype} ${i}`);
      });
    }
  }
});

Deno.test("referenceTensors() refuses what the reference has no room for", () => {
  const matrix = { rows: 1, cols: 48, data: new Lcg(3).heavyTailed(48) };
  const tensors = (format: string, groupSize: number) =>
    referenceTensors({ name: "a.weight" }, quantize(matrix, { format, groupSize }), "F32");
  assertThrows(() => tensors("any3", 16), TensorError, "its codes have 4 bits, those of any3 have 3");
  assertThrows(() => tensors("any4", 32), TensorError, "groups of 32 do not divide 48 columns");
});

Deno.test("referenceTensors() refuses weights that the model itself has in another order", () => {
  const matrix = { rows: 4, cols: 32, data: Float32Array.from({ length: 128 }, (_, i) => Math.sin(i)) };
  const small = quantize(matrix, { format: "any4", groupSize: 16 });
  for (const order of [{ transposed: true }, { interleaved: 4 }]) {
    assertThrows(
      () => referenceTensors({ name: "a.weight", ...order }, small, "F32"),
      TensorError,
      "the model has it",
    );
  }
});

Deno.test("saveModel() writes the reference's tensors, which this library does not take for its own", async () => {
  using model = await loadModel("tinyworld");
  const small = await any4(model, { skip: "*.mlp.*" });
  const folder = await Deno.makeTempDir();
  await saveModel(small, folder, { reference: true });
  {
    using checkpoint = Checkpoint.open(folder);
    const name = "model.layers.1.self_attn.q_proj";
    const { rows, cols } = small.weights(name);
    assertEquals(checkpoint.info(`${name}.weight`).shape, [rows, cols]);
    assertEquals(checkpoint.info(`${name}.weight`).dtype, "I32");
    assertEquals(checkpoint.info(`${name}.scales_and_zeros`).dtype, "BF16");
    assertEquals(checkpoint.info(`${name}.lut`).shape, [rows, 16]);
    assert(checkpoint.has("model.layers.1.mlp.up_proj.weight"));
  }
  await assertRejects(() => loadModel(folder), Error, 'compressed-tensors, current value is "any4"');
  await assertRejects(() => saveModel(small, folder, { reference: true, dequantized: true }), OptionError);
  await Deno.remove(folder, { recursive: true });
});
