/**
 * Measuring: perplexity and KL divergence, errors of each Linear, statistics of weights, speed and memory.
 *
 * ```ts
 * import { any2, loadModel } from "any4";
 * import { compare, referenceLogits } from "any4/measure";
 * import { assertGreater } from "@std/assert";
 *
 * using model = await loadModel("tinyworld");
 * const reference = await referenceLogits(model, { maxTokens: 200 });
 * using small = await any2(model);
 * const { kl, perplexity } = await compare(small, reference);
 * assertGreater(kl, 0);
 * assertGreater(perplexity, reference.perplexity.perplexity);
 * ```
 *
 * @module
 */
export { peakMemory } from "../peak_memory.ts";
export {
  type Candidate,
  type CandidateCost,
  candidatesOf,
  compareMethods,
  type CompareMethodsOptions,
} from "./compare_methods.ts";
export { corpora, type Corpus } from "./data/corpora.ts";
export { type DrawOptions, drawSamples } from "./data/samples.ts";
export type { DataOptions, DataSource } from "./data/source.ts";
export { type Document, evaluationDocuments, type TokenizedDocument } from "./documents.ts";
export {
  evaluate,
  type EvaluateOptions,
  isTextResult,
  type OfModel,
  type Result,
  scoreDifference,
  type TaskScores,
  type TextResult,
} from "./evaluate.ts";
export { bitsPerWeightOf, formatsAtEqualBits } from "./equal_bits.ts";
export { type CodeStats, codeStats } from "./code_stats.ts";
export { type LayerDrift, layerDrifts, type LayerError, layerErrors, relativeError } from "./layer_error.ts";
export { type LinearSpeed, linearSpeed, type LinearSpeedOptions, SPEED_FORMATS } from "./linear_speed.ts";
export {
  type FormatCost,
  type FormatCosts,
  MEASURED_FORMATS,
  measureFormats,
  type MeasureFormatsOptions,
} from "./measure_formats.ts";
export { type ModelSpeed, modelSpeed, type ModelSpeedOptions } from "./model_speed.ts";
export {
  compare,
  compareModels,
  type Comparison,
  type Perplexity,
  perplexity,
  type PerplexityOptions,
  type Reference,
  referenceLogits,
} from "./perplexity.ts";
export type { Watching } from "./predictions.ts";
export { DENSE_FORMATS } from "./random_weight.ts";
export {
  type CorpusWindows,
  corpusWindows,
  type LossDifference,
  lossDifference,
  type Recipe,
  recipes,
  type Window,
  type WindowedPerplexity,
  windowedPerplexity,
  type WindowOptions,
} from "./text_windows.ts";
export { paperMarkdown, type PaperTable, paperTables } from "./paper_table.ts";
export { publishedPerplexity } from "./published.ts";
export { type Kept, ResultsFile } from "./results_file.ts";
export {
  meanOf,
  type PreparedTask,
  prepareTask,
  runTask,
  type TaskItem,
  type TaskOptions,
  type TaskResult,
} from "./run_task.ts";
export { type PythonOptions, type Ran, runPython } from "./sandbox/run_python.ts";
export { taskGroups, tasks, tasksOf } from "./tasks/mod.ts";
export type { Row } from "./data/rows.ts";
export type { Asked, ChoiceTask, CodeTask, EndingTask, GenerationTask, Task } from "./tasks/task.ts";
export { type WeightStats, weightStats } from "./weight_stats.ts";
