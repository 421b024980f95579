import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CheckpointError, OptionError, quantizeOnDisk } from "any4";
import { calibrateOnDisk, type Stage, type UnitOptions, Units } from "any4/quantize";
import { makeSynthetic } from "../../bench/make_synthetic.ts";
import { isFile } from "../../lib/files/disk.ts";
import { bytesBelow } from "../folder_bytes.ts";
import { ModelOnDisk } from "../../lib/model/model_on_disk.ts";
import { CALIBRATION_SAMPLES } from "../../lib/quantize/calibration_sample.ts";
import { fingerprint, statsFingerprint } from "../../lib/quantize/fingerprint.ts";

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const tiny = `${folder}/tiny`;
makeSynthetic(tiny, "tiny");
const mixtral = `${import.meta.dirname}/../golden/models/mixtral`;

const text = "One day a girl found a key near the old well. ".repeat(30);
let folders = 0;
const fresh = () => `${folder}/${folders++}`;

/** What units are of: a stage and a number. */
type Named = readonly [Stage, number];

/** The units of a quantization, by name. */
async function unitsOf(model: string, work: string, options: UnitOptions): Promise<Named[]> {
  using units = await Units.open(model, work, options);
  return units.stages().flatMap(({ stage, units }) => units.map((_, i) => [stage, i] as const));
}

/** Assembles a model. */
async function assembleUnits(
  model: string,
  out: string,
  { work, ...options }: UnitOptions & { work: string },
) {
  using units = await Units.open(model, work, options);
  return await units.assemble(out);
}

/** Runs units, each with all closed in between, as other processes would. */
async function runEach(model: string, work: string, { names, ...options }: UnitOptions & { names: Named[] }) {
  for (const [stage, index] of names) {
    using units = await Units.open(model, work, options);
    await units.run(stage, index);
  }
}

Deno.test("units in any order within their stages give the bytes of one machine, with every kind of method", async () => {
  const ways: [string, UnitOptions][] = [
    [tiny, { format: "any3", groupSize: 32, override: { "*.v_proj": "int4" }, head: "int8" }],
    [tiny, { format: "any4", groupSize: 32, rowParts: 3, embedding: "any4", skip: "*.0.*" }],
    [tiny, { format: "any4", groupSize: 32, method: "gptq", rowParts: 2 }],
    [tiny, { format: "any3", groupSize: 32, method: "lnq", rowParts: 2 }],
    [tiny, { format: "any2", groupSize: 32, method: "lloyd", rowParts: 2 }],
    [tiny, { format: "any4", groupSize: 32, codebook: "matrix" }],
    [tiny, { format: "int4", groupSize: 32, rowParts: 2 }],
    [mixtral, { format: "any4", groupSize: 32, rowParts: 2 }],
  ];
  for (const [model, { rowParts, ...rest }] of ways) {
    const options = { ...rest, calibration: text, parts: 3, backend: "wasm" as const };
    const [work, out, alone] = [fresh(), fresh(), fresh()];
    const names = await unitsOf(model, work, { ...options, rowParts });
    const backwards = [...Map.groupBy(names, ([stage]) => stage).values()].flatMap((stage) =>
      stage.reverse()
    );
    await runEach(model, work, { ...options, rowParts, names: backwards });
    await assembleUnits(model, out, { ...options, rowParts, work });
    await quantizeOnDisk(model, alone, options);
    assertEquals(bytesBelow(out), bytesBelow(alone), JSON.stringify(rest));
  }
});

Deno.test("a unit that is done is not done again, and formats share statistics", async () => {
  const [work, options] = [fresh(), { calibration: text, parts: 2, groupSize: 32 }];
  const names = await unitsOf(tiny, work, options);
  assertEquals(names.filter(([stage]) => stage === "calibrate").length, 2);
  await runEach(tiny, work, { ...options, names });
  const before = bytesBelow(work);
  {
    using units = await Units.open(tiny, work, options);
    for (const [stage, index] of names) assertEquals(await units.run(stage, index), false);
  }
  assertEquals(bytesBelow(work), before);
  using others = await Units.open(tiny, work, { ...options, format: "any2" });
  for (const [stage, index] of names) assertEquals(await others.run(stage, index), stage === "quantize");
});

Deno.test("statistics made earlier leave the Linears alone to be done, int4 without the text too", async () => {
  const calibration = await calibrateOnDisk(tiny, { text });
  const work = fresh();
  const stages = (options: UnitOptions) =>
    unitsOf(tiny, work, options).then((names) => [...new Set(names.map(([stage]) => stage))]);
  assertEquals(await stages({ calibration, groupSize: 32 }), ["quantize"]);
  assertEquals(await stages({ format: "int4", groupSize: 32 }), ["quantize"]);
  const [out, alone, options] = [fresh(), fresh(), { calibration, groupSize: 32 }];
  await runEach(tiny, work, { ...options, names: await unitsOf(tiny, work, options) });
  await assembleUnits(tiny, out, { ...options, work });
  await quantizeOnDisk(tiny, alone, options);
  assertEquals(bytesBelow(out), bytesBelow(alone));
});

Deno.test("a unit whose inputs are not there, or that there is not, is refused; so is a model with Linears missing", async () => {
  const [work, options] = [fresh(), { calibration: text, parts: 2, groupSize: 32 }];
  using units = await Units.open(tiny, work, options);
  await assertRejects(() => units.run("join", 0), OptionError, "sums-0-0.safetensors is not there yet");
  await assertRejects(() => units.run("quantize", 3), OptionError, "stats-3.safetensors is not there yet");
  await assertRejects(() => units.run("quantize", 6), OptionError, "the stage has 6 units");
  await assertRejects(() => units.run("stack", 0), OptionError, "the stage has 0 units");
  const assembling = assembleUnits(tiny, fresh(), { ...options, work });
  await assertRejects(() => assembling, OptionError, "42 of 42 Linears are not done in ");
});

Deno.test("what is one long chain, or not divided as asked, is refused", async () => {
  const refused: [UnitOptions, string][] = [
    [{ sequential: true }, "each Linear waits for all before it"],
    [{ awq: true }, "scale the inputs on one machine"],
    [{ targetBits: 4 }, "choose on one machine"],
    [{ rowParts: 2, override: { "*.up_proj": "any4/matrix" } }, 'codebook is "matrix"'],
    [{ rowParts: 2, override: { "*.up_proj": "any4/outliers=0.005" } }, "outliers"],
    [{ rowParts: 2, codebook: "matrix" }, "share codebooks"],
    [{ rowParts: 2, outliers: 0.01 }, "outliers are chosen together"],
    [{ rowParts: 0 }, "current value is 0"],
  ];
  for (const [options, message] of refused) {
    await assertRejects(() => Units.open(tiny, fresh(), options), OptionError, message);
  }
});

Deno.test("the tokens of all samples, and nothing that changes no statistics, name a folder of statistics", async () => {
  const folderOf = async (options: UnitOptions) => {
    using units = await Units.open(tiny, fresh(), options);
    return units.folders[0]!.split("/").at(-1);
  };
  const gram = await folderOf({ method: "lnq" });
  assertEquals(await folderOf({ method: "gptq", codebookType: "int8", outliers: 0.01 }), gram);
  assertEquals(await folderOf({ method: "lnq", calibration: [...CALIBRATION_SAMPLES] }) === gram, false);
  const texts = ["a text", "another"];
  const one = await folderOf({ method: "lnq", calibration: texts });
  assertEquals(await folderOf({ method: "lnq", calibration: ["a text", "a third"] }) === one, false);
  using model = await ModelOnDisk.open(tiny);
  const [asked, all] = [
    statsFingerprint(model, { method: "lnq" }),
    fingerprint(model, { calibration: [...CALIBRATION_SAMPLES] }),
  ];
  assertEquals(asked["the tokens of the sample"], all["the tokens of the sample"]);
});

Deno.test("a damaged file of a unit is named, with what to do", async () => {
  const [work, options] = [fresh(), { format: "int4", groupSize: 32 }];
  await runEach(tiny, work, { ...options, names: await unitsOf(tiny, work, options) });
  using units = await Units.open(tiny, work, options);
  const [path] = units.stages()[0]!.units[2]!;
  const bytes = Deno.readFileSync(path!);
  bytes[bytes.length - 5]! ^= 1;
  Deno.writeFileSync(path!, bytes);
  const message = await assertRejects(() => assembleUnits(tiny, fresh(), { ...options, work }));
  assert(message instanceof Error);
  assertStringIncludes(message.message, `${path}`);
  assertStringIncludes(message.message, "remove that file and run its unit again");
  Deno.removeSync(path!);
  await units.run("quantize", 2);
  await assembleUnits(tiny, fresh(), { ...options, work });
});

/** Runs the task in a process of its own. */
function task(...args: string[]): Deno.ChildProcess {
  const script = new URL("../../tasks/quantize.ts", import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--quiet", "--no-prompt", "--allow-all", script, ...args],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function ended(child: Deno.ChildProcess): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await child.output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("processes do a unit twice at once, die in the middle and come again: the bytes are those of one machine", async () => {
  const [out, alone] = [fresh(), fresh()];
  const options = ["-m", tiny, "-o", out, "-t", text, "--parts", "2", "-g", "32", "--backend", "wasm"];
  const run = (...args: string[]) => ended(task(...options, "--threads", "1", ...args));
  const listed = await run("--units");
  assertEquals(listed.code, 0, listed.text);
  const { stages }: { stages: { stage: string; units: string[][] }[] } = JSON.parse(listed.text);
  assertEquals(stages.map(({ stage, units }) => [stage, units.length]), [["calibrate", 2], ["join", 6], [
    "quantize",
    6,
  ]]);
  const early = await run("--assemble");
  assertEquals(early.code, 2);
  assertStringIncludes(early.text, "Cannot assemble the model: 42 of 42 Linears are not done");

  // Twice at once.
  const both = await Promise.all([run("--unit", "calibrate/0"), run("--unit", "calibrate/0")]);
  assertEquals(both.map(({ code }) => code), [0, 0], both.map(({ text }) => text).join("\n"));
  // Killed as soon as it has a layer.
  const killed = task(...options, "--threads", "1", "--unit", "calibrate/1");
  const [firstFile] = stages[0]!.units[1]!;
  while (!isFile(firstFile!)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  try {
    killed.kill("SIGKILL");
  } catch {
    // It was quicker.
  }
  await killed.output();
  for (const { stage, units } of stages) {
    for (const i of units.keys()) {
      const { code, text } = await run("--unit", `${stage}/${i}`);
      assertEquals(code, 0, text);
      assertEquals(/was done before/.test(text), stage === "calibrate" && i === 0, text);
    }
  }
  const assembled = await run("--assemble", "--quiet");
  assertEquals(assembled, { code: 0, text: "" });
  await quantizeOnDisk(tiny, alone, { calibration: text, parts: 2, groupSize: 32, backend: "wasm" });
  assertEquals(bytesBelow(out), bytesBelow(alone));
});

Deno.test("a folder that cannot be made is a clear error", async () => {
  Deno.writeTextFileSync(`${folder}/file`, "");
  const opening = Units.open(tiny, `${folder}/file/work`, { groupSize: 32 });
  await assertRejects(() => opening, CheckpointError, `Cannot write ${folder}/file/work`);
});
