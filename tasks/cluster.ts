/**
 * `deno task cluster`: a task's units of work on a Slurm cluster, as processes of this machine, or as Jobs of Kubernetes.
 *
 * The files that units leave say what is done; the cluster says only what has not ended. So this process can end at any time: the
 * next one finds both.
 *
 * @module
 */
import { Any4Error, OptionError } from "any4";
import { progress } from "any4/show";
import { isFile } from "../lib/files/disk.ts";
import { sha256 } from "../lib/files/sha256.ts";
import { command, jsonOption, main, Option, print, printJson, quietOption, whole } from "./cli.ts";
import {
  ASSEMBLE,
  type Batch,
  commandOf,
  type Engine,
  type Job,
  jobScript,
  logOf,
  printed,
  quoted,
  scriptOf,
} from "./cluster/engine.ts";
import { kubectlLines, manifestOf } from "./cluster/kubernetes.ts";
import { Local } from "./cluster/local.ts";
import { arraysOf, sbatchArgs, Slurm } from "./cluster/slurm.ts";

const program = command(
  "cluster",
  "Run a task's units of work on a cluster: deno task cluster --cpus 8 quantize --model org/name --out /shared/small",
)
  .argument("<task>", "quantize or grid, with its own options behind it")
  .argument("[options...]", "options of the task")
  .passThroughOptions()
  .addOption(
    new Option("--engine <name>", "what runs the units").choices(["slurm", "local", "kubernetes"]).default(
      "slurm",
    ),
  )
  .option("--partition <name>", "Slurm's partition")
  .option("--cpus <n>", "cores of a unit", whole(1), 1)
  .option("--gpus <n>", "GPUs of a unit, such as 1 or a100:1")
  .option("--mem <size>", "memory of a unit, such as 16G")
  .option("--time <limit>", "time limit of a unit, such as 2:00:00")
  .option("--processes <n>", "units that run at a time, with --engine local or kubernetes", whole(1), 2)
  .option(
    "--retries <n>",
    "rounds in which what has failed is tried again though nothing else is done",
    whole(0),
    2,
  )
  .option("--poll <seconds>", "seconds between looks at the queue", whole(1), 5)
  .addOption(
    new Option(
      "--on-interrupt <what>",
      "what Ctrl-C does to jobs: asks in a terminal, else leaves them running",
    )
      .choices(["ask", "stop", "leave"]).default("ask"),
  )
  .option("--image <name>", "image with bash and Deno, for kubernetes", "denoland/deno:2.9.6")
  .option("--claim <name>", "PersistentVolumeClaim with the project and all files, for kubernetes", "any4")
  .option(
    "--mount <path>",
    "where it is mounted, for kubernetes: the project and the work are below",
    "/shared",
  )
  .option("--dry-run", "write the job script and show what would be submitted")
  .addOption(quietOption())
  .addOption(jsonOption())
  .parse(Deno.args.filter((word, i) => word !== "--" || i > 0), { from: "user" });

const options = program.opts<{
  engine: "slurm" | "local" | "kubernetes";
  partition?: string;
  cpus: number;
  gpus?: string;
  mem?: string;
  time?: string;
  processes: number;
  retries: number;
  poll: number;
  onInterrupt: "ask" | "stop" | "leave";
  image: string;
  claim: string;
  mount: string;
  dryRun?: true;
  quiet?: true;
  json?: true;
}>();
const [task = "", ...given] = program.args;

/** What a task says of its units. */
interface Plan {
  readonly work: string;
  /** The file that says that the result was assembled. */
  readonly assembled: string;
  /** The files that each unit of each stage leaves. */
  readonly stages: readonly { readonly stage: string; readonly units: readonly (readonly string[])[] }[];
}

/** The plan of a task, and the job that does it. */
async function planned(): Promise<{ plan: Plan; job: Job }> {
  if (task !== "quantize" && task !== "grid") {
    throw new OptionError(`Cannot divide the task "${task}" into units: expected quantize or grid`);
  }
  const root = decodeURIComponent(new URL("..", import.meta.url).pathname).replace(/\/$/, "");
  const cwd = Deno.cwd();
  const line = `cd ${quoted(root)} && INIT_CWD=${quoted(cwd)} exec ${commandOf({ task, root })} ${
    given.map(quoted).join(" ")
  } --units`;
  const found: Plan = JSON.parse(await printed("bash", ["-c", line]));
  const absolute = (path: string) => path.startsWith("/") ? path : `${cwd}/${path}`;
  const work = absolute(found.work);
  const assembled = absolute(found.assembled);
  const stages = [
    ...found.stages.map(({ stage, units }) => ({
      stage,
      units: units.map((files) => files.map(absolute)),
    })),
    { stage: ASSEMBLE, units: [[assembled]] },
  ];
  const { partition, cpus, gpus, mem, time } = options;
  const args = [...given, "--work", work];
  return {
    plan: { work, assembled, stages },
    job: { task, args, work, root, cwd, resources: { partition, cpus, gpus, mem, time } },
  };
}

/** Writes the job script, unless it is there for the same; edits stay. */
function writeScript(job: Job): void {
  const path = scriptOf(job);
  const script = jobScript(job);
  const line = `# For ${sha256([script]).slice(0, 16)}; without this line it is written anew.\n`;
  Deno.mkdirSync(`${job.work}/logs`, { recursive: true });
  if (isFile(path) && Deno.readTextFileSync(path).includes(line)) return;
  Deno.writeTextFileSync(path, script.replace("set -euo", `${line}set -euo`));
}

/** The units that are not done, in the order of their stages. */
function missingOf({ stages }: Plan): Batch[] {
  return stages.map(({ stage, units }) => ({
    stage,
    indices: [...units.keys()].filter((i) => !units[i]!.every(isFile)),
  })).filter(({ indices }) => indices.length > 0);
}

/** How many files of all are there. */
function filesOf({ stages }: Plan): { done: number; total: number } {
  const files = stages.flatMap(({ units }) => units.flat());
  return { done: files.filter(isFile).length, total: files.length };
}

/** Asks the engine until nothing is left. */
async function follow(engine: Engine, plan: Plan): Promise<void> {
  const { total } = filesOf(plan);
  using bar = progress(task, total, { quiet: options.quiet || options.json });
  const wait = new Waiting();
  using _ = wait;
  for (;;) {
    const { running, waiting, reason } = await engine.left();
    const note = `${running} running, ${waiting} waiting${reason ? ` (${reason})` : ""}`;
    bar.update(filesOf(plan).done, note);
    if (running + waiting === 0) return;
    await wait.seconds(options.engine === "local" ? 0.2 : options.poll);
    if (!wait.interrupted) continue;
    bar[Symbol.dispose]();
    const asked = options.onInterrupt === "ask" && Deno.stdin.isTerminal() && options.engine !== "local";
    const stop = options.engine === "local" || options.onInterrupt === "stop" ||
      (asked && confirm("Stop the jobs too?"));
    if (stop) await engine.stop();
    console.error(
      stop
        ? "Stopped. What is done is kept: the same command does the rest."
        : "The jobs are still running: the same command follows them again.",
    );
    Deno.exit(130);
  }
}

/** Waits, and notices Ctrl-C. */
class Waiting implements Disposable {
  interrupted = false;
  #wake?: () => void;
  readonly #listener = () => {
    this.interrupted = true;
    this.#wake?.();
  };

  constructor() {
    Deno.addSignalListener("SIGINT", this.#listener);
  }

  async seconds(seconds: number): Promise<void> {
    if (this.interrupted) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, 1000 * seconds);
    });
    clearTimeout(timer);
  }

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGINT", this.#listener);
  }
}

/** Why units are not done: the ends of their logs. */
async function failures(job: Job, engine: Engine, missing: readonly Batch[]): Promise<string> {
  const [first] = missing;
  const lines = await Promise.all(
    first!.indices.slice(0, 3).map(async (index) => {
      const path = logOf(job, first!.stage, index);
      const log = isFile(path) ? Deno.readTextFileSync(path).trim().split("\n").at(-1) : "it has no log";
      const ending = await engine.ending(first!.stage, index);
      return `\n  ${first!.stage}/${index}${ending ? ` (${ending})` : ""}: ${log}`;
    }),
  );
  const more = first!.indices.length - lines.length;
  return lines.join("") + (more > 0 ? `\n  and ${more} more` : "") + `\nLogs are in ${job.work}/logs`;
}

/** Rounds of submitting what is missing, until all is done or no more of it gets done. */
async function run(plan: Plan, { job, engine }: { job: Job; engine: Engine }): Promise<number> {
  const left = await engine.left();
  // Jobs of an earlier process.
  if (left.running + left.waiting > 0) await follow(engine, plan);
  let idle = 0;
  for (let rounds = 0;; rounds++) {
    const missing = missingOf(plan);
    if (missing.length === 0) return rounds;
    if (idle > options.retries) {
      const count = missing.reduce((sum, { indices }) => sum + indices.length, 0);
      throw new Any4Error(
        `Cannot finish ${task}: ${count} units are not done${await failures(job, engine, missing)}`,
      );
    }
    const before = filesOf(plan).done;
    await engine.submit(missing);
    await follow(engine, plan);
    // A network file system may show files late.
    if (missingOf(plan).length > 0 && options.engine === "slurm") {
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(options.poll, 5)));
    }
    idle = filesOf(plan).done > before ? 0 : idle + 1;
  }
}

/** The commands that submit some batches, as a shell script that keeps the ids of arrays in variables. */
function sbatchLines(batches: readonly Batch[], { job, name }: { job: Job; name: string }): string[] {
  let after: string[] = [];
  return batches.flatMap((batch) => {
    const arrays = arraysOf(batch);
    const lines = arrays.map((array, i) => {
      const words = sbatchArgs(job, { ...array, name, after });
      const shown = words.map((word) => word.startsWith("--dependency=") ? word : quoted(word));
      return `${batch.stage}${i}=$(sbatch ${shown.join(" ")})`;
    });
    after = arrays.map((_, i) => `$${batch.stage}${i}`);
    return lines;
  });
}

/** Shows what would be submitted. */
function show(plan: Plan, { job, name }: { job: Job; name: string }): void {
  const missing = missingOf(plan);
  if (options.engine === "kubernetes") {
    const { image, claim, mount, processes: parallelism } = options;
    const stages = plan.stages.map(({ stage, units }) => ({ stage, count: units.length }));
    const manifest = manifestOf(job, { name, image, claim, mount, parallelism, stages });
    const path = `${job.work}/jobs.json`;
    Deno.writeTextFileSync(path, JSON.stringify(manifest, null, 2) + "\n");
    if (options.json) return printJson(manifest, 2);
    return print(kubectlLines(path, manifest).join("\n"));
  }
  const lines = options.engine === "local"
    ? missing.flatMap(({ stage, indices }) =>
      indices.map((index) => `bash ${quoted(scriptOf(job))} ${stage} ${index}`)
    )
    : sbatchLines(missing, { job, name });
  if (options.json) return printJson({ work: job.work, missing, commands: lines }, 2);
  print(lines.join("\n"));
}

await main(async () => {
  const { plan, job } = await planned();
  writeScript(job);
  const name = `any4-${sha256([task, ...job.args]).slice(0, 8)}`;
  if (options.dryRun) return show(plan, { job, name });
  if (options.engine === "kubernetes") {
    throw new OptionError(
      "Cannot submit to Kubernetes: --dry-run writes a manifest and shows kubectl's commands",
    );
  }
  // An earlier result does not say that this one is there.
  if (isFile(plan.assembled)) Deno.removeSync(plan.assembled);
  const stages = plan.stages.map(({ stage }) => stage);
  const engine = options.engine === "local"
    ? new Local(job, options.processes)
    : new Slurm(job, { name, stages });
  const rounds = await run(plan, { job, engine });
  const units = plan.stages.reduce((sum, { units }) => sum + units.length, 0);
  if (options.json) return printJson({ work: job.work, units, rounds }, 2);
  if (!options.quiet) print(`${units} units done; their files and logs are in ${job.work}`);
});
