import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  calibrate,
  CheckpointError,
  isPacked,
  loadModel,
  OptionError,
  quantizeModel,
  quantizeOnDisk,
} from "any4";
import { calibrateOnDisk, loadCalibration, saveCalibration } from "any4/quantize";
import { hashOf } from "../golden/hash_quantized.ts";

const text = "Once upon a time there was a fox. 1 + 2 = 3";
const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const model = await loadModel("tinyworld", { backend: "wasm" });
const path = `${folder}/stats.safetensors`;
const stats = await calibrate(model, { text });
saveCalibration(stats, path, { model, text });

Deno.test("a saved calibration is the same bit for bit, shared by those that share it, and says what it is of", () => {
  const again = loadCalibration(path);
  assertEquals([...again], [...stats]);
  const attention = "model.layers.0.self_attn";
  assertEquals(again.get(`${attention}.q_proj`) === again.get(`${attention}.k_proj`), true);
  assertEquals(again.origin?.model, "tinyworld");
  saveCalibration(stats, `${folder}/other.safetensors`, { model, text: "another text" });
  const other = loadCalibration(`${folder}/other.safetensors`).origin!;
  assertEquals(other.modelHash, again.origin!.modelHash);
  assertEquals(other.textHash === again.origin!.textHash, false);
});

Deno.test("a saved calibration quantizes as its text does, in memory and on disk", async () => {
  const calibration = loadCalibration(path);
  using expected = await quantizeModel(model, { format: "any3", calibration: text });
  using small = await quantizeModel(model, { format: "any3", calibration });
  assertEquals(hashOf(small), hashOf(expected));
  await quantizeOnDisk("tinyworld", `${folder}/out`, { format: "any3", calibration, backend: "wasm" });
  using written = await loadModel(`${folder}/out`, { backend: "wasm" });
  assertEquals(hashOf(written), hashOf(expected));
});

Deno.test("another model's calibration is refused before anything is quantized, in memory and on disk", async () => {
  const calibration = loadCalibration(path);
  const name = "model.layers.0.mlp.up_proj.weight";
  const tensor = model.tensors.get(name)!;
  if (isPacked(tensor)) throw new Error("packed");
  const data = tensor.data.map((value) => 2 * value);
  using other = model.with({
    tensors: new Map([...model.tensors, [name, { rows: tensor.rows, cols: tensor.cols, data }]]),
  });
  const onProgress = () => {
    throw new Error("something was done");
  };
  for (const wish of [{}, { targetBits: 4 }]) {
    await assertRejects(
      () => quantizeModel(other, { ...wish, calibration, onProgress }),
      OptionError,
      "it is of another model, tinyworld",
    );
  }
  const gemma = `${import.meta.dirname}/../golden/models/gemma`;
  await assertRejects(
    () => quantizeOnDisk(gemma, `${folder}/gemma`, { calibration, onProgress }),
    OptionError,
    "it is of another model, tinyworld",
  );
  // Nothing is left to be resumed.
  assertThrows(() => Deno.statSync(`${folder}/gemma/.quantizing`), Deno.errors.NotFound);
});

Deno.test("a calibration that lacks a Linear, or comes with `sequential`, is refused before anything is quantized", async () => {
  const onProgress = () => {
    throw new Error("something was done");
  };
  const lacking = new Map([...stats].filter(([linear]) => linear !== "model.layers.3.mlp.down_proj"));
  await assertRejects(
    () => quantizeModel(model, { calibration: lacking, onProgress }),
    OptionError,
    "no statistics of it",
  );
  await assertRejects(
    () => quantizeModel(model, { calibration: stats, sequential: true, onProgress }),
    OptionError,
    "give the text",
  );
  using _ = await quantizeModel(model, { calibration: lacking, skip: "*.3.mlp.down_proj" });
});

Deno.test("calibrated from disk, a model has the statistics that it has in memory, and they know whose they are", async () => {
  const found = await calibrateOnDisk("tinyworld", { text, backend: "wasm" });
  assertEquals([...found], [...stats]);
  saveCalibration(found, `${folder}/disk.safetensors`);
  assertEquals(Deno.readFileSync(`${folder}/disk.safetensors`), Deno.readFileSync(path));
  assertThrows(() => saveCalibration(stats, `${folder}/none`), OptionError, "which model is it of?");
});

Deno.test("a file that is damaged or no calibration is refused", () => {
  const bytes = Deno.readFileSync(path);
  bytes[bytes.length - 100]! ^= 4;
  Deno.writeFileSync(`${folder}/damaged`, bytes);
  assertThrows(() => loadCalibration(`${folder}/damaged`), CheckpointError, "checksum");
  assertThrows(() => loadCalibration(`${folder}/absent`), CheckpointError, "absent");
  const weights = new URL("../../models/tinyworld/model.safetensors", import.meta.url).pathname;
  assertThrows(() => loadCalibration(weights), CheckpointError);
});
