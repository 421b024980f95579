/**
 * Running a task: prompts, answers, scores, as lm-evaluation-harness 0.4.13 has them.
 *
 * @module
 */
import { CheckpointError, OptionError } from "../errors.ts";
import { interruptible, pause } from "../event_loop.ts";
import { sha256 } from "../files/sha256.ts";
import type { Likelihood, Scored } from "../model/decoder/scorer.ts";
import type { Model } from "../model/model.ts";
import { PythonRandom } from "../python_random.ts";
import type { Row } from "./data/rows.ts";
import { type DataOptions, type DataSource, openRows } from "./data/source.ts";
import type { Watching } from "./predictions.ts";
import { continueTexts } from "./continue_texts.ts";
import { type Ran, runPython } from "./sandbox/run_python.ts";
import type { ChoiceTask, CodeTask, EndingTask, GenerationTask, Task } from "./tasks/task.ts";

/** Options of {@linkcode runTask}. */
export interface TaskOptions extends Watching, Omit<DataOptions, "onProgress"> {
  /** Documents at most, the first ones. */
  limit?: number;
  /** Examples in each prompt; the task's own number when absent. */
  fewshot?: number;
  /** Tokens of a generated answer at most; the task's own number when absent. */
  maxTokens?: number;
  /** Documents that are answered together, which changes none of their bits; 16 when absent, of texts that are generated 8. */
  batchSize?: number;
}

/** A document's prompt, its answers and its scores. */
export interface TaskItem {
  /** The prompt; of a task with a prompt for each choice, the first. */
  readonly prompt: string;
  /** ln of the probability of each choice. */
  readonly loglikelihoods?: number[];
  /** The place of the right choice. */
  readonly gold?: number;
  /** A generated answer. */
  readonly text?: string;
  /** What became of a generated program. */
  readonly ran?: Ran;
  /** 1 or 0 by score. */
  readonly scores: Readonly<Record<string, number>>;
}

/** A task's scores. */
export interface TaskResult {
  /** The task. */
  readonly task: string;
  /** Examples in a prompt. */
  readonly fewshot: number;
  /** Documents. */
  readonly n: number;
  /** Means and their standard errors by score: acc, acc_norm, exact_match …; NaN of one document. */
  readonly scores: Readonly<Record<string, { readonly value: number; readonly stderr: number }>>;
  /** What became of each document. */
  readonly items: readonly TaskItem[];
}

/** A task's documents with their prompts. */
export interface PreparedTask {
  /** The task. */
  readonly task: Task;
  /** Examples in a prompt. */
  readonly fewshot: number;
  /** Rows and their prompts. */
  readonly documents: readonly { readonly row: Row; readonly prompts: readonly string[] }[];
  /** The files that documents are from. */
  readonly files: readonly string[];
  /** SHA-256 of all prompts and documents: the same number means the same questions. */
  readonly hash: string;
}

/** The seed of few-shot examples in lm-evaluation-harness. */
const SEED = 1234;

/**
 * Reads a task's documents and writes their prompts.
 *
 * @throws {CheckpointError} when documents or examples cannot be read, or lack what the task needs.
 * @throws {HubError} when the Hub's files cannot be had.
 * @throws {OptionError} when there are fewer examples than asked for.
 */
export async function prepareTask(task: Task, options: TaskOptions = {}): Promise<PreparedTask> {
  const { limit = Infinity, fewshot = task.fewshot ?? 0, dataDir, onProgress: _, ...hub } = options;
  const { rows, files } = await openRows(task.source, { ...hub, dataDir });
  const documents = rows.filter((row) => task.isDocument?.(row) ?? true).slice(0, limit);
  if (documents.length === 0) throw new CheckpointError(`Cannot run ${task.name}: ${files} has no documents`);
  const given = fewshot === 0 ? [] : await examplesOf(task, { ...hub, dataDir });
  if (given.length < fewshot) {
    throw new OptionError(
      `Cannot run ${task.name} with ${fewshot} examples: ` +
        (task.examples ? `there are ${given.length}` : "it has none"),
    );
  }
  const random = new PythonRandom(SEED);
  const delimiter = task.delimiter ?? " ";
  const prepared = documents.map((row, i) => {
    try {
      const shown = task.draw === "first" ? given.slice(0, fewshot) : draw(given, {
        count: fewshot,
        random,
        without: task.source.split === "validation" ? row : undefined,
      });
      const before = (task.description ?? "") +
        shown.map((one) => `${task.prompt(one)}${delimiter}${answerOf(task, one)}\n\n`).join("");
      const own = task.kind === "choice" && task.prompts ? task.prompts(row) : [task.prompt(row)];
      return { row, prompts: own.map((prompt) => before + prompt), answer: answerOf(task, row) };
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw new CheckpointError(`Cannot run ${task.name}: document ${i + 1} of ${files}: ${cause.message}`, {
        cause,
      });
    }
  });
  const hash = sha256(prepared.map(({ prompts, answer, row }) => JSON.stringify([prompts, answer, row])));
  return { task, fewshot, documents: prepared, files, hash };
}

/**
 * Draws examples. lm-evaluation-harness draws one more where the documents are no test split, and leaves out the document
 * itself.
 */
function draw(
  rows: readonly Row[],
  { count, random, without }: { count: number; random: PythonRandom; without?: Row },
): Row[] {
  if (without === undefined || count === 0) return random.sample(rows, count);
  const text = JSON.stringify(without);
  const others = (some: readonly Row[]) => some.filter((row) => JSON.stringify(row) !== text);
  const drawn = others(random.sample(rows, Math.min(count + 1, rows.length))).slice(0, count);
  if (drawn.length === count) return drawn;
  const left = others(rows);
  if (left.length >= count) return random.sample(left, count);
  throw new OptionError(`Cannot draw ${count} examples: there are ${left.length} beside the document itself`);
}

async function examplesOf(task: Task, options: DataOptions): Promise<readonly Row[]> {
  if (!task.examples) return [];
  if (Array.isArray(task.examples)) return task.examples;
  const { rows } = await openRows(task.examples as DataSource, options);
  return rows.filter((row) => task.isExample?.(row) ?? true);
}

/** The answer of an example. */
function answerOf(task: Task, row: Row): string {
  switch (task.kind) {
    case "choice":
      return task.ending?.(row) ?? rightChoice(task, row);
    case "ending":
      return task.ending(row);
    default:
      return task.answer(row);
  }
}

function rightChoice(task: ChoiceTask, row: Row): string {
  const [choices, gold] = [task.choices(row), task.gold(row)];
  const right = choices[gold];
  if (right === undefined || right === "") {
    throw new TypeError(`the right answer is number ${gold} of ${choices.length}, or empty`);
  }
  return right;
}

/**
 * Runs a task on a model.
 *
 * @param prepared a task, or one whose prompts have been written.
 * @throws what {@linkcode prepareTask} throws, and {OptionError} when an answer cannot fit the model's context.
 *
 * @example
 * ```ts
 * import { loadModel } from "any4";
 * import { runTask, tasks } from "any4/measure";
 * import { assertEquals } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const { n, scores } = await runTask(model, tasks.get("boolq")!, { dataDir: "tests/golden/tasks" });
 * assertEquals([n, Object.keys(scores)], [3, ["acc"]]);
 * ```
 */
export async function runTask(
  model: Model,
  prepared: Task | PreparedTask,
  options: TaskOptions = {},
): Promise<TaskResult> {
  const { task, fewshot, documents } = "documents" in prepared
    ? prepared
    : await prepareTask(prepared, options);
  const { batchSize = 1 } = options;
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new OptionError(
      `Cannot run ${task.name}: batchSize must be a whole number of at least 1, current value is ${batchSize}`,
    );
  }
  const items = await interruptible(() =>
    task.kind === "choice" || task.kind === "ending"
      ? judge({ model, task, options }, documents)
      : answer({ model, task, options }, documents)
  );
  const names = Object.keys(items[0]!.scores);
  const scores = Object.fromEntries(
    names.map((name) => [name, meanOf(items.map(({ scores }) => scores[name]!))]),
  );
  if (task.kind === "ending") scores.perplexity = perplexityOf(items);
  return {
    task: task.name,
    fewshot,
    n: items.length,
    scores,
    items,
  };
}

interface Runner<Kind extends Task = Task> {
  readonly model: Model;
  readonly task: Kind;
  readonly options: TaskOptions;
}

type Documents = PreparedTask["documents"];

/** Judges the choices of all documents, some documents at a time. */
async function judge(
  { model, task, options }: Runner<ChoiceTask | EndingTask>,
  documents: Documents,
): Promise<TaskItem[]> {
  const { onProgress, signal, batchSize = 16 } = options;
  using scorer = model.scorer();
  const items: TaskItem[] = [];
  for (let from = 0; from < documents.length; from += batchSize) {
    const asked = documents.slice(from, from + batchSize).map(({ row, prompts }) => {
      const texts = task.kind === "ending" || task.ending
        ? prompts.map(() => task.ending!(row))
        : task.choices(row);
      const delimiter = task.delimiter ?? " ";
      return {
        row,
        prompts,
        pairs: texts.map((text, i) => pairOf(model, prompts[i] ?? prompts[0]!, delimiter + text)),
      };
    });
    // By choice, the document that it belongs to.
    const ofItem = asked.flatMap(({ pairs }, i) => pairs.map(() => from + i));
    const found = await scorer.score(asked.flatMap(({ pairs }) => pairs), {
      signal,
      onScored: (done) => onProgress?.(ofItem[done] ?? from + asked.length, documents.length),
    });
    for (const { row, prompts, pairs } of asked) {
      items.push(judged(task, { row, prompt: prompts[0]!, found: found.splice(0, pairs.length) }));
    }
    await pause(signal);
  }
  return items;
}

function judged(
  task: ChoiceTask | EndingTask,
  { row, prompt, found }: { row: Row; prompt: string; found: readonly Likelihood[] },
): TaskItem {
  const loglikelihoods = found.map(({ loglikelihood }) => loglikelihood);
  if (task.kind === "ending") return { prompt, loglikelihoods, scores: { acc: Number(found[0]!.greedy) } };
  const gold = task.gold(row);
  const best = (values: number[]) => Number(values.indexOf(Math.max(...values)) === gold);
  const lengths = task.choices(row).map((choice) => [...choice].length);
  const acc_norm = task.normalized &&
    { acc_norm: best(loglikelihoods.map((value, i) => value / lengths[i]!)) };
  return { prompt, loglikelihoods, gold, scores: { acc: best(loglikelihoods), ...acc_norm } };
}

/** Has the model answer all documents, some at a time. */
async function answer(
  { model, task, options }: Runner<GenerationTask | CodeTask>,
  documents: Documents,
): Promise<TaskItem[]> {
  const { signal, onProgress, maxTokens = task.maxTokens } = options;
  const room = model.config.max_position_embeddings - maxTokens;
  if (room < 1) {
    throw new OptionError(
      `Cannot run ${task.name}: answers of ${maxTokens} tokens do not fit the model's context of ` +
        `${model.config.max_position_embeddings}; ask for fewer (--max-tokens)`,
    );
  }
  const prompts = documents.map(({ prompts: [prompt] }) => prompt!);
  const texts = await continueTexts(
    model,
    prompts.map((prompt) => model.tokenizer.encode(prompt).slice(-room)),
    {
      until: task.until,
      maxTokens,
      parallel: options.batchSize,
      signal,
      onDone: (done) => onProgress?.(done, documents.length),
    },
  );
  const items: TaskItem[] = [];
  for (const [i, { row }] of documents.entries()) {
    const [prompt, text] = [prompts[i]!, texts[i]!];
    items.push({ prompt, text, ...await marked({ task, options }, { row, text }) });
    await pause(signal);
  }
  return items;
}

async function marked(
  { task, options: { signal } }: Omit<Runner<GenerationTask | CodeTask>, "model">,
  { row, text }: { row: Row; text: string },
): Promise<Pick<TaskItem, "ran" | "scores">> {
  if (task.kind === "code") {
    const ran = await runPython(task.program(text, row), { signal });
    return { ran, scores: { "pass@1": Number(ran === "passed") } };
  }
  const scores = Object.entries(task.scores).map(([name, right]) =>
    [`exact_match,${name}`, Number(right(text, row))] as const
  );
  return { scores: Object.fromEntries(scores) };
}

/**
 * Ids of a context and what follows, tokenized together; white space at the context's end belongs to what follows. An empty
 * context is the model's first token. What is too long for the model is cut off at the beginning.
 */
function pairOf({ tokenizer, config, name }: Model, context: string, continuation: string): Scored {
  const cut = (ids: number[], from: number) => {
    const { max_position_embeddings: longest } = config;
    const more = Math.max(0, ids.length - longest - 1);
    if (from > more) return { ids: ids.slice(more), from: from - more };
    throw new OptionError(
      `Cannot score ${JSON.stringify(continuation.slice(0, 40))}: of ${
        ids.length - from
      } tokens and at least ` +
        `one before them, the model's context has room for ${longest + 1}`,
    );
  };
  if (context === "") {
    const prefix = config.bos_token_id ?? config.eos_token_id[0];
    if (prefix === undefined) {
      throw new OptionError(`Cannot score an empty prompt: ${name} has no first token`);
    }
    return cut([prefix, ...tokenizer.encode(continuation, { specialTokens: false })], 1);
  }
  const bare = context.trimEnd();
  const whole = tokenizer.encode(context + continuation);
  return cut(whole, tokenizer.encode(bare).length);
}

/** A mean and its standard error; of zeros and ones that is √(p(1 − p)/(n − 1)). */
export function meanOf(values: readonly number[]): { value: number; stderr: number } {
  const n = values.length;
  const value = values.reduce((sum, one) => sum + one, 0) / n;
  const squares = values.reduce((sum, one) => sum + (one - value) ** 2, 0);
  return { value, stderr: Math.sqrt(squares / (n - 1) / n) };
}

/** e^(mean negative log-likelihood), and its standard error by the delta method. */
function perplexityOf(items: readonly TaskItem[]): { value: number; stderr: number } {
  const { value, stderr } = meanOf(items.map(({ loglikelihoods }) => -loglikelihoods![0]!));
  return { value: Math.exp(value), stderr: Math.exp(value) * stderr };
}
