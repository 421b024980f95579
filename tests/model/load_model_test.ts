import { assertRejects } from "@std/assert";
import { CheckpointError, loadModel } from "any4";

Deno.test("loadModel() throws on what is no model and says what it looked for", async () => {
  await assertRejects(() => loadModel("/nowhere/at/all"), CheckpointError, "/nowhere/at/all");
  const folder = await Deno.makeTempDir();
  await assertRejects(() => loadModel(folder), CheckpointError, "config.json");
  await Deno.remove(folder, { recursive: true });
});
