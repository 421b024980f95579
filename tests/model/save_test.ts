import { assert, assertEquals, assertLess } from "@std/assert";
import { any4, calibrate, isPacked, loadModel, quantizeModel, saveModel } from "any4";
import { formats } from "any4/formats";
import { compare, referenceLogits } from "any4/measure";

const model = await loadModel("tinyworld");
const text = "Once upon a time, a girl lived in a small village near the river. One day she found a key.";

Deno.test("a saved model loads again bit for bit, for every format", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const calibration = await calibrate(model);
    for (const format of formats.keys()) {
      const small = await quantizeModel(model, { format, groupSize: 96, calibration });
      await saveModel(small, `${folder}/${format}`);
      using again = await loadModel(`${folder}/${format}`);
      assertEquals([...again.tensors.keys()].sort(), [...small.tensors.keys()].sort());
      for (const [name, tensor] of small.tensors) {
        assertEquals(again.tensors.get(name), tensor, `${format} ${name}`);
      }
      assertEquals(again.size, small.size);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a dequantized export is a plain checkpoint with the same predictions but for BF16 rounding", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const small = await any4(model);
    await saveModel(small, folder, { dequantized: true });
    using plain = await loadModel(folder);
    assert([...plain.tensors.values()].every((tensor) => !isPacked(tensor) && tensor.dtype === "BF16"));
    assertEquals(plain.rawConfig.quantization_config, undefined);
    const reference = await referenceLogits(small, { text });
    assertLess((await compare(plain, reference)).kl, 1e-3);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
