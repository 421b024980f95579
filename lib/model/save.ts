/**
 * Models to folders in Hugging Face layout.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { interruptible } from "../event_loop.ts";
import { type DType, type FloatType, fromFloat32 } from "../matrix/dtype.ts";
import { toHalves, transposed } from "../matrix/matrix.ts";
import { dequantize, isPacked } from "../matrix/packed_matrix.ts";
import type { TensorToWrite } from "../files/safetensors/write.ts";
import { isStoredType, storedValues } from "../matrix/stored_matrix.ts";
import { writeCheckpoint } from "./checkpoint/write_checkpoint.ts";
import { outputsOf, type TensorPlace, tensorsOf } from "./decoder/layout.ts";
import type { Model } from "./model.ts";
import { codebooksOf, packedTensors, type QuantizationConfig } from "./checkpoint/packed_tensors.ts";
import { referenceTensors } from "./checkpoint/reference_tensors.ts";

/** How a model is saved. */
export interface SaveOptions {
  /** Write packed matrices back as dense ones, in BF16, for programs that know no packed ones. */
  dequantized?: boolean;
  /**
   * Write packed matrices, which must have 4 bits, as the parameters of the any4 reference's Any4Linear (weight,
   * scales_and_zeros, lut), for its code to load. This library does not read them back.
   */
  reference?: boolean;
  /** Replace files in the folder that this library has not written. */
  force?: boolean;
}

/**
 * Saves a model as a Hugging Face folder: config.json with `quantization_config`, safetensors, and the tokenizer's files.
 * Loaded again it is the same bit for bit. With `dequantized` the folder is a plain BF16 checkpoint that transformers
 * loads.
 *
 * A model that this library has saved there before is replaced: whatever fails or dies on the way, `loadModel` finds the old
 * one or the new one, whole. The few files whose names begin with a dot serve that.
 *
 * @throws {CheckpointError} when writing fails, or another process is writing into the folder; what was there before stays.
 * @throws {OptionError} when both other layouts are asked for, or the folder has files that this library has not written,
 * unless `force` is given.
 * @throws {TensorError} when the reference's layout cannot hold a matrix.
 *
 * @example
 * ```ts
 * import { any4, loadModel, saveModel } from "any4";
 * import { assertLess } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const folder = await Deno.makeTempDir();
 * await saveModel(await any4(model), folder);
 * using again = await loadModel(folder);
 * await Deno.remove(folder, { recursive: true });
 * assertLess(again.bitsPerWeight, 16);
 * ```
 */
export function saveModel(model: Model, folder: string, options: SaveOptions = {}): Promise<void> {
  // deno-lint-ignore require-await -- writing is synchronous today; devices will wait
  return interruptible(async () => save(model, folder, options));
}

function save(model: Model, folder: string, options: SaveOptions): void {
  if (options.dequantized && options.reference) {
    throw new OptionError("Cannot save a model both dequantized and in the reference's layout");
  }
  const tensors: TensorToWrite[] = [];
  const quantization: QuantizationConfig = { quant_method: "any4-deno", tensors: {} };
  const places = new Map(Array.from(tensorsOf(model.layout), (place) => [place.name, place]));
  const modelType = writableType(model.dtype);
  for (const [name, tensor] of model.tensors) {
    const place = places.get(name) ?? { name, rows: tensor.rows, cols: tensor.cols };
    if (!isPacked(tensor)) {
      const asked = options.dequantized ? "BF16" : tensor.dtype ?? "F32";
      const dtype = writableType(asked);
      const bytes = dtype === tensor.dtype && !place.transposed && !place.interleaved
        ? storedValues(tensor)
        : undefined;
      const dense = denseTensor(place, { dtype, values: () => tensor.data });
      tensors.push(bytes ? { ...dense, data: () => bytes } : dense);
    } else if (options.dequantized) {
      tensors.push(denseTensor(place, { dtype: "BF16", values: () => dequantize(tensor) }));
    } else {
      tensors.push(
        ...options.reference ? referenceTensors(place, tensor, modelType) : packedTensors(name, tensor),
      );
      quantization.tensors[name] = { format: tensor.format, group_size: tensor.groupSize };
    }
  }
  writeCheckpoint(folder, {
    config: savedConfig(model.rawConfig, { quantization, ...options }),
    generationConfig: model.generationConfig,
    tensors,
    metadata: { format: "pt" },
    copyFrom: model.folder,
    files: model.tokenizer.files,
    force: options.force,
  });
}

/** A type that values can be written as: the one given, if it is one, else F32. */
export function writableType(dtype: DType): FloatType {
  return isStoredType(dtype) ? dtype : "F32";
}

/** A dense tensor as its checkpoint has it, from values [rows, cols] as the decoder wants them. */
export function denseTensor(
  place: TensorPlace,
  options: { dtype: FloatType; values: () => Float32Array },
): TensorToWrite {
  const { name, rows, cols, vector, interleaved, transposed: turned } = place;
  const { dtype, values } = options;
  return {
    name,
    dtype,
    shape: vector ? [cols] : turned ? [cols, rows] : [rows, cols],
    data() {
      const given = values();
      const data = interleaved
        ? toHalves(given, { outputs: outputsOf(place), head: interleaved, back: true })
        : given;
      return fromFloat32(turned ? transposed({ rows, cols, data }).data : data, dtype);
    },
  };
}

/** config.json of a model as it is saved. */
export function savedConfig(
  rawConfig: Record<string, unknown>,
  options: SaveOptions & { quantization: QuantizationConfig },
): Record<string, unknown> {
  const { quantization, dequantized, reference } = options;
  const { quantization_config: _, ...config } = rawConfig;
  const { tensors } = quantization;
  const packed = Object.keys(tensors).length > 0;
  return {
    ...config,
    ...(dequantized ? { ["dtype" in config ? "dtype" : "torch_dtype"]: "bfloat16" } : {}),
    ...(packed
      ? {
        quantization_config: reference
          ? { ...quantization, quant_method: "any4" }
          : { ...quantization, codebooks: codebooksOf(tensors) },
      }
      : {}),
  };
}
