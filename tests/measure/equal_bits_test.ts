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
