import { assert, assertAlmostEquals, assertEquals, assertLess, assertRejects } from "@std/assert";
import { calibrate, loadModel, quantizeModel, quantizeOnDisk } from "any4";
import { CALIBRATION_SAMPLES } from "any4/quantize";
import { sampleOf } from "../../lib/quantize/calibrate.ts";
import { makeSynthetic } from "../../bench/make_synthetic.ts";
import { OptionError, ResumeError } from "../../lib/errors.ts";
import { shrinkageOf } from "../../lib/learn/methods/lnq.ts";
import { hashOf } from "../golden/hash_quantized.ts";

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const tiny = `${folder}/tiny`;
makeSynthetic(tiny, "tiny");

const text = "One day a girl found a key near the old well. She did not know which door it would open. ";
const options = { format: "any3", method: "lnq", groupSize: 32, calibration: [text, text + text] } as const;

/** The weights files of a folder. */
const weightsOf = (path: string) =>
  [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => name.endsWith(".safetensors")).sort()
    .map((name) => [name, Deno.readFileSync(`${path}/${name}`)] as const);

Deno.test("methods of E[x xᵀ] see one layer's statistics at a time, with the bits of those collected before", async () => {
  using model = await loadModel(tiny, { backend: "wasm" });
  const calibration = await calibrate(model, { text: options.calibration, gram: true });
  using known = await quantizeModel(model, { ...options, calibration });
  using layered = await quantizeModel(model, options);
  assertEquals(hashOf(layered), hashOf(known));
  const folderOf = `${folder}/out`;
  await quantizeOnDisk(tiny, folderOf, { ...options, backend: "wasm" });
  using read = await loadModel(folderOf, { backend: "wasm" });
  assertEquals(hashOf(read), hashOf(layered));
});

Deno.test("a job with a method of E[x xᵀ] that is killed resumes, keeps no E[x xᵀ] on disk, and refuses another method", async () => {
  const [whole, killed] = [`${folder}/whole`, `${folder}/killed`];
  await quantizeOnDisk(tiny, whole, { ...options, backend: "wasm" });
  const names: string[] = [];
  const kill = (at: number) =>
    quantizeOnDisk(tiny, killed, {
      ...options,
      backend: "wasm",
      onProgress: ({ name }) => {
        names.push(name);
        if (names.length === at) throw new TypeError("killed");
      },
    });
  await assertRejects(() => kill(4), TypeError, "killed");
  const kept = [...walk(killed)].join("\n");
  assert(kept.includes("pass-layers") && !/stats|sums/.test(kept), kept);
  for (const method of ["gptq", { name: "lnq", rounds: 3 }] as const) {
    await assertRejects(
      () => quantizeOnDisk(tiny, killed, { ...options, method, backend: "wasm" }),
      ResumeError,
      "method",
    );
  }
  await assertRejects(() => kill(7), TypeError, "killed");
  const { found } = await quantizeOnDisk(tiny, killed, { ...options, backend: "wasm" });
  assertEquals(found, 7);
  assertEquals(weightsOf(killed), weightsOf(whole));
});

function* walk(path: string): Iterable<string> {
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    if (isDirectory) yield* walk(`${path}/${name}`);
    else yield `${path}/${name}`;
  }
}

Deno.test("a target of bits is met under a method of E[x xᵀ] too", async () => {
  using model = await loadModel(tiny, { backend: "wasm" });
  using small = await quantizeModel(model, { ...options, targetBits: 4.5 });
  assert(small.bitsPerWeight <= 4.5 && small.bitsPerWeight > 4.2, `${small.bitsPerWeight}`);
});

Deno.test("tokens that count alike have inputs of one length, and a rule that is none is refused", async () => {
  using model = await loadModel(tiny, { backend: "wasm" });
  const stats = await calibrate(model, { text, gram: true, tokenWeights: "norm" });
  for (const { gram, meanSquare } of stats.values()) {
    const cols = meanSquare.length;
    assertAlmostEquals(meanSquare.reduce((sum, value) => sum + value), cols, 1e-3 * cols);
    for (let c = 0; c < cols; c++) assertAlmostEquals(gram![c * cols + c]!, meanSquare[c]!, 1e-3);
  }
  await assertRejects(
    () => calibrate(model, { text, tokenWeights: "loss" as "norm" }),
    OptionError,
    "none, norm",
  );
});

Deno.test("the library's own texts for E[x xᵀ] begin with its one sample and are many tokens more", async () => {
  using model = await loadModel("tinyworld");
  const tokens = (gram: boolean) => sampleOf(model, { gram }).pieces.flat().length;
  assertEquals(
    tokens(true),
    CALIBRATION_SAMPLES.reduce((n, one) => n + model.tokenizer.encode(one).length, 0),
  );
  assertLess(4 * tokens(false), tokens(true));
});

Deno.test("less is believed of pairs of columns, the fewer tokens there are of each", () => {
  assertEquals([0, 4 * 64].map((tokens) => shrinkageOf(tokens, 64).toFixed(3)), ["1.000", "0.600"]);
  for (let tokens = 1; tokens < 1e6; tokens *= 4) {
    assertLess(shrinkageOf(4 * tokens, 576), shrinkageOf(tokens, 576));
    assertLess(0.2, shrinkageOf(tokens, 576));
  }
});
