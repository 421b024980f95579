/**
 * The folder of a model whose Linears are quantized: what a journal has of them, and what stays.
 *
 * @module
 */
import { methodOf } from "../learn/methods/mod.ts";
import { weightingOf } from "../learn/weighting.ts";
import { dequantize, isPacked } from "../matrix/packed_matrix.ts";
import { tensorBytes, type TensorToWrite } from "../files/safetensors/write.ts";
import { Checkpoint } from "../model/checkpoint/checkpoint.ts";
import type { QuantizationConfig } from "../model/checkpoint/packed_tensors.ts";
import { referenceTensors } from "../model/checkpoint/reference_tensors.ts";
import { writeCheckpoint } from "../model/checkpoint/write_checkpoint.ts";
import { linearNames, type TensorPlace } from "../model/decoder/layout.ts";
import { readTensor } from "../model/load_model.ts";
import type { ModelOnDisk } from "../model/model_on_disk.ts";
import { denseTensor, savedConfig, writableType } from "../model/save.ts";
import { doneLinear } from "./done_layer.ts";
import { denseWeights } from "./quantize_linear.ts";
import { ScaledSource } from "./scaled_source.ts";
import { calibrationName } from "./fingerprint.ts";
import type { Journal, StoredLinear } from "./journal.ts";
import { type CardSummary, type LinearSummary, modelCard } from "./model_card.ts";
import type { QuantizeOnDiskOptions } from "./options.ts";

/** A job of which all Linears are done. */
export interface FinishedJob {
  /** The model's name. */
  readonly name: string;
  /** The original. */
  readonly model: ModelOnDisk;
  /** The finished work. */
  readonly journal: Journal;
  /** The options of the quantization. */
  readonly options: QuantizeOnDiskOptions;
}

/** A tensor as it is to be written, and the Linear that it is. */
interface StoredTensor {
  readonly tensors: readonly TensorToWrite[];
  readonly done?: StoredLinear;
}

/** Writes the model's folder from what is done and what stays. */
export function finishOnDisk(
  folder: string,
  job: FinishedJob,
): CardSummary & { found: number; fileBytes: number } {
  const { model, journal, options } = job;
  const { dequantized, maxShardBytes, onProgress } = options;
  const { checkpoint } = model;
  // Of a model that is quantized in part, what is skipped stays as it is.
  const before = (checkpoint.config.quantization_config as QuantizationConfig | undefined)?.tensors;
  const quantization: QuantizationConfig = {
    quant_method: "any4-deno",
    tensors: dequantized ? {} : { ...before },
  };
  const tensors: TensorToWrite[] = [];
  const [linears, ends]: [LinearSummary[], LinearSummary[]] = [[], []];
  let [parameters, originalBytes, bits, weights] = [0, 0, 0, 0];
  const names = new Set(linearNames(model.layout).map((linear) => `${linear}.weight`));
  const scaled = new ScaledSource(model, journal);
  for (const place of model.places.values()) {
    const { name: tensor, rows, cols } = place;
    const linear = tensor.replace(/\.weight$/, "");
    parameters += rows * cols;
    originalBytes += model.storedBytes(tensor);
    const stored = storedTensor(place, { ...job, scaled });
    const bytes = stored.tensors.reduce((sum, each) => sum + tensorBytes(each), 0);
    tensors.push(...stored.tensors);
    if (names.has(tensor)) {
      weights += rows * cols;
      bits += 8 * bytes;
    }
    if (!stored.done) continue;
    const { format, groupSize, error } = stored.done;
    if (!dequantized) quantization.tensors[tensor] = { format, group_size: groupSize };
    const bitsPerWeight = 8 * bytes / (rows * cols);
    (names.has(tensor) ? linears : ends).push({
      linear,
      rows,
      cols,
      format,
      groupSize,
      error,
      bitsPerWeight,
    });
  }
  const bytes = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  const { codebook, codebookType, scaleType, outliers } = options;
  const summary = {
    model: job.name,
    linears,
    ends,
    found: journal.found,
    parameters,
    bitsPerWeight: bits / weights,
    bytes,
    originalBytes,
    ...(dequantized ? { dequantized } : {}),
    calibration: calibrationName(options.calibration),
    weighting: weightingOf(options.weighting).name,
    codebook,
    codebookType,
    scaleType,
    outliers,
    method: methodText(options),
    ...(options.awq ? { awq: true } : {}),
    sequential: options.sequential ?? false,
    ...(options.targetBits === undefined ? {} : { targetBits: options.targetBits }),
  };
  let done = 0;
  writeCheckpoint(folder, {
    config: savedConfig(checkpoint.rawConfig, {
      quantization,
      dequantized,
      reference: options.reference,
    }),
    generationConfig: checkpoint.generationConfig,
    tensors: tensors.map((tensor) => ({
      ...tensor,
      data: () => {
        onProgress?.({
          phase: "writing",
          done: done += tensorBytes(tensor),
          total: bytes,
          name: tensor.name,
        });
        return tensor.data();
      },
    })),
    metadata: { format: "pt" },
    copyFrom: checkpoint.folder,
    files: model.tokenizer.files,
    texts: { "README.md": modelCard(summary) },
    maxShardBytes,
    force: options.force,
  });
  using written = Checkpoint.open(folder);
  const fileBytes = written.files().reduce((sum, path) => sum + Deno.statSync(path).size, 0);
  return { ...summary, fileBytes };
}

/** The method and its options: "lnq", "lnq rounds 3". */
function methodText({ method, awq, tuneBlocks, tuneModel }: QuantizeOnDiskOptions): string {
  const { name, options = {} } = methodOf(method);
  return [
    name,
    ...Object.entries(options).map(([key, value]) => `${key} ${value}`),
    ...(awq ? ["after awq"] : []),
    ...(tuneBlocks ? ["+ layers tuned"] : []),
    ...(tuneModel ? ["+ model tuned"] : []),
  ].join(" ");
}

/** A tensor to be written: a quantized Linear, or the original. */
function storedTensor(
  place: TensorPlace,
  { model, journal, options, scaled }: FinishedJob & { scaled: ScaledSource },
): StoredTensor {
  const { checkpoint, layout } = model;
  const { dequantized, reference } = options;
  const { name } = place;
  const linear = name.replace(/\.weight$/, "");
  const vector = journal.get("vector", name);
  if (vector) {
    const dtype = dequantized ? "BF16" : writableType(vector.dtype ?? "F32");
    return { tensors: [denseTensor(place, { dtype, values: () => vector.data })] };
  }
  if (journal.has("linear", linear)) {
    const done = journal.linear(linear);
    const packed = () => doneLinear(journal, linear)!.packed;
    if (reference) {
      const dtype = writableType(checkpoint.info(layout.embedding.name).dtype);
      const tensors = () => referenceTensors(place, packed(), dtype);
      return { done, tensors: tensors().map((one, i) => ({ ...one, data: () => tensors()[i]!.data() })) };
    }
    const values = () => dequantize(packed());
    return { done, tensors: dequantized ? [denseTensor(place, { dtype: "BF16", values })] : done.tensors };
  }
  if (scaled.changes(name)) {
    const values = () => denseWeights(scaled.tensor(name)!, name).data;
    return { tensors: [denseTensor(place, { dtype: dequantized ? "BF16" : "F32", values })] };
  }
  const parts = model.parts(name);
  if (dequantized && parts.some((part) => checkpoint.info(part).dtype !== "BF16")) {
    const values = () => {
      const tensor = readTensor(checkpoint, place);
      return isPacked(tensor) ? dequantize(tensor) : tensor.data;
    };
    return { tensors: [denseTensor(place, { dtype: "BF16", values })] };
  }
  return {
    tensors: parts.map((part) => {
      const { dtype, shape } = checkpoint.info(part);
      return { name: part, dtype, shape, data: () => checkpoint.chunks(part) };
    }),
  };
}
