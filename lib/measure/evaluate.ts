/**
 * Evaluating a model in several formats on texts and tasks, one after another, with what has been measured before.
 *
 * @module
 */
import type { Abortable } from "../event_loop.ts";
import type { Model } from "../model/model.ts";
import { modelHash } from "../model/model_hash.ts";
import type { QuantizeModelOptions } from "../quantize/options.ts";
import { quantizeModel } from "../quantize/quantize_model.ts";
import type { DataOptions } from "./data/source.ts";
import { type Kept, keyOf, ResultsFile } from "./results_file.ts";
import {
  meanOf,
  prepareTask,
  runTask,
  type TaskItem,
  type TaskOptions,
  type TaskResult,
} from "./run_task.ts";
import { tasksOf } from "./tasks/mod.ts";
import { corpusWindows, type Recipe, type WindowedPerplexity, windowedPerplexity } from "./text_windows.ts";

/** What was measured, and of which model. */
export interface OfModel extends Kept {
  /** The model's name. */
  readonly model: string;
  /** Of its weights before they were quantized here. */
  readonly modelHash: string;
  /** The format that it was quantized to; null where it was measured as it is. */
  readonly format: string | null;
  /** Columns that share a scale. */
  readonly groupSize: number | "row" | null;
  /** Stored bits per weight of its Linears. */
  readonly bitsPerWeight: number;
}

/** A perplexity on a published text. */
export interface TextResult extends OfModel, WindowedPerplexity {
  /** The text: a name of `corpora`. */
  readonly data: string;
  /** The recipe of its windows. */
  readonly recipe: Recipe;
  /** Ids of a window at most. */
  readonly context: number;
  /** The number of windows. */
  readonly windows: number;
  /** The files that documents are from. */
  readonly files: readonly string[];
}

/** Scores of a task. */
export interface TaskScores extends OfModel, Omit<TaskResult, "items"> {
  /** The files that documents are from. */
  readonly files: readonly string[];
  /** Its documents, without their prompts. */
  readonly items: readonly Omit<TaskItem, "prompt">[];
}

/** A measurement. */
export type Result = TextResult | TaskScores;

/** Whether a measurement is of a text. */
export function isTextResult(result: Result): result is TextResult {
  return "data" in result;
}

/** What is measured. */
export interface EvaluateOptions extends Abortable, Omit<DataOptions, "onProgress"> {
  /** Formats to quantize to; null for the model as it is. */
  formats: readonly (string | null)[];
  /** Texts: names of `corpora`. */
  data?: readonly string[];
  /** The recipe of windows; "gptq" when absent. */
  recipe?: Recipe;
  /** Ids of a window at most. */
  context?: number;
  /** The number of windows. */
  windows?: number;
  /** Tasks and groups of them. */
  tasks?: readonly string[];
  /** Documents of a task at most. */
  limit?: number;
  /** Examples in a prompt. */
  fewshot?: number;
  /** Tokens of a generated answer at most. */
  maxTokens?: number;
  /** How formats are quantized to. */
  quantize?: Omit<QuantizeModelOptions, "format" | "onProgress">;
  /** Holds what has been measured; new results are added to it. */
  results?: ResultsFile<Result>;
  /** Called as a measurement proceeds: a share of 0 to 1, and its name. */
  onProgress?: (share: number, name: string) => void;
}

/**
 * Evaluates a model in each format on each text and task; yields results in that order.
 *
 * @throws what {@linkcode corpusWindows}, {@linkcode runTask} and `quantizeModel` throw.
 *
 * @example
 * ```ts
 * import { loadModel } from "any4";
 * import { evaluate } from "any4/measure";
 * import { assertEquals } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const options = { formats: [null, "any3"], tasks: ["boolq"], dataDir: "tests/golden/tasks" };
 * const results = await Array.fromAsync(evaluate(model, options));
 * assertEquals(results.map(({ format }) => format), [null, "any3"]);
 * ```
 */
export async function* evaluate(model: Model, options: EvaluateOptions): AsyncGenerator<Result> {
  const { results = new ResultsFile<Result>(), onProgress, signal } = options;
  const hash = modelHash(model);
  const plans = [...await textPlans(model, options), ...await taskPlans(options)];
  for (const format of options.formats) {
    using held = new DisposableStack();
    let quantized: Model | undefined;
    const groupSize = format === null ? null : options.quantize?.groupSize ?? 128;
    for (const { name, settings, measure } of plans) {
      const { calibration: _, ...how } = format === null ? {} : options.quantize ?? {};
      const key = keyOf({ modelHash: hash, format, groupSize, how: JSON.stringify(how), ...settings });
      const before = results.get(key);
      if (before) {
        yield before;
        continue;
      }
      const label = `${model.name} ${format ?? "as it is"}, ${name}`;
      quantized ??= format === null ? model : held.use(
        await quantizeModel(model, {
          ...options.quantize,
          format,
          onProgress: (done, total) => onProgress?.(done / total, `${model.name} to ${format}`),
        }),
      );
      const measured = await measure(quantized, {
        signal,
        onProgress: (done, total) => onProgress?.(done / total, label),
      });
      const { bitsPerWeight } = quantized;
      const of = { key, model: model.name, modelHash: hash, format, groupSize, bitsPerWeight };
      const result = { ...of, ...measured } as Result;
      results.add(result);
      yield result;
    }
  }
}

interface Plan {
  readonly name: string;
  /** What a result depends on. */
  readonly settings: Record<string, unknown>;
  measure(model: Model, watching: Pick<TaskOptions, "signal" | "onProgress">): Promise<object>;
}

async function textPlans(model: Model, options: EvaluateOptions): Promise<Plan[]> {
  const { recipe = "gptq", context: asked, windows: most } = options;
  const plans: Plan[] = [];
  for (const data of options.data ?? []) {
    const { windows, context, files, hash } = await corpusWindows(model, data, {
      ...hubOptions(options),
      recipe,
      context: asked,
      windows: most,
    });
    plans.push({
      name: data,
      settings: { data, recipe, context, hash },
      async measure(model, watching) {
        const [measured] = await windowedPerplexity([model], windows, watching);
        return { data, recipe, context, windows: windows.length, files, ...measured! };
      },
    });
  }
  return plans;
}

async function taskPlans(options: EvaluateOptions): Promise<Plan[]> {
  const { limit, fewshot, maxTokens } = options;
  const plans: Plan[] = [];
  for (const task of (options.tasks ?? []).flatMap(tasksOf)) {
    const prepared = await prepareTask(task, { ...hubOptions(options), limit, fewshot });
    plans.push({
      name: task.name,
      settings: { task: task.name, maxTokens, hash: prepared.hash },
      async measure(model, watching) {
        const result = await runTask(model, prepared, { ...watching, maxTokens });
        const items = result.items.map(({ prompt: _, ...item }) => item);
        return { ...result, items, files: prepared.files };
      },
    });
  }
  return plans;
}

function hubOptions({ dataDir, endpoint, token, cache, offline, retryDelay, onNotice }: EvaluateOptions) {
  return { dataDir, endpoint, token, cache, offline, retryDelay, onNotice };
}

/** The difference of a score between two models on the same items: the first's minus the second's. */
export function scoreDifference(
  one: TaskScores,
  other: TaskScores,
  score: string,
): { value: number; stderr: number } {
  return meanOf(one.items.map((item, i) => item.scores[score]! - other.items[i]!.scores[score]!));
}
