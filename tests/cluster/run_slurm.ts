import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { quantizeOnDisk } from "any4";
import { isFile } from "../../lib/files/disk.ts";
import { bytesBelow } from "../folder_bytes.ts";
import { SlurmCluster, whyNot } from "./start_slurm.ts";

const reason = whyNot();
const ignore = reason !== undefined;
if (ignore) console.log(`Tests on a Slurm cluster are ignored: ${reason}`);
const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
const PARTS = 2;

/** Runs with a cluster, and a folder that its nodes share. */
async function onCluster(use: (cluster: SlurmCluster, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "any4-shared-" });
  try {
    await using cluster = await SlurmCluster.start();
    await use(cluster, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

let alone: Promise<Record<string, string>> | undefined;

/** The bytes that one machine writes. */
function expected(): Promise<Record<string, string>> {
  return alone ??= (async () => {
    const folder = await Deno.makeTempDir();
    await quantizeOnDisk("tinyworld", folder, { parts: PARTS, backend: "wasm", threads: 1 });
    const bytes = bytesBelow(folder);
    await Deno.remove(folder, { recursive: true });
    return bytes;
  })();
}

interface Ended {
  readonly code: number;
  readonly text: string;
}

/** Starts the task on a cluster. */
function start(
  cluster: SlurmCluster,
  ...args: string[]
): { child: Deno.ChildProcess; ended: Promise<Ended> } {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${root}deno.json`));
  const words = (tasks.cluster.command as string).split(" ").slice(1);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...words, "--poll", "1", ...args],
    cwd: root,
    env: { NO_COLOR: "1", ...cluster.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = child.output().then(({ code, stdout, stderr }) => ({
    code,
    text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr),
  }));
  return { child, ended };
}

/** The arguments of a quantization. */
const quantize = (out: string, ...more: string[]) => [
  ...["quantize", "--model", "tinyworld", "--out", out, "--parts", String(PARTS), "--backend", "wasm"],
  ...more,
];

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits for what is to come within two minutes. */
async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  for (const start = performance.now(); performance.now() - start < 120_000; await pause(20)) {
    const found = look();
    if (found !== undefined) return found;
  }
  throw new Error(`${what} did not come within two minutes`);
}

/** The id of a process that runs a unit of ours. */
function processOf(folder: string, unit: string): number | undefined {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      if (words.includes(unit) && words.some((word) => word.startsWith(folder))) return Number(name);
    } catch {
      // It has ended.
    }
  }
  return undefined;
}

/** All logs of a job's units. */
function logsOf(work: string): string {
  return [...Deno.readDirSync(`${work}/logs`)]
    .map(({ name }) => Deno.readTextFileSync(`${work}/logs/${name}`)).join("\n");
}

Deno.test({
  name:
    "an array on two nodes quantizes a model to one machine's bytes; asked again, it has nothing to do but assemble",
  ignore,
  fn: () =>
    onCluster(async (cluster, folder) => {
      const out = `${folder}/small`;
      const { code, text } = await start(cluster, ...quantize(out)).ended;
      assertEquals(code, 0, text);
      assertEquals(bytesBelow(out), await expected());
      const logs = logsOf(`${out}.units`);
      for (const node of ["n1", "n2"]) assertStringIncludes(logs, `(${node}), start 0`);
      assertEquals(logs.match(/: done$/gm)!.length, PARTS + 4 + 4);
      const again = await start(cluster, "--json", ...quantize(out)).ended;
      assertEquals(again.code, 0, again.text);
      assertEquals(JSON.parse(again.text).rounds, 1);
      assertEquals(logsOf(`${out}.units`).match(/: done$/gm)!.length, PARTS + 4 + 4);
    }),
});

Deno.test({
  name: "with a node ended in the middle, its unit goes to the other",
  ignore,
  fn: () =>
    onCluster(async (cluster, folder) => {
      const out = `${folder}/small`;
      const { ended } = start(cluster, ...quantize(out));
      const log = await until("a unit on n1", () => {
        try {
          return /(\w+\/\d+) on .*\(n1\)/.exec(logsOf(`${out}.units`))?.[1];
        } catch {
          return undefined;
        }
      });
      // The node is lost with all that it runs.
      const unit = processOf(folder, log);
      await cluster.end("n1");
      if (unit !== undefined) Deno.kill(unit, "SIGKILL");
      const { code, text } = await ended;
      assertEquals(code, 0, text);
      assertEquals(bytesBelow(out), await expected());
    }),
});

Deno.test({
  name: "a unit's process killed, the controller restarted, a unit run twice at once: the bytes are the same",
  ignore,
  fn: () =>
    onCluster(async (cluster, folder) => {
      const out = `${folder}/small`;
      const { ended } = start(cluster, ...quantize(out));
      Deno.kill(await until("calibrate/1", () => processOf(folder, "calibrate/1")), "SIGKILL");
      const quantizing = await until("quantize/0", () => processOf(folder, "quantize/0"));
      assert(quantizing > 0);
      // Beside the cluster's own.
      const twice = new Deno.Command("bash", {
        args: [`${out}.units/job.sh`, "quantize", "0"],
        stdin: "null",
      }).output();
      // Ended with SIGKILL, it forgets the last seconds: it runs their units again, after two minutes.
      await cluster.end("slurmctld", "SIGTERM");
      await pause(1500);
      await cluster.startController();
      const second = await twice;
      assertEquals(second.code, 0, new TextDecoder().decode(second.stderr));
      const { code, text } = await ended;
      assertEquals(code, 0, text);
      assertEquals(bytesBelow(out), await expected());
    }),
});

Deno.test({
  name: "a unit that always fails ends with its reason and its log, and what the others did is kept",
  ignore,
  fn: () =>
    onCluster(async (cluster, folder) => {
      const out = `${folder}/small`;
      const sample = `${folder}/sample.txt`;
      Deno.writeTextFileSync(sample, "Once upon a time. ".repeat(300));
      const args = quantize(out, "--text", sample);
      // The statistics are done, then one is damaged.
      const plan = await start(cluster, "--dry-run", "--json", ...args).ended;
      assertEquals(plan.code, 0, plan.text);
      const { work, missing, commands } = JSON.parse(plan.text);
      assertEquals(missing.map(({ stage }: { stage: string }) => stage), [
        "calibrate",
        "join",
        "quantize",
        "assemble",
      ]);
      assertMatch(commands[1], /--dependency=afterok:\$calibrate0 --kill-on-invalid-dep=yes/);
      for (const index of ["0", "1"]) {
        const { success } = await new Deno.Command("bash", { args: [`${work}/job.sh`, "calibrate", index] })
          .output();
        assert(success);
      }
      const stats = [...Deno.readDirSync(work)].find(({ name }) => name.startsWith("stats-"))!.name;
      const damaged = `${work}/${stats}/sums-1-2.safetensors`;
      const bytes = Deno.readFileSync(damaged);
      bytes[bytes.length - 3]! ^= 1;
      Deno.writeFileSync(damaged, bytes);
      const { code, text } = await start(cluster, "--retries", "0", ...args).ended;
      assertEquals(code, 1, text);
      assertStringIncludes(text, `join/2`);
      assertStringIncludes(text, damaged);
      assertStringIncludes(text, `Logs are in ${work}/logs`);
      assert(isFile(`${work}/${stats}/stats-3.safetensors`));
      assertEquals((await cluster.client("squeue", "--noheader")).trim(), "");
    }),
});

/** Mounts a small disk of memory; undefined where that is not allowed. */
async function smallDisk(folder: string, size: string): Promise<(options: string) => Promise<boolean>> {
  Deno.mkdirSync(folder, { recursive: true });
  const run = async (...args: string[]) =>
    (await new Deno.Command(args[0]!, { args: args.slice(1) }).output()).success;
  if (!await run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder)) {
    throw new Error("Cannot mount a small disk");
  }
  return (options) =>
    options === "" ? run("umount", folder) : run("mount", "-o", `remount,${options}`, folder);
}

Deno.test({
  name: "a full disk is a clear error; with room, the same command does the rest",
  ignore,
  fn: () =>
    onCluster(async (cluster, folder) => {
      const work = `${folder}/work`;
      const disk = await smallDisk(work, "700k");
      try {
        const args = quantize(`${folder}/small`, "--work", work);
        const { code, text } = await start(cluster, "--retries", "0", ...args).ended;
        assertEquals(code, 1, text);
        assertMatch(text, /No space left on device/);
        assert(await disk("size=64m"));
        const again = await start(cluster, ...args).ended;
        assertEquals(again.code, 0, again.text);
        assertEquals(bytesBelow(`${folder}/small`), await expected());
      } finally {
        await disk("");
      }
    }),
});

Deno.test({
  name: "Ctrl-C leaves jobs running, which the next one follows, or stops them all",
  ignore,
  fn: () =>
    onCluster(async (cluster, folder) => {
      const out = `${folder}/small`;
      const queued = async () => (await cluster.client("squeue", "--noheader", "--array")).trim() !== "";
      const interrupt = async (what: string) => {
        const { child, ended } = start(cluster, "--on-interrupt", what, ...quantize(out));
        for (let tries = 0; tries < 600 && !await queued(); tries++) await pause(50);
        await pause(500);
        child.kill("SIGINT");
        return await ended;
      };
      const stopped = await interrupt("stop");
      assertEquals(stopped.code, 130, stopped.text);
      assertStringIncludes(stopped.text, "Stopped. What is done is kept");
      for (let tries = 0; tries < 100 && await queued(); tries++) await pause(100);
      assertEquals(await queued(), false);
      const left = await interrupt("leave");
      assertEquals(left.code, 130, left.text);
      assertStringIncludes(left.text, "The jobs are still running");
      assertEquals(await queued(), true);
      const { code, text } = await start(cluster, "--json", ...quantize(out)).ended;
      assertEquals(code, 0, text);
      // The earlier jobs did all of it.
      assertEquals(JSON.parse(text).rounds, 0);
      assertEquals(bytesBelow(out), await expected());
    }),
});

Deno.test({
  name: "three formats on two texts, an array of pairs, are merged to what one machine writes",
  ignore,
  fn: () =>
    onCluster(async (cluster, folder) => {
      const texts = ["Once upon a time, a girl found a key.", "The old well was near the village."].map(
        (text, i) => {
          Deno.writeTextFileSync(`${folder}/text${i}.txt`, text.repeat(8));
          return `${folder}/text${i}.txt`;
        },
      );
      const grid = (out: string) => [
        ...[
          "--model",
          "tinyworld",
          "--formats",
          "any4,int4,nf4",
          "--texts",
          texts.join(),
          "--backend",
          "wasm",
        ],
        ...["--out", `${folder}/${out}`],
      ];
      const { code, text } = await start(cluster, "grid", ...grid("array.json")).ended;
      assertEquals(code, 0, text);
      const script = `${root}tasks/grid.ts`;
      const alone = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-check", "--allow-all", script, "--quiet", ...grid("alone.json")],
        cwd: root,
      }).output();
      assert(alone.success, new TextDecoder().decode(alone.stderr));
      const merged = Deno.readTextFileSync(`${folder}/array.json`);
      assertEquals(merged, Deno.readTextFileSync(`${folder}/alone.json`));
      assertEquals(JSON.parse(merged).length, 6);
    }),
});
