import { assertRejects } from "@std/assert";
import { any4, CheckpointError, loadModel, saveModel } from "any4";

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
