/**
 * Calibration as a file: statistics of what a model's Linears are multiplied by, and of which model and text they are.
 *
 * @module
 */
import { CheckpointError, OptionError } from "../errors.ts";
import { CheckedFile, writeChecked } from "../files/safetensors/checked.ts";
import { sha256 } from "../files/sha256.ts";
import type { Model } from "../model/model.ts";
import { modelHash } from "../model/model_hash.ts";
import type { Source } from "../model/source.ts";
import type { Calibration } from "./calibrate.ts";
import { CALIBRATION_SAMPLE } from "./calibration_sample.ts";
import { decodeStats, encodeStats } from "./file_store.ts";

/** What the metadata of such a file says that it is. */
const FORMAT = "any4-calibration-1";

/**
 * Saves statistics that {@linkcode calibrate} has collected as a safetensors file: a tensor for each statistic of each input,
 * under the name of the first Linear that is multiplied by it, such as "model.layers.0.mlp.down_proj.meanSquare".
 *
 * @param options.model the model that they are of.
 * @param options.text the sample that they are of; the library's own when absent.
 * @throws {CheckpointError} when it cannot be written; what was there before stays.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { calibrate, loadCalibration, loadModel, quantizeModel, saveCalibration } from "any4";
 * using model = await loadModel("tinyworld");
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * saveCalibration(await calibrate(model, { text: "Once upon a time" }), path, { model, text: "Once upon a time" });
 * const calibration = loadCalibration(path);
 * using small = await quantizeModel(model, { format: "any4", calibration });
 * assertEquals([calibration.origin?.model, calibration.size], ["tinyworld", small.linears().length]);
 * await Deno.remove(path);
 * ```
 */
export function saveCalibration(
  calibration: Calibration,
  path: string,
  options: { model: Model; text?: string | readonly string[] },
): void {
  const { model, text = CALIBRATION_SAMPLE } = options;
  const { tensors, metadata } = encodeStats(calibration);
  writeChecked(path, tensors, {
    ...metadata,
    format: FORMAT,
    model: model.name,
    model_hash: modelHash(model),
    text_hash: sha256([JSON.stringify([text].flat())]).slice(0, 16),
  });
}

/**
 * Loads what {@linkcode saveCalibration} has saved. Other models than the one it is of refuse it.
 *
 * @throws {CheckpointError} when the file is missing, damaged, or no calibration.
 */
export function loadCalibration(path: string): Calibration {
  using file = CheckedFile.open(path);
  const { format, model, model_hash, text_hash } = file.metadata;
  if (format !== FORMAT) {
    throw new CheckpointError(
      `Cannot load the calibration ${path}: its format must be "${FORMAT}", current value is ${
        JSON.stringify(format) ?? "absent"
      }`,
    );
  }
  const origin = { model: model!, modelHash: model_hash!, textHash: text_hash! };
  return Object.assign(decodeStats(file), { origin });
}

/**
 * Checks that statistics are a model's, where they say whose they are.
 *
 * @throws {OptionError} when they are another's.
 */
export function checkOrigin(source: Source, { origin }: Calibration): void {
  if (!origin) return;
  const hash = modelHash(source);
  if (hash === origin.modelHash) return;
  throw new OptionError(
    `Cannot quantize with this calibration: it is of another model, ${origin.model} with the hash ${origin.modelHash}, ` +
      `this one has the hash ${hash}`,
  );
}
