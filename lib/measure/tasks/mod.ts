/**
 * All tasks, and groups of them.
 *
 * @module
 */
import { OptionError } from "../../errors.ts";
import { arcChallenge, arcEasy } from "./arc.ts";
import { bbh } from "./bbh.ts";
import { boolq } from "./boolq.ts";
import { gsm8k } from "./gsm8k.ts";
import { hellaswag } from "./hellaswag.ts";
import { humaneval } from "./humaneval.ts";
import { lambada } from "./lambada.ts";
import { mbpp } from "./mbpp.ts";
import { mmlu } from "./mmlu.ts";
import { piqa } from "./piqa.ts";
import type { Task } from "./task.ts";
import { winogrande } from "./winogrande.ts";

/** The tasks by name. */
export const tasks: ReadonlyMap<string, Task> = new Map<string, Task>(
  [
    ...[piqa, arcEasy, arcChallenge, hellaswag, winogrande, boolq, gsm8k, lambada, humaneval, mbpp],
    ...mmlu,
    ...bbh,
  ].map((task): [string, Task] => [task.name, task]),
);

/** Groups, and shorter names. */
export const taskGroups: ReadonlyMap<string, readonly Task[]> = new Map<string, readonly Task[]>([
  ["mmlu", mmlu],
  ["bbh", bbh],
  ["lambada", [lambada]],
  ...bbh.map((task): [string, Task[]] => [task.name.replace("cot_fewshot_", ""), [task]]),
]);

/**
 * The tasks of a name: one, or a group's.
 *
 * @throws {OptionError} when there is no such task.
 */
export function tasksOf(name: string): readonly Task[] {
  const task = tasks.get(name);
  const found = task ? [task] : taskGroups.get(name);
  if (found) return found;
  const names = [...tasks.keys()].filter((one) => !/^(mmlu|bbh)_/.test(one));
  throw new OptionError(
    `Cannot run the task ${name}: expected ${names.join(", ")}, mmlu, mmlu_SUBJECT, bbh or bbh_TASK`,
  );
}
