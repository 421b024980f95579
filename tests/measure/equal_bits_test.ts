import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { loadModel, quantizeModel } from "any4";
import { bitsPerWeightOf, formatsAtEqualBits } from "any4/measure";
import { parseChoice } from "../../lib/quantize/plan.ts";

const model = await loadModel("tinyworld");
const shapes = model.linears().map((linear) => {
  const { rows, cols } = model.weights(linear);
  return [rows, cols] as const;
});

Deno.test("the bits that are foreseen are those that a quantized model has", async () => {
  for (const name of ["any4:row", "any3:128", "nf4:16", "int4:96", "mx4:32", "int2:row", "af4:64"]) {
    const { format, groupSize = 128 } = parseChoice(name);
    using small = await quantizeModel(model, { format, groupSize });
    assertAlmostEquals(bitsPerWeightOf(format, { groupSize, shapes }), small.bitsPerWeight, 1e-12, name);
  }
});

Deno.test("bits are foreseen in every layout", async () => {
  for (
    const options of [
      { codebook: "matrix" },
      { codebook: "8-rows", codebookType: "int8" },
      { codebook: "16-tables", scaleType: "int8" },
      { codebookType: "int8", scaleType: "int8", outliers: 0.005 },
      { scaleType: "f32" },
    ] as const
  ) {
    for (const format of ["any4", "any3sym", "int4", "mx4"]) {
      using small = await quantizeModel(model, { format, groupSize: 48, weighting: "none", ...options });
      const foreseen = bitsPerWeightOf(format, { groupSize: 48, shapes, ...options });
      assertAlmostEquals(foreseen, small.bitsPerWeight, 1e-12, `${format} ${JSON.stringify(options)}`);
    }
  }
});

Deno.test("every learned format gets rivals within a quarter of a bit", () => {
  const all = formatsAtEqualBits(model).map((name) => {
    const { format, groupSize = 128 } = parseChoice(name);
    return { name, format, bits: bitsPerWeightOf(format, { groupSize, shapes }) };
  });
  assertEquals(new Set(all.map(({ name }) => name)).size, all.length);
  assertEquals(all.filter(({ format }) => format.values === null).length, 6);
  for (const { name, format, bits } of all) {
    if (format.values !== null) continue;
    const far = all.filter((one) => one.format.bits === format.bits && one.format.values !== null)
      .map((rival) => Math.abs(rival.bits - bits));
    assertLess(Math.min(...far), 0.25, name);
  }
});
