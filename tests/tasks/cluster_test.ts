import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { loadModel, OptionError, quantizeOnDisk } from "any4";
import { measureFormats } from "any4/measure";
import { type Job, jobScript, quoted } from "../../tasks/cluster/engine.ts";
import { kubectlLines, manifestOf } from "../../tasks/cluster/kubernetes.ts";
import { arraysOf, ranges, sbatchArgs } from "../../tasks/cluster/slurm.ts";
import { bytesBelow } from "../folder_bytes.ts";

const root = decodeURIComponent(new URL("../..", import.meta.url).pathname).replace(/\/$/, "");
const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** Runs the task with its own permissions, as if called from the folder. */
async function cluster(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${root}/deno.json`));
  const words = (tasks.cluster.command as string).split(" ").slice(1);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...words.slice(1), ...args],
    cwd: root,
    env: { NO_COLOR: "", INIT_CWD: folder },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const job: Job = {
  task: "quantize",
  args: ["--model", "it's mine", "--work", "/shared/work"],
  work: "/shared/work",
  root,
  cwd: "/shared",
  resources: { partition: "gpu", cpus: 8, gpus: "1", mem: "16G", time: "2:00:00" },
};

Deno.test("array numbers are written as ranges, and large ones in arrays of a thousand", () => {
  assertEquals(ranges([0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
  assertEquals(ranges([3]), "3");
  const indices = [0, 999, 1000, 1001, 2500];
  const arrays = arraysOf({ stage: "quantize", indices });
  assertEquals(arrays.map(({ indices }) => indices), [[0, 999], [1000, 1001], [2500]]);
  const args = arrays.map((array) => sbatchArgs(job, { ...array, name: "any4", after: ["4", "5"] }));
  assertEquals(args.map((words) => words.find((word) => word.startsWith("--array"))), [
    "--array=0,999",
    "--array=0-1",
    "--array=500",
  ]);
  assertEquals(args.map((words) => words.slice(-3)), [
    ["/shared/work/job.sh", "quantize", "0"],
    ["/shared/work/job.sh", "quantize", "1000"],
    ["/shared/work/job.sh", "quantize", "2000"],
  ]);
  assert(args[1]!.includes("--dependency=afterok:4:5"));
  assert(!sbatchArgs(job, { ...arrays[0]!, name: "any4", after: [] }).join().includes("dependency"));
});

Deno.test("the job script asks for the resources and is one that bash reads, quotes and all", async () => {
  const script = jobScript(job);
  for (const line of ["partition=gpu", "cpus-per-task=8", "gpus=1", "mem=16G", "time=2:00:00"]) {
    assertStringIncludes(script, `#SBATCH --${line}\n`);
  }
  const { success, stderr } = await new Deno.Command("bash", { args: ["-n", "-c", script] }).output();
  assert(success, new TextDecoder().decode(stderr));
  const words = ["it's", "$HOME", "a b", "", "*", "plain"];
  const echoed = await new Deno.Command("bash", {
    args: ["-c", `printf '%s\\n' ${words.map(quoted).join(" ")}`],
  })
    .output();
  assertEquals(new TextDecoder().decode(echoed.stdout), words.join("\n") + "\n");
});

Deno.test("a manifest has an Indexed Job for each stage, each waiting for the one before", () => {
  const stages = [{ stage: "calibrate", count: 8 }, { stage: "quantize", count: 80 }];
  const means = { name: "any4-1", image: "deno", claim: "any4", parallelism: 16, stages };
  const here = { ...job, root: "/shared/any4-deno" };
  const manifest = manifestOf(here, { ...means, mount: "/shared" });
  assertEquals(
    manifest.items.map(({ spec }) => [
      ...[spec!.completionMode, spec!.completions, spec!.parallelism, spec!.suspend],
      spec!.template.spec!.containers[0]!.command!.join(" "),
    ]),
    [
      ["Indexed", 8, 8, false, "bash /shared/work/job.sh calibrate"],
      ["Indexed", 80, 16, true, "bash /shared/work/job.sh quantize"],
    ],
  );
  assertEquals(kubectlLines("jobs.json", manifest).length, 4);
  assertThrows(
    () => manifestOf(here, { ...means, mount: "/data" }),
    OptionError,
    "/shared/any4-deno is not below it",
  );
});

Deno.test("processes of one machine quantize to the bytes of one process, and a second run does nothing again", async () => {
  const [out, alone] = [`${folder}/small`, `${folder}/alone`];
  const args = ["quantize", "-m", "tinyworld", "-o", "small", "--parts", "2", "--backend", "wasm"];
  const first = await cluster("--engine", "local", "--json", ...args);
  assertEquals([first.code, first.stderr], [0, ""]);
  assertEquals(JSON.parse(first.stdout), { work: `${out}.units`, units: 2 + 4 + 4 + 1, rounds: 1 });
  await quantizeOnDisk("tinyworld", alone, { parts: 2, backend: "wasm" });
  assertEquals(bytesBelow(out), bytesBelow(alone));
  const dry = await cluster("--engine", "local", "--dry-run", ...args);
  assertEquals(dry.stdout.trim(), "");
});

Deno.test("a pattern that fits nothing and a task that has no units are errors of a line", async () => {
  const wrong = await cluster("quantize", "-o", `${folder}/x`, "--skip", "nothing");
  assertEquals([wrong.code, wrong.stdout], [2, ""]);
  assertStringIncludes(wrong.stderr, 'Cannot skip "nothing": it fits no Linear');
  const other = await cluster("chat");
  assertEquals(other.code, 2);
  assertMatch(other.stderr, /^Cannot divide the task "chat" into units: expected quantize or grid\n$/);
});

Deno.test("three formats on two texts, each pair a process, give what measureFormats() gives", async () => {
  const texts = ["Once upon a time, a girl found a key.", "The old well was near the village."].map(
    (text, i) => {
      const path = `${folder}/text${i}.txt`;
      Deno.writeTextFileSync(path, text.repeat(8));
      return { path, text: text.repeat(8) };
    },
  );
  const formats = ["any4", "int4", "nf4"];
  const out = `${folder}/results.json`;
  const { code, stderr } = await cluster(
    ...["--engine", "local", "--quiet", "grid", "-m", "tinyworld", "-f", formats.join()],
    ...["-t", texts.map(({ path }) => path).join(), "-o", out, "--backend", "wasm"],
  );
  assertEquals([code, stderr], [0, ""]);
  const results = JSON.parse(Deno.readTextFileSync(out));
  using model = await loadModel("tinyworld", { backend: "wasm" });
  const expected = await Promise.all(texts.map(({ text }) => measureFormats(model, { formats, text })));
  const keys = ["perplexity", "kl", "top1", "tokens", "bitsPerWeight"] as const;
  assertEquals(
    results.map((row: Record<string, unknown>) => [row.format, row.text, ...keys.map((key) => row[key])]),
    formats.flatMap((format, f) =>
      texts.map(({ path }, t) => [format, path, ...keys.map((key) => expected[t]!.rows[f]![key])])
    ),
  );
});
