/**
 * What `deno task cluster` asks of a cluster, and the job script that all engines run.
 *
 * @module
 */
import { Any4Error, OptionError } from "any4";

/** Units of a stage that are to be done. */
export interface Batch {
  readonly stage: string;
  /** Their numbers, ascending. */
  readonly indices: readonly number[];
}

/** Submitted work that has not ended. */
export interface Left {
  readonly running: number;
  readonly waiting: number;
  /** Why some wait, where it is known. */
  readonly reason?: string;
}

/** Runs units somewhere. */
export interface Engine {
  /** Submits batches; each begins when the one before has succeeded as a whole. */
  submit(batches: readonly Batch[]): Promise<void>;
  /** What has not ended of all that was submitted, also by earlier processes where that is known. */
  left(): Promise<Left>;
  /** Ends all of it. */
  stop(): Promise<void>;
  /** How a unit ended, in words; undefined where that is not known. */
  ending(stage: string, index: number): Promise<string | undefined>;
}

/** Resources of a unit. */
export interface Resources {
  readonly partition?: string;
  readonly cpus: number;
  readonly gpus?: string;
  readonly mem?: string;
  readonly time?: string;
}

/** A task whose units are to be run. */
export interface Job {
  /** "quantize", "grid". */
  readonly task: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** The folder that the units share. */
  readonly work: string;
  /** The folder of the project. */
  readonly root: string;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  readonly resources: Resources;
}

/** The last stage: it writes the result from all others. */
export const ASSEMBLE = "assemble";

/** The path of the job script. */
export const scriptOf = ({ work }: Pick<Job, "work">): string => `${work}/job.sh`;

/** The path of a unit's log. */
export const logOf = ({ work }: Pick<Job, "work">, stage: string, index: number | string): string =>
  `${work}/logs/${stage}-${index}.log`;

/** A word as a shell reads it. */
export const quoted = (word: string): string =>
  /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** The job script. */
export function jobScript(job: Job): string {
  const { args, root, cwd, resources: { partition, cpus, gpus, mem, time } } = job;
  const command = commandOf(job);
  const asked = Object.entries({ partition, "cpus-per-task": cpus, gpus, mem, time })
    .filter(([, value]) => value !== undefined).map(([key, value]) => `#SBATCH --${key}=${value}\n`).join("");
  return `#!/bin/bash
# Runs one unit of work: job.sh STAGE [FIRST]. The unit's number is FIRST and the number that the cluster gives.
# Edit what your cluster needs (modules, account, environment): while deno task cluster is asked for the same, it keeps this file.
${asked}set -euo pipefail
# module load …
cd ${quoted(root)}
export INIT_CWD=${quoted(cwd)}
stage=$1
index=$(( \${2:-0} + \${SLURM_ARRAY_TASK_ID:-\${JOB_COMPLETION_INDEX:-0}} ))
echo "$stage/$index on $(hostname)\${SLURMD_NODENAME:+ ($SLURMD_NODENAME)}, start \${SLURM_RESTART_COUNT:-0}"
if [ "$stage" = ${ASSEMBLE} ]; then what=(--${ASSEMBLE}); else what=(--unit "$stage/$index"); fi
exec ${command} --threads "\${SLURM_CPUS_PER_TASK:-${cpus}}" \\
  ${args.map(quoted).join(" ")} "\${what[@]}"
`;
}

/** How a shell runs a task, as deno.json has it. */
export function commandOf({ task, root }: Pick<Job, "task" | "root">): string {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${root}/deno.json`));
  const run = `"\${DENO:-${Deno.execPath()}}" run --quiet --no-prompt `;
  return (tasks[task].command as string).replace(/^deno run (--no-prompt )?/, run);
}

/**
 * Runs a program and returns what it prints.
 *
 * @throws {OptionError} when there is no such program, or it ends with 2, which says that its arguments make no sense.
 * @throws {Any4Error} when it fails otherwise.
 */
export async function printed(program: string, args: readonly string[], cwd?: string): Promise<string> {
  let ended: Deno.CommandOutput;
  try {
    ended = await new Deno.Command(program, { args: [...args], cwd, stdin: "null" }).output();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new OptionError(`Cannot run ${program}: it is not installed here`, { cause });
  }
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!ended.success) {
    const Failure = ended.code === 2 ? OptionError : Any4Error;
    throw new Failure(`Cannot run ${program}: ${text(ended.stderr) || `status ${ended.code}`}`);
  }
  return text(ended.stdout);
}
