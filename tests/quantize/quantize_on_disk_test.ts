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
  loadModel,
  OptionError,
  quantizeModel,
  quantizeOnDisk,
  type QuantizeOnDiskOptions,
  ResumeError,
  saveModel,
} from "any4";
import { makeSynthetic } from "../../bench/make_synthetic.ts";
import { ModelOnDisk } from "../../lib/model/model_on_disk.ts";
import { calibrateLayers } from "../../lib/quantize/calibrate.ts";
import { Journal } from "../../lib/quantize/journal.ts";
import { Random } from "../../lib/random.ts";

const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** Six small layers, with a context that the calibration sample is longer than. */
const tiny = `${folder}/tiny`;
makeSynthetic(tiny, "tiny");

/** More than one piece of the tiny models' context, and more than one chunk of tinyworld's. */
const text = "One day a girl found a key near the old well. ".repeat(40);

let made = 0;
const fresh = () => `${folder}/out-${made++}`;

/** Every file of a folder, folders in it too, by its name. */
function files(path: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
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
  for (const options of [{}, { sequential: true }, { targetBits: 4.5, groupSize: 32 }]) {
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
  const begun = { format: "any4", groupSize: 64, calibration: "Once upon a time." };
  const out = fresh();
  await assertRejects(() =>
    quantizeOnDisk(model, out, {
      ...begun,
      onProgress({ phase }) {
        if (phase === "quantizing") throw new Error("stop");
      },
    })
  );
  const changes: [QuantizeOnDiskOptions, RegExp][] = [
    [{ format: "any3" }, /format was "any4" and is "any3" now/],
    [{ groupSize: 32 }, /group size was 64 and is 32 now/],
    [{ calibration: "Another text." }, /calibration was "a text/],
    [{ override: { "*.q_proj": "int8" } }, /override was \{\} and is/],
    [{ targetBits: 3 }, /target bits was not given and is 3 now/],
    [{ sequential: true }, /sequential was false/],
    [{ backend: "plain" }, /backend was/],
    [{ weighting: "mean-abs" }, /weighting was "mean-square" and is "mean-abs" now/],
    [{ method: { name: "lloyd", init: "nf4" } }, /method was/],
  ];
  for (const [change, message] of changes) {
    const error = await assertRejects(() => quantizeOnDisk(model, out, { ...begun, ...change }), ResumeError);
    assertMatch(error.message, message);
    assertStringIncludes(error.message, "--restart");
  }
  const weights = `${model}/model.safetensors`;
  Deno.utimeSync(weights, 1, 1);
  await assertRejects(() => quantizeOnDisk(model, out, begun), ResumeError, "the model's weights");
  const { found } = await quantizeOnDisk(model, out, { ...begun, restart: true });
  assertEquals(found, 0);
});

Deno.test("two processes are not at one folder at the same time", async () => {
  const out = fresh();
  using _ = Journal.open(out, { asked: {} });
  await assertRejects(() => quantizeOnDisk(tiny, out), ResumeError, "another process");
});

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
  for (const options of [{}, { sequential: true }, { targetBits: 4.5, groupSize: 32 }]) {
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
        assertStringIncludes(error.message, "start again to resume");
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
