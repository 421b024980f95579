import { assertEquals, assertNotEquals } from "@std/assert";
import { isPacked, loadModel } from "any4";
import { modelHash } from "../../lib/model/model_hash.ts";
import { ModelOnDisk } from "../../lib/model/model_on_disk.ts";

const models = `${import.meta.dirname}/../golden/models`;

Deno.test("a model's hash is the same in memory and on disk, and no other architecture's", async () => {
  const hashes = new Set<string>();
  const names = [...Deno.readDirSync(models)].map(({ name }) => `${models}/${name}`);
  for (const name of ["tinyworld", ...names]) {
    using model = await loadModel(name, { backend: "plain" });
    using disk = await ModelOnDisk.open(name, { backend: "plain" });
    assertEquals(modelHash(disk), modelHash(model), name);
    hashes.add(modelHash(model));
  }
  assertEquals(hashes.size, names.length + 1);
});

Deno.test("other weights and another config give another hash, another name does not", async () => {
  using model = await loadModel("tinyworld", { backend: "plain" });
  const hash = modelHash(model);
  const name = "model.layers.2.mlp.up_proj.weight";
  const tensor = model.tensors.get(name)!;
  if (isPacked(tensor)) throw new Error("packed");
  const data = tensor.data.slice();
  data[data.length - 1]! += 1;
  const other = model.with({
    tensors: new Map([...model.tensors, [name, { rows: tensor.rows, cols: tensor.cols, data }]]),
  });
  assertNotEquals(modelHash(other), hash);
  const turned = model.with({ config: { ...model.config, norm_eps: 2 * model.config.norm_eps } });
  assertNotEquals(modelHash(turned), hash);
  assertEquals(modelHash(model.with({ name: "renamed" })), hash);
});
