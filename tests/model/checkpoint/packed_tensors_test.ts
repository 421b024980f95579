import { assertEquals, assertRejects } from "@std/assert";
import { any4, CheckpointError, loadModel, quantizeModel, saveModel } from "any4";

const model = await loadModel("tinyworld");

Deno.test("a checkpoint whose packed parts do not fit together throws", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await saveModel(await any4(model), folder);
    const path = `${folder}/config.json`;
    const config = JSON.parse(Deno.readTextFileSync(path));
    const name = "model.layers.0.mlp.up_proj.weight";
    for (
      const entry of [{ format: "any3", group_size: 128 }, { format: "any4", group_size: 64 }, {
        format: "any4",
        group_size: 0,
      }]
    ) {
      config.quantization_config.tensors[name] = entry;
      Deno.writeTextFileSync(path, JSON.stringify(config));
      await assertRejects(() => loadModel(folder), CheckpointError, name);
    }
    config.quantization_config = { quant_method: "gptq" };
    Deno.writeTextFileSync(path, JSON.stringify(config));
    await assertRejects(() => loadModel(folder), CheckpointError, "gptq");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a group_size beyond a row is an error, even where the parts would fit", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const small = await quantizeModel(model, { format: "int4", groupSize: "row", skip: "*.mlp.*" });
    await saveModel(small, folder);
    const path = `${folder}/config.json`;
    const config = JSON.parse(Deno.readTextFileSync(path));
    const name = "model.layers.0.self_attn.q_proj.weight";
    const { cols } = small.weights("model.layers.0.self_attn.q_proj");
    assertEquals(config.quantization_config.tensors[name].group_size, cols);
    config.quantization_config.tensors[name].group_size = cols + 1;
    Deno.writeTextFileSync(path, JSON.stringify(config));
    await assertRejects(() => loadModel(folder), CheckpointError, `between 1 and ${cols}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
