import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  calibrate,
  CheckpointError,
  InterruptedError,
  loadModel,
  OptionError,
  quantizeModel,
  quantizeOnDisk,
  type QuantizeOnDiskOptions,
  ResumeError,
  saveModel,
} from "any4";
import { formatOf } from "any4/formats";
import { makeSynthetic } from "../../bench/make_synthetic.ts";
import { ModelOnDisk } from "../../lib/model/model_on_disk.ts";
import { calibrateLayers } from "../../lib/quantize/calibrate.ts";
import { Journal } from "../../lib/quantize/journal.ts";
import { Random } from "../../lib/random.ts";
import { inKernel } from "../in_kernel.ts";

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** Six small layers, with a context that the calibration sample is longer than. */
const tiny = `${folder}/tiny`;
makeSynthetic(tiny, "tiny");

/** More than one piece of the tiny models' context, and more than one chunk of tinyworld's. */
const text = "One day a girl found a key near the old well. ".repeat(40);

let made = 0;
const fresh = () => `${folder}/out-${made++}`;

/** Every file of a folder, folders in it too, by its name, but for the list of them. */
function files(path: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    if (name === ".any4-files.json") continue;
    if (isDirectory) found[name] = "a folder";
    else found[name] = Deno.readFileSync(`${path}/${name}`).toBase64();
  }
  return found;
}

const unfinished = (path: string) => [...Deno.readDirSync(`${path}/.quantizing`)].map(({ name }) => name);

/** Stops a job when so many Linears are done. */
async function stopped(out: string, options: QuantizeOnDiskOptions & { after?: number } = {}): Promise<void> {
  const { after = 5, ...rest } = options;
  let done = 0;
  await assertRejects(
    () =>
      quantizeOnDisk(tiny, out, {
        ...rest,
        onProgress({ phase }) {
          if (phase === "quantizing" && ++done === after) throw new Error("stop");
        },
      }),
    Error,
    "stop",
  );
}

const cases: Record<string, Omit<QuantizeOnDiskOptions, "onProgress">> = {
  "any4": {},
  "sequential any3": { format: "any3", sequential: true, groupSize: 32 },
  "int4, uncalibrated": { format: "int4" },
  "patterns": {
    override: { "model.layers.0.*": "int8", "*.down_proj": "any2:32" },
    skip: ["*.v_proj", "lm_head"],
  },
  "a target": { targetBits: 4.5, groupSize: 64, calibration: "A king and a queen lived by the sea." },
  "the reference's tensors": { reference: true, groupSize: 64 },
  "AWQ, with formats of some Linears and some left out": {
    awq: true,
    format: "int3",
    override: { "*.down_proj": "any3sym:32/int8" },
    skip: ["*.0.*.v_proj", "*.1.*"],
    calibration: "A king and a queen lived by the sea.",
  },
  "AWQ before lnq for a target, dequantized": {
    awq: true,
    method: "lnq",
    targetBits: 4.5,
    groupSize: 32,
    dequantized: true,
    calibration: ["A king and a queen lived by the sea.", "One day a girl found a key near the old well."],
  },
  "dequantized nf4": { format: "nf4", dequantized: true },
};

for (const [name, options] of Object.entries(cases)) {
  Deno.test(`from disk to disk gives the files that quantizing in memory gives: ${name}`, async () => {
    const [streamed, whole] = [fresh(), fresh()];
    const summary = await quantizeOnDisk(tiny, streamed, options);
    using model = await loadModel(tiny);
    using small = await quantizeModel(model, options);
    await saveModel(small, whole, options);
    const { "README.md": card, ...rest } = files(streamed);
    assertEquals(rest, files(whole));
    assert(card!.length > 0);
    if (options.reference) return; // this library does not read it back
    using again = await loadModel(streamed);
    assertEquals(summary.bitsPerWeight, again.bitsPerWeight);
    assertEquals([summary.parameters, summary.bytes], [again.size.parameters, again.size.bytes]);
    assertEquals(summary.originalBytes, model.size.bytes);
  });
}

Deno.test("so it does for every architecture, sequentially and dequantized too", async () => {
  const models = `${import.meta.dirname}/../golden/models`;
  for (const { name } of Deno.readDirSync(models)) {
    const all = ["gpt2", "mixtral", "opt_post_norm"].includes(name);
    for (const options of all ? [{}, { sequential: true }, { dequantized: true }] : [{}]) {
      const [streamed, whole] = [fresh(), fresh()];
      await quantizeOnDisk(`${models}/${name}`, streamed, { ...options, backend: "wasm", calibration: text });
      using model = await loadModel(`${models}/${name}`, { backend: "wasm" });
      using small = await quantizeModel(model, { ...options, calibration: text });
      await saveModel(small, whole, options);
      const { "README.md": _, ...rest } = files(streamed);
      assertEquals(rest, files(whole), `${name} ${JSON.stringify(options)}`);
    }
  }
});

Deno.test("sizes on disk are as computed, in shards too", async () => {
  const out = fresh();
  const { bytes, fileBytes } = await quantizeOnDisk(tiny, out, { format: "int4", maxShardBytes: 100_000 });
  const shards = [...Deno.readDirSync(out)].filter(({ name }) => name.endsWith(".safetensors"));
  assert(shards.length > 2);
  let payload = 0;
  for (const { name } of shards) {
    const data = Deno.readFileSync(`${out}/${name}`);
    payload += data.length - 8 - Number(new DataView(data.buffer).getBigUint64(0, true));
  }
  assertEquals(payload, bytes);
  assertLess(fileBytes - bytes, 100 * 200 * shards.length);
  using model = await loadModel(out);
  assertEquals(model.size.bytes, bytes);
});

Deno.test("calibration layer by layer gives calibrate()'s statistics bit for bit", async () => {
  for (const backend of ["wasm", "plain"] as const) {
    for (const name of backend === "wasm" ? ["tinyworld", tiny] : [tiny]) {
      using model = await loadModel(name, { backend });
      const expected = await calibrate(model, { text });
      using disk = await ModelOnDisk.open(name, { backend });
      using journal = Journal.open(fresh(), { asked: {} });
      // The second time, all of it is kept already.
      for (const layersToDo of [disk.layout.layers.length, 0]) {
        let done = 0;
        await calibrateLayers(disk, journal, { text, onProgress: () => done++ });
        const stats = new Map(disk.layout.layers.flatMap((_, i) => [...journal.get("stats", String(i))!]));
        assertEquals([...stats.keys()], [...expected.keys()]);
        for (const [linear, entry] of expected) assertEquals(stats.get(linear), entry, linear);
        assertEquals(done, layersToDo);
      }
    }
  }
});

Deno.test("an unfinished folder is not taken for a model, and is finished by asking again", async () => {
  for (
    const options of [{}, { sequential: true }, { targetBits: 4.5, groupSize: 32 }, {
      awq: true,
      calibration: text,
    }]
  ) {
    const [out, whole] = [fresh(), fresh()];
    await stopped(out, options);
    await assertRejects(() => loadModel(out), CheckpointError, "is not finished");
    const { found } = await quantizeOnDisk(tiny, out, options);
    assertEquals(found, 5);
    assertEquals((await quantizeOnDisk(tiny, whole, options)).found, 0);
    assertEquals(files(out), files(whole));
  }
});

Deno.test("a changed option, text or model is noticed, and said how to start over", async () => {
  const model = `${folder}/changing`;
  makeSynthetic(model, "tiny");
  const begun: QuantizeOnDiskOptions = {
    format: "any4",
    groupSize: 64,
    calibration: "Once upon a time.",
    backend: "wasm",
  };
  const out = fresh();
  await assertRejects(() =>
    quantizeOnDisk(model, out, {
      ...begun,
      onProgress({ phase }) {
        if (phase === "quantizing") throw new Error("stop");
      },
    })
  );
  const mine = { name: "mine", columns: () => new Float64Array(64).fill(2), scalePower: 2 };
  const changes: [QuantizeOnDiskOptions, RegExp][] = [
    [{ format: "any3" }, /format was "any4" and is "any3" now/],
    [{ format: { ...formatOf("any4"), name: "any4" } }, /format was "any4" and is \{|format has changed/],
    [{ groupSize: 32 }, /group size was 64 and is 32 now/],
    [{ calibration: "Another text." }, /calibration was "a text/],
    [{ calibration: new Map() }, /calibration was "a text .* and is "statistics/],
    [{ override: { "*.q_proj": "int8" } }, /override was \{\} and is/],
    [{ skip: "*.q_proj" }, /skip was \[\] and is \["\*\.q_proj"\] now/],
    [{ targetBits: 3 }, /target bits was not given and is 3 now/],
    [{ candidates: ["any4"] }, /candidates was not given/],
    [{ sequential: true }, /sequential was false/],
    [{ parts: 2 }, /parts was 1 and is 2 now/],
    [{ weighting: "mean" }, /weighting was "mean-square" and is "mean" now/],
    [{ weighting: mine }, /weighting was "mean-square" and is \{"name":"mine","columns":"a function/],
    [{ method: "lloyd" }, /method was "kmeans" and is "lloyd" now/],
    [{ method: { name: "lloyd", init: "nf4" } }, /method was "kmeans" and is \{"name":"lloyd"/],
    [{ codebook: "matrix" }, /codebook was "row" and is "matrix" now/],
    [{ scaleType: "f32" }, /scale type was not given and is "f32" now/],
    [{ activations: "int8" }, /activations was not given and is "int8" now/],
    [{ backend: "plain" }, /backend was "wasm" and is "plain" now/],
    // An option that nobody has thought of yet.
    [{ ofTomorrow: [1, 2] } as QuantizeOnDiskOptions, /of tomorrow was not given and is \[1,2\] now/],
  ];
  for (const [change, message] of changes) {
    const error = await assertRejects(
      () => quantizeOnDisk(model, out, { ...begun, ...change }),
      ResumeError,
    );
    assertMatch(error.message, message);
    assertStringIncludes(error.message, "--restart");
  }
  const weights = `${model}/model.safetensors`;
  Deno.utimeSync(weights, 1, 1);
  await assertRejects(() => quantizeOnDisk(model, out, begun), ResumeError, "the model's weights");
  const { found } = await quantizeOnDisk(model, out, { ...begun, restart: true });
  assertEquals(found, 0);
});

Deno.test("options that change no bit, and defaults given by name, are no change", async () => {
  const out = fresh();
  await stopped(out, { backend: "wasm", threads: 1 });
  const { found } = await quantizeOnDisk(tiny, out, {
    backend: "wasm",
    quiet: true,
    dequantized: true,
    maxShardBytes: 1e6,
    offline: true,
    format: "any4",
    method: { name: "kmeans" },
    weighting: "mean-square",
    codebook: "row",
    sequential: false,
    skip: [],
    override: {},
    parts: 1,
    targetBits: undefined,
  });
  assertEquals(found, 5);
});

/** What release 0.1.0 wrote to job.json, whose journals had no version but this. */
const OLD_JOB = `{"asked":{"the journal's version":1,"the model's config.json":"cd83cb2eef829cb7",` +
  `"the tokens of the sample":"cc908bc6687f7894","the model's weights":"2f31c7b5bc87a596","calibration":` +
  `"the library's own sample","backend":"wasm","format":"any4","weighting":"mean-square","codebook":"row",` +
  `"learner":"exact","sequential":false,"skip":[],"override":{}}}\n`;

Deno.test("a journal of another release is refused with its version, and stays as it is unless told otherwise", async () => {
  const out = fresh();
  Deno.mkdirSync(`${out}/.quantizing`, { recursive: true });
  Deno.writeTextFileSync(`${out}/.quantizing/job.json`, OLD_JOB);
  Deno.writeTextFileSync(`${out}/.quantizing/layer-0.safetensors`, "statistics");
  const error = await assertRejects(
    () => quantizeOnDisk(tiny, out),
    ResumeError,
    "has version 1, this one's has 2",
  );
  assertStringIncludes(error.message, "--restart");
  assertEquals(unfinished(out).sort(), ["job.json", "layer-0.safetensors", "lock"]);
  assertEquals((await quantizeOnDisk(tiny, out, { format: "int4", restart: true })).found, 0);
});

Deno.test("a flipped bit in any file of a journal is noticed, and said how to start over", async () => {
  const random = new Random(3);
  const options = {
    targetBits: 9.5,
    groupSize: 32,
    sequential: true,
    skip: ["*.k_proj", "*.gate_proj", "*.0.*"],
  };
  const [whole, out, expected] = [fresh(), fresh(), fresh()];
  await stopped(whole, options);
  await quantizeOnDisk(tiny, expected, options);
  const names = unfinished(whole).filter((name) => name !== "lock").sort();
  for (const kind of ["job", "pass", "stats", "costs", "effects", "linear"]) {
    assert(names.some((name) => name.startsWith(kind)), kind);
  }
  let noticed = 0;
  // Of the many of a kind some are enough.
  const some = names.filter((name, i) => i % 4 === 0 || !/^(costs|linear|stats)-/.test(name));
  for (const [i, name] of some.entries()) {
    Deno.mkdirSync(`${out}/.quantizing`, { recursive: true });
    for (const other of names) {
      Deno.copyFileSync(`${whole}/.quantizing/${other}`, `${out}/.quantizing/${other}`);
    }
    const path = `${out}/.quantizing/${name}`;
    const bytes = Deno.readFileSync(path);
    bytes[random.integer(bytes.length)]! ^= 1 << random.integer(8);
    Deno.writeFileSync(path, i % 3 === 0 ? bytes.subarray(0, bytes.length - 7) : bytes);
    try {
      await quantizeOnDisk(tiny, out, options);
      // A file that is not read any more may hold anything.
      assertEquals(files(out), files(expected), name);
      assert(!/^(linear-|costs-|job)/.test(name), name);
    } catch (error) {
      assert(error instanceof ResumeError, `${name}: ${error}`);
      assertStringIncludes(error.message, "--restart");
      assertStringIncludes(error.message, name);
      noticed++;
    }
    Deno.removeSync(out, { recursive: true });
  }
  assert(noticed > some.length / 2, `${noticed} of ${some.length}`);
});

const measured = { perplexity: 5.25, original: 5, tokens: 3000 };

Deno.test("killed while it is measured, a model is not quantized again, and its card says what was measured", async () => {
  const out = fresh();
  const options = { format: "int4" };
  const stop = () => Promise.reject(new Error("killed"));
  await assertRejects(() => quantizeOnDisk(tiny, out, { ...options, measure: stop }), Error, "killed");
  // The model is there, what it was made of is not.
  assertEquals(unfinished(out).sort(), ["job.json", "lock"]);
  using _ = await loadModel(out);
  assertStringIncludes(Deno.readTextFileSync(`${out}/README.md`), "Perplexity was not measured");

  const again = {
    onProgress: () => {
      throw new Error("something was done again");
    },
  };
  // Written otherwise, it would be another one.
  await assertRejects(
    () => quantizeOnDisk(tiny, out, { ...options, ...again, dequantized: true }),
    ResumeError,
    "how it is written was {} and is",
  );
  let asked = "";
  const summary = await quantizeOnDisk(tiny, out, {
    ...options,
    ...again,
    measure(folder) {
      asked = folder;
      return Promise.resolve(measured);
    },
  });
  assertEquals([asked, summary.measured, summary.found], [out, measured, summary.linears.length]);
  assertStringIncludes(
    Deno.readTextFileSync(`${out}/README.md`),
    "Perplexity is 5.250, the original's 5.000",
  );
  await assertRejects(() => Deno.stat(`${out}/.quantizing`), Deno.errors.NotFound);
  // All is done, so a new call begins anew.
  assertEquals((await quantizeOnDisk(tiny, out, options)).found, 0);
});

Deno.test("two processes are not at one folder at the same time", async () => {
  const out = fresh();
  using _ = Journal.open(out, { asked: {} });
  await assertRejects(() => quantizeOnDisk(tiny, out), ResumeError, "another process");
});

Deno.test("what is interrupted gives back its lock, also where it was about to end", () =>
  inKernel(async () => {
    const out = fresh();
    // It shows no sign of life, as what a kernel has ended shows none.
    const ended = { format: "int4", measure: () => new Promise<never>(() => {}) } as const;
    await assertRejects(() => quantizeOnDisk(tiny, out, ended), InterruptedError);
    const { found } = await quantizeOnDisk(tiny, out, { format: "int4", restart: true });
    assertEquals(found, 0);
  }));

Deno.test("what makes no sense is refused before anything is written", async () => {
  const wrong: [QuantizeOnDiskOptions, string][] = [
    [{ format: "any5" }, "any5"],
    [{ override: { "model.layers.9.*": "int8" } }, "fits no Linear"],
    [{ override: { "*": "any4:0" } }, "group size"],
    [{ skip: "*" }, "every Linear is skipped"],
    [{ reference: true, format: "any3" }, "4-bit formats only"],
    [{ reference: true, groupSize: 128 }, "do not divide its 192 columns"],
  ];
  for (const [options, message] of wrong) {
    const out = fresh();
    await assertRejects(() => quantizeOnDisk(tiny, out, options), OptionError, message);
    await assertRejects(() => Deno.stat(out), Deno.errors.NotFound);
  }
  await assertRejects(() => quantizeOnDisk(tiny, tiny), OptionError, "into itself");
  const out = fresh();
  await assertRejects(() => quantizeOnDisk(tiny, out, { targetBits: 1 }), OptionError, "Cannot reach 1 bits");
  await quantizeOnDisk(tiny, out, { format: "int4" });
  await assertRejects(() => quantizeOnDisk(out, fresh()), OptionError, "quantized already");
});

/** Starts the child, and kills it `after` so many milliseconds from when it is ready, if it is still there. */
async function child(out: string, { after = 600_000, options }: { after?: number; options: unknown }) {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", "--quiet", "tests/quantize/quantize_child.ts"],
      ...[tiny, out, JSON.stringify(options)],
    ],
    cwd: new URL("../../", import.meta.url),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(process.stderr).text();
  let [output, started] = ["", 0];
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (started === 0) {
      started = performance.now();
      timer = setTimeout(() => {
        try {
          process.kill("SIGKILL");
        } catch {
          // It has just ended.
        }
      }, after);
    }
  }
  const { success, signal } = await process.status;
  clearTimeout(timer);
  assert(success || signal === "SIGKILL", await errors);
  await errors;
  const result = success
    ? JSON.parse(output.split("\n")[1]!) as { found: number; linears: number }
    : undefined;
  return { result, milliseconds: performance.now() - started };
}

Deno.test("killed at random moments and started again, it ends with the same bytes and redoes no Linear that is done", async () => {
  const most = Number(Deno.env.get("ANY4_KILLS") ?? 9);
  const random = new Random(most);
  const jobs = [];
  for (
    const options of [{}, { sequential: true }, {
      targetBits: 4.5,
      groupSize: 32,
      awq: true,
      calibration: text,
    }]
  ) {
    const whole = fresh();
    const { milliseconds } = await child(whole, { options });
    jobs.push({ options, milliseconds, expected: files(whole) });
  }
  const kills: number[] = [];
  for (let i = 0; kills.length < most; i++) {
    const { options, milliseconds, expected } = jobs[i % jobs.length]!;
    const out = fresh();
    for (;;) {
      const before = done(out);
      const enough = kills.length === most;
      const { result } = await child(out, {
        options,
        after: enough ? undefined : random.next() * milliseconds,
      });
      if (!result) {
        kills.push(done(out));
        continue;
      }
      // Or it was killed when all was done, and the journal half removed.
      assert(result.found === before || result.found === result.linears);
      assertEquals(files(out), expected);
      break;
    }
  }
  if (most > 20) console.log(`killed when so many Linears were done: ${kills.join(" ")}`);
});

/** Linears that a killed process has left. */
function done(out: string): number {
  try {
    return unfinished(out).filter((name) => /^linear-.*\.safetensors$/.test(name)).length;
  } catch {
    return 0;
  }
}

const disk = `${folder}/disk`;
const mount = (...options: string[]) => run("mount", ...options, disk);

async function run(command: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

Deno.mkdirSync(disk);
const small = ["-t", "tmpfs", "-o", "size=2m", "tmpfs"];
const mounts = await mount(...small) && await run("umount", disk);

/** Fills a disk with one file but for some room. */
function fill(path: string, kilobytes: number): void {
  using file = Deno.openSync(path, { write: true, create: true });
  const block = new Uint8Array(1024);
  let written = 0;
  try {
    for (;;) written += file.writeSync(block);
  } catch {
    file.truncateSync(Math.max(0, written - 1024 * kilobytes));
  }
}

Deno.test({
  name: `a full disk is a clear error, and when there is room it goes on${
    mounts ? "" : " (left out: a small disk cannot be mounted here)"
  }`,
  ignore: !mounts,
  async fn() {
    assert(await mount(...small));
    try {
      const out = `${disk}/out`;
      const whole = fresh();
      await quantizeOnDisk(tiny, whole);
      // More and more room, so that the job ends at one point after another.
      for (const kilobytes of [0, 4, 100, 300, 500, 500, 300]) {
        fill(`${disk}/ballast`, kilobytes);
        const error = await assertRejects(() => quantizeOnDisk(tiny, out), CheckpointError);
        assertStringIncludes(error.message, "No space left");
        assertStringIncludes(error.message, "run the command again to resume");
        if (kilobytes > 4) await assertRejects(() => loadModel(out), CheckpointError, "is not finished");
        Deno.removeSync(`${disk}/ballast`);
      }
      assert(await mount("-o", "remount,size=10m"));
      assertStringIncludes(unfinished(out).join(), "linear-");
      assert((await quantizeOnDisk(tiny, out)).found > 0);
      assertEquals(files(out), files(whole));
    } finally {
      await run("umount", disk);
    }
  },
});
