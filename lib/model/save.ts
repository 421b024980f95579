/**
 * Models to folders in Hugging Face layout.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { fromFloat32 } from "../matrix/dtype.ts";
import { transposed } from "../matrix/matrix.ts";
import { dequantize, isPacked } from "../matrix/packed_matrix.ts";
import { storedValues } from "../matrix/stored_matrix.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import { tensorsOf } from "./layout.ts";
import type { Model } from "./model.ts";
import { packedTensors, type QuantizationConfig, type StoredTensor } from "./packed_tensors.ts";
import { referenceTensors } from "./reference_tensors.ts";

/** How a model is saved. */
export interface SaveOptions {
  /** Write packed matrices back as dense ones, in BF16, for programs that know no packed ones. */
  dequantized?: boolean;
  /**
   * Write packed matrices, which must have 4 bits, as the parameters of the any4 reference's Any4Linear (weight,
   * scales_and_zeros, lut), for its code to load. This library does not read them back.
   */
  reference?: boolean;
}

/** Types that float32 values can be written as; whatever else was read is written as F32. */
const WRITABLE = ["F32", "F16", "BF16"] as const;

/**
 * Saves a model as a Hugging Face folder: config.json with `quantization_config`, safetensors, and the tokenizer's files.
 * Loaded again it is the same bit for bit. With `dequantized` the folder is a plain BF16 checkpoint that transformers
 * loads.
 *
 * @throws {CheckpointError} when writing fails; what was there before stays.
 * @throws {OptionError} when both other layouts are asked for.
 * @throws {TensorError} when the reference's layout cannot hold a matrix.
 *
 * @example
 * ```ts
 * import { any4, loadModel, saveModel } from "any4";
 * using model = await loadModel("tinyworld");
 * const folder = await Deno.makeTempDir();
 * await saveModel(await any4(model), folder);
 * using again = await loadModel(folder);
 * await Deno.remove(folder, { recursive: true });
 * console.log(again.bitsPerWeight < 16); // true
 * ```
 */
// deno-lint-ignore require-await -- writing is synchronous today; devices will wait
export async function saveModel(model: Model, folder: string, options: SaveOptions = {}): Promise<void> {
  if (options.dequantized && options.reference) {
    throw new OptionError("Cannot save a model both dequantized and in the reference's layout");
  }
  const tensors: StoredTensor[] = [];
  const quantization: QuantizationConfig = { quant_method: "any4-deno", tensors: {} };
  const places = new Map(Array.from(tensorsOf(model.layout), (place) => [place.name, place]));
  const modelType = WRITABLE.find((dtype) => dtype === model.dtype) ?? "F32";
  for (const [name, tensor] of model.tensors) {
    const { rows, cols } = tensor;
    const { vector = false, transposed: turned = false } = places.get(name) ?? {};
    const shape = vector ? [cols] : turned ? [cols, rows] : [rows, cols];
    /** The values as the checkpoint had them. */
    const stored = (data: Float32Array) => turned ? transposed({ rows, cols, data }).data : data;
    if (!isPacked(tensor)) {
      const asked = options.dequantized ? "BF16" : tensor.dtype ?? "F32";
      const dtype = WRITABLE.find((dtype) => dtype === asked) ?? "F32";
      const bytes = dtype === tensor.dtype && !turned ? storedValues(tensor) : undefined;
      tensors.push({ name, dtype, shape, data: () => bytes ?? fromFloat32(stored(tensor.data), dtype) });
    } else if (options.dequantized) {
      const data = () => fromFloat32(stored(dequantize(tensor)), "BF16");
      tensors.push({ name, dtype: "BF16", shape, data });
    } else {
      tensors.push(
        ...options.reference ? referenceTensors(name, tensor, modelType) : packedTensors(name, tensor),
      );
      quantization.tensors[name] = { format: tensor.format, group_size: tensor.groupSize };
    }
  }
  const { quantization_config: _, ...config } = model.rawConfig;
  const packed = Object.keys(quantization.tensors).length > 0;
  const quantization_config = options.reference ? { ...quantization, quant_method: "any4" } : quantization;
  const key = "dtype" in config ? "dtype" : "torch_dtype";
  const dtype = options.dequantized ? { [key]: "bfloat16" } : {};
  writeCheckpoint(folder, {
    config: { ...config, ...dtype, ...(packed ? { quantization_config } : {}) },
    generationConfig: model.generationConfig,
    tensors,
    metadata: { format: "pt" },
    copyFrom: model.folder,
    files: model.tokenizer.files,
  });
}
