/**
 * Units as Slurm job arrays.
 *
 * @module
 */
import { Any4Error } from "any4";
import { type Batch, type Engine, type Job, type Left, logOf, printed, scriptOf } from "./engine.ts";

/** Slurm's MaxArraySize is 1001 unless it is configured: the numbers of one array are below this. */
const ARRAY = 1000;

/** Seconds for which a controller that is not there is asked again. */
const PATIENCE = 300;

/** "0-3,5" */
export function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`).join(",");
}

/** Slurm's arguments for some units of a stage, all of one array. */
export function sbatchArgs(
  job: Job,
  { stage, indices, name, after }: Batch & { name: string; after: readonly string[] },
): string[] {
  const first = ARRAY * Math.floor(indices[0]! / ARRAY);
  return [
    "--parsable",
    `--job-name=${name}-${stage}`,
    `--array=${ranges(indices.map((index) => index - first))}`,
    // Where an array that it waits for fails, it is not to wait for ever.
    ...(after.length > 0 ? [`--dependency=afterok:${after.join(":")}`, "--kill-on-invalid-dep=yes"] : []),
    // A unit of a node that is lost goes to another.
    "--requeue",
    `--output=${logOf(job, stage, first === 0 ? "%a" : `${first}+%a`)}`,
    "--open-mode=append",
    scriptOf(job),
    stage,
    String(first),
  ];
}

/** The batches of a stage, each of one array. */
export const arraysOf = ({ stage, indices }: Batch): Batch[] =>
  [...Map.groupBy(indices, (index) => Math.floor(index / ARRAY)).values()].map((some) => ({
    stage,
    indices: some,
  }));

/** Slurm, by its command-line tools. */
export class Slurm implements Engine {
  readonly #job: Job;
  readonly #name: string;
  readonly #stages: readonly string[];
  /** The last array that a unit was in, by stage and number. */
  readonly #ids = new Map<string, string>();

  /**
   * @param means.name the beginning of the jobs' names, by which another process finds them again.
   * @param means.stages the names of all stages.
   */
  constructor(job: Job, means: { name: string; stages: readonly string[] }) {
    this.#job = job;
    this.#name = means.name;
    this.#stages = means.stages;
  }

  async submit(batches: readonly Batch[]): Promise<void> {
    let after: string[] = [];
    for (const batch of batches) {
      const ids: string[] = [];
      for (const array of arraysOf(batch)) {
        const args = sbatchArgs(this.#job, { ...array, name: this.#name, after });
        // "12" or "12;cluster"
        const [id] = (await patiently("sbatch", args)).split(";");
        ids.push(id!);
        for (const index of array.indices) {
          this.#ids.set(`${batch.stage}/${index}`, `${id}_${index % ARRAY}`);
        }
      }
      after = ids;
    }
  }

  async left(): Promise<Left> {
    const lines = (await patiently("squeue", ["--noheader", "--array", "--format=%T %r", this.#names()]))
      .split("\n").filter((line) => line !== "");
    const running = lines.filter((line) => /^(RUNNING|COMPLETING|CONFIGURING)/.test(line)).length;
    const reasons = lines.filter((line) => line.startsWith("PENDING")).map((line) => line.slice(8));
    const reason = reasons.find((each) => !/^(Dependency|None|Priority|Resources)$/.test(each));
    return { running, waiting: lines.length - running, ...(reason ? { reason } : {}) };
  }

  async stop(): Promise<void> {
    const ids = await this.#running();
    if (ids.length > 0) await patiently("scancel", ids);
  }

  /** Ids of the jobs that have not ended. */
  async #running(): Promise<string[]> {
    const ids = await patiently("squeue", ["--noheader", "--format=%A", this.#names()]);
    return [...new Set(ids.split("\n").filter((id) => id !== ""))];
  }

  async ending(stage: string, index: number): Promise<string | undefined> {
    const id = this.#ids.get(`${stage}/${index}`);
    if (!id) return undefined;
    try {
      const args = ["--jobs", id, "--noheader", "--parsable2", "--allocations"];
      const text = await printed("sacct", [...args, "--format=State,ExitCode,NodeList"]);
      return text === "" ? undefined : text.split("\n").at(-1)!.replaceAll("|", ", ");
    } catch {
      // Many clusters keep no accounts.
      return undefined;
    }
  }

  #names(): string {
    return `--name=${this.#stages.map((stage) => `${this.#name}-${stage}`).join(",")}`;
  }
}

/** Runs one of Slurm's programs, again while its controller is away. */
async function patiently(program: string, args: readonly string[]): Promise<string> {
  const until = performance.now() + 1000 * PATIENCE;
  for (;;) {
    try {
      return await printed(program, args);
    } catch (error) {
      const away =
        /unable to contact slurm controller|connection refused|timed out|connect failure|temporarily/i;
      if (!(error instanceof Any4Error) || !away.test(error.message) || performance.now() > until) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
