/**
 * any4-deno: learned 4-, 3- and 2-bit number formats for language-model weights.
 *
 * ```ts
 * import { any4, generate, loadModel, perplexity } from "any4";
 *
 * using model = await loadModel("tinyworld");
 * const small = await any4(model);
 * console.log((await perplexity(small, { maxTokens: 200 })).perplexity);
 * console.log((await generate(small, "Once upon a time", { maxTokens: 16 })).text);
 * ```
 *
 * @module
 */
export * from "./lib/errors.ts";
export { Random } from "./lib/random.ts";
export type { Format, Scaling } from "./lib/formats/format.ts";
export { formatOf, formats } from "./lib/formats/mod.ts";
export { bytesOf, type DType } from "./lib/matrix/dtype.ts";
export type { Matrix } from "./lib/matrix/matrix.ts";
export {
  dequantize,
  isPacked,
  packedBitsPerWeight,
  packedBytes,
  type PackedMatrix,
  type ScaleType,
} from "./lib/matrix/packed_matrix.ts";
export { ExactKMeans } from "./lib/learn/exact_kmeans.ts";
export type { Learner } from "./lib/learn/learner.ts";
export { Lloyd, type LloydOptions } from "./lib/learn/lloyd.ts";
export { quantize, type QuantizeOptions } from "./lib/learn/quantize.ts";
export type { InputStats } from "./lib/learn/input_stats.ts";
export type { Method, Needs, Problem, Solution } from "./lib/learn/methods/method.ts";
export { methodOf, type MethodOptions, methods } from "./lib/learn/methods/mod.ts";
export type { LearnOptions, QuantizeSteps, ScaledMatrix } from "./lib/learn/quantize_steps.ts";
export { type Weighting, weightings } from "./lib/learn/weighting.ts";
export { type ActivationType, activationTypes } from "./lib/compute/backend.ts";
export type {
  Activation,
  AttentionPlace,
  Backend,
  Columns,
  KvCache,
  KvShape,
  Largest,
  NormOptions,
  RopeOptions,
  Tensor,
  TokenIds,
  TokenPlace,
  Weight,
} from "./lib/compute/backend.ts";
export { type GpuJob, GpuLab, type RaceOptions } from "./lib/compute/webgpu/gpu_lab.ts";
export { ladder, type LadderOptions, type Rung } from "./lib/compute/webgpu/ladder.ts";
export type { DeviceOptions } from "./lib/compute/webgpu/device.ts";
export type { Kernel, Workgroups } from "./kernels/wgsl/kernel.ts";
export { type BackendName, backendNames, type BackendOptions, createBackend } from "./lib/compute/mod.ts";
export { downloadModel, type DownloadOptions } from "./lib/hub/download_model.ts";
export { type Pushed, pushModel, type PushOptions } from "./lib/hub/push_model.ts";
export type { HubOptions } from "./lib/hub/settings.ts";
export type { LayerType, ModelConfig } from "./lib/model/decoder/config.ts";
export type { RopeParameters, RopeScaling } from "./lib/model/decoder/rope_parameters.ts";
export type { Observer } from "./lib/model/decoder/decoder.ts";
export type { LocateOptions } from "./lib/model/checkpoint/locate.ts";
export type { ContinueOptions, Logits, Session } from "./lib/model/decoder/session.ts";
export type { Abortable } from "./lib/event_loop.ts";
export { loadModel, type LoadOptions } from "./lib/model/load_model.ts";
export { Model, type ModelParts } from "./lib/model/model.ts";
export { saveModel, type SaveOptions } from "./lib/model/save.ts";
export type { TextStream } from "./lib/model/tokenizer/decoding.ts";
export { type ChatOptions, type Message, Tokenizer } from "./lib/model/tokenizer/tokenizer.ts";
export type { SamplingOptions } from "./lib/model/decoder/sampling.ts";
export { Conversation, type ConversationOptions } from "./lib/model/conversation.ts";
export {
  generate,
  type Generated,
  type GeneratedPiece,
  type GenerateOptions,
  generateStream,
  type StoppedBy,
} from "./lib/model/generate.ts";
export {
  calibrate,
  type CalibrateOptions,
  type Calibration,
  type CalibrationOrigin,
  type SampleOptions,
} from "./lib/quantize/calibrate.ts";
export { loadCalibration, saveCalibration } from "./lib/quantize/calibration_file.ts";
export { CALIBRATION_SAMPLE } from "./lib/quantize/calibration_sample.ts";
export {
  af4,
  any2,
  any3,
  any4,
  fp4,
  int2,
  int3,
  int4,
  int8,
  mx4,
  nf4,
  quantizeModel,
  type ShortOptions,
} from "./lib/quantize/quantize_model.ts";
export type { PlanOptions } from "./lib/quantize/plan.ts";
export type { LearningOptions } from "./lib/quantize/quantize_linear.ts";
export type { TargetOptions } from "./lib/quantize/target_bits.ts";
export type {
  OnDiskPhase,
  OnDiskProgress,
  OutputForm,
  PipelineOptions,
  QuantizeModelOptions,
  QuantizeOnDiskOptions,
} from "./lib/quantize/options.ts";
export { quantizeOnDisk } from "./lib/quantize/quantize_on_disk.ts";
export { peakMemory } from "./lib/peak_memory.ts";
export { type Document, evaluationDocuments, type TokenizedDocument } from "./lib/measure/documents.ts";
export {
  compare,
  type Comparison,
  type Perplexity,
  perplexity,
  type PerplexityOptions,
  type Reference,
  referenceLogits,
} from "./lib/measure/perplexity.ts";
export {
  type FormatCost,
  type FormatCosts,
  MEASURED_FORMATS,
  measureFormats,
  type MeasureFormatsOptions,
} from "./lib/measure/measure_formats.ts";
export { type LayerError, layerErrors, relativeError } from "./lib/measure/layer_error.ts";
export {
  type LinearSpeed,
  linearSpeed,
  type LinearSpeedOptions,
  SPEED_FORMATS,
} from "./lib/measure/linear_speed.ts";
export { type ModelSpeed, modelSpeed, type ModelSpeedOptions } from "./lib/measure/model_speed.ts";
export { DENSE_FORMATS } from "./lib/measure/random_weight.ts";
export { type WeightStats, weightStats } from "./lib/measure/weight_stats.ts";
export { barChart, type BarOptions, type BarSeries } from "./lib/show/bar_chart.ts";
export { calibrationSummary } from "./lib/show/calibration_summary.ts";
export { codeView, type CodeViewOptions } from "./lib/show/code_view.ts";
export type { ColorScale } from "./lib/show/color_scale.ts";
export { display, type MimeBundle, type View, view } from "./lib/display.ts";
export type { Annotation, Axis, Figure, FigureLayout, FigureSize, Line, Trace } from "./lib/show/figure.ts";
export { heatMap, type HeatMapOptions } from "./lib/show/heat_map.ts";
export { type FormatValues, type HistogramOptions, histogramPlot } from "./lib/show/histogram_plot.ts";
export { animation, type ChoiceOptions, dropdown, slider, type Step } from "./lib/show/interact.ts";
export { type KindsOptions, kindsPlot } from "./lib/show/kinds_plot.ts";
export { layerErrorPlot, type LayerSeries } from "./lib/show/layer_error_plot.ts";
export { matrixSummary } from "./lib/show/matrix_summary.ts";
export { paretoFront, type ParetoOptions, paretoPlot } from "./lib/show/pareto_plot.ts";
export type { Dash, PointShape } from "./lib/show/palette.ts";
export {
  byFormat,
  type CardSummary,
  type FormatSummary,
  type LinearSummary,
  type MeasuredQuality,
  modelCard,
  type OnDiskSummary,
} from "./lib/quantize/model_card.ts";
export { type Progress, progress, type ProgressOptions } from "./lib/terminal/progress.ts";
export { reportHtml } from "./lib/show/report.ts";
export type { Report, ReportBaseline, ReportRow } from "./lib/show/report_data.ts";
export { type Results, resultsText } from "./lib/show/results_table.ts";
export type { LinearSpeedRow, ModelSpeedRow, SpeedPlace, SpeedReport } from "./lib/show/speed_data.ts";
export { speedupPlot, throughputPlot, tokensPlot } from "./lib/show/speed_plot.ts";
export { speedHtml } from "./lib/show/speed_report.ts";
export { speedText } from "./lib/show/speed_table.ts";
export { show, type ShowOptions } from "./lib/show/show.ts";
export { type Cell, recordsView, tableView, type TableViewOptions } from "./lib/show/table_view.ts";
export { type Column, table, type TableOptions, terminalWidth } from "./lib/terminal/table.ts";
export { count, decimal, duration, percent, size } from "./lib/terminal/units.ts";
export { visible } from "./lib/terminal/visible.ts";
export { fold } from "./lib/terminal/width.ts";
export {
  lineChart,
  type PlotOptions,
  scatterPlot,
  type XyOptions,
  type XySeries,
} from "./lib/show/xy_plot.ts";
