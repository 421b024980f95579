/**
 * A process that quantizes, saves or downloads may be killed at any time: what was there before or what comes is whole, and
 * the next run ends with the same bytes. ANY4_KILLS says how many kills of each kind are tried.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { loadModel, quantizeModel, quantizeOnDisk, saveModel } from "any4";
import { downloadModel } from "any4/hub";
import { currentFolder } from "../lib/files/replace_files.ts";
import { exists } from "../lib/files/disk.ts";
import { sha256 } from "../lib/files/sha256.ts";
import { Lcg } from "./golden/lcg.ts";
import { TestHub, tinyworldRepo } from "./hub/server.ts";

/** Of each job, at exact calls and at random times. */
const KILLS = Number(Deno.env.get("ANY4_KILLS") ?? 4);
const MODEL = new URL("golden/models/llama3", import.meta.url).pathname;

type Files = Record<string, string>;

/** Checksums of all files below a folder that are not the library's own, links followed. */
function files(folder: string, found: Files = {}, under = ""): Files {
  if (!exists(folder)) return found;
  for (const { name } of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    const path = `${folder}/${name}`;
    if (name.startsWith(".")) continue;
    if (Deno.statSync(path).isDirectory) files(path, found, `${under}${name}/`);
    else found[under + name] = sha256([Deno.readFileSync(path)]);
  }
  return found;
}

/** Leftovers of an interrupted run. */
const litter = (folder: string) => [".saving", ".quantizing"].filter((name) => exists(`${folder}/${name}`));

interface Job {
  /** Makes what is there before. */
  readonly before: (to: string) => Promise<void>;
  /** The same as the child does. */
  readonly again: (to: string) => Promise<unknown>;
  /** What a reader sees. */
  readonly seen: (to: string) => Files;
  /** Whether a reader sees the old or the new whole at any time. */
  readonly whole: boolean;
}

async function saved(to: string, format: string): Promise<void> {
  using model = await loadModel(MODEL, { backend: "plain" });
  using small = await quantizeModel(model, { format, groupSize: 32 });
  await saveModel(small, to);
}

/** Runs the child; true if it was killed. */
async function child(
  what: string,
  options: { from: string; to: string; at?: number; ms?: number },
): Promise<{ killed: boolean; calls: number; ms: number }> {
  const { from, to, at = 0, ms } = options;
  const script = new URL("kill_child.ts", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--quiet", "-A", script, what, from, to, String(at)],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const errors = new Response(process.stderr).text();
  let text = "";
  const rest = async (until: (text: string) => boolean) => {
    for (let next; !until(text) && !(next = await reader.read()).done;) text += next.value;
  };
  await rest((text) => text.includes("ready"));
  const started = performance.now();
  let timer: number | undefined;
  if (ms !== undefined) {
    timer = setTimeout(() => {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended.
      }
    }, ms) as unknown as number;
  }
  await rest(() => false);
  clearTimeout(timer);
  const { signal, code } = await process.status;
  const said = await errors;
  assert(signal === "SIGKILL" || code === 0, said);
  return {
    killed: signal === "SIGKILL",
    calls: Number(text.split("\n")[1] ?? NaN),
    ms: performance.now() - started,
  };
}

async function killed(what: string, job: Job, from: string): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    const [old, expected] = [`${root}/old`, `${root}/new`];
    await job.before(old);
    await job.before(expected);
    const { calls, ms } = await child(what, { from, to: expected });
    const [was, is] = [job.seen(old), job.seen(expected)];
    assert(calls > 5, `${calls} calls`);
    const random = new Lcg(7);
    let kills = 0;
    const at = Array.from({ length: KILLS }, (_, i) => ({ at: 1 + Math.floor((i * calls) / KILLS) }));
    const times = Array.from({ length: KILLS }, () => ({ ms: random.next() * ms }));
    for (const [i, when] of [...at, ...times].entries()) {
      const to = `${root}/${i}`;
      await job.before(to);
      const ended = await child(what, { from, to, ...when });
      if (ended.killed) kills++;
      else assert("ms" in when, `call ${JSON.stringify(when)} of ${calls} was not reached`);
      const found = JSON.stringify(job.seen(to));
      if (job.whole) {
        assert(
          [was, is].some((files) => JSON.stringify(files) === found),
          `${what}, ${JSON.stringify(when)}: ${found}`,
        );
      }
      await job.again(to);
      assertEquals(job.seen(to), is, `${what}, ${JSON.stringify(when)}`);
      assertEquals(litter(to), []);
      await Deno.remove(to, { recursive: true });
    }
    assertGreater(kills, KILLS);
    console.log(`${what}: ${kills} kills, ${KILLS} of them at calls of ${calls}`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const options = { ignore: Deno.build.os === "windows" };

Deno.test(
  "a killed saveModel() leaves the old model or the new one, and the next one ends with the same bytes",
  options,
  () =>
    killed("saveModel", {
      before: (to) => saved(to, "int4"),
      again: (to) => saved(to, "nf4"),
      seen: (to) => files(currentFolder(to)),
      whole: true,
    }, MODEL),
);

Deno.test(
  "a killed quantizeOnDisk() leaves the old model or the new one, and resumes to the same bytes",
  options,
  () =>
    killed("quantize", {
      before: (to) => saved(to, "int4"),
      again: (to) =>
        quantizeOnDisk(MODEL, to, { backend: "plain", calibration: "Once upon a time.", groupSize: 32 }),
      seen: (to) => files(currentFolder(to)),
      whole: true,
    }, MODEL),
);

Deno.test("a killed downloadModel() is resumed, and ends with the same bytes", options, async () => {
  await using hub = new TestHub();
  hub.repos.set("org/name", tinyworldRepo());
  await killed("download", {
    before: async () => {},
    again: (cache) =>
      downloadModel("org/name", { endpoint: hub.endpoint, cache, token: "", offline: false, retryDelay: 1 }),
    seen: (to) => {
      const all = files(`${to}/models--org--name`);
      return Object.fromEntries(Object.entries(all).filter(([name]) => !/\.(part|incomplete)$/.test(name)));
    },
    whole: false,
  }, hub.endpoint);
});

Deno.test(
  "of processes that save into a folder at once each saves or is refused, and the model is whole",
  options,
  async () => {
    const root = await Deno.makeTempDir();
    const to = `${root}/to`;
    await saved(`${root}/expected`, "nf4");
    const script = new URL("kill_child.ts", import.meta.url).pathname;
    const args = ["run", "--no-check", "--quiet", "-A", script, "saveModel", MODEL, to, "0"];
    const ends = await Promise.all(
      Array.from({ length: 6 }, () => new Deno.Command(Deno.execPath(), { args }).output()),
    );
    const errors = ends.map(({ stderr }) => new TextDecoder().decode(stderr)).filter((text) => text !== "");
    for (const error of errors) {
      assert(
        /CheckpointError: .*another process|CheckpointError: Cannot write/.test(error),
        error,
      );
    }
    assert(errors.length < 6, "all were refused");
    assertEquals(files(to), files(`${root}/expected`));
    assertEquals(litter(to), []);
    await Deno.remove(root, { recursive: true });
  },
);
