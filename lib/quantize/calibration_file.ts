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
import type { Calibration, CalibrationOrigin } from "./calibrate.ts";
import { sampleText } from "./calibration_sample.ts";
import { decodeStats, encodeStats } from "./file_store.ts";

/** The value of the metadata's "format" that marks such a file. */
const FORMAT = "any4-calibration-1";

/**
 * The model and the sample that statistics are of.
 *
 * @param of.text the sample; the library's own when absent.
 */
export function originOf(
  source: Source,
  of: { name: string; text?: string | readonly string[]; gram?: boolean },
): CalibrationOrigin {
  const texts = [sampleText(of)].flat();
  const textHash = sha256([JSON.stringify(texts)]).slice(0, 16);
  return { model: of.name, modelHash: modelHash(source), textHash };
}

/**
 * Saves statistics as a safetensors file: a tensor for each statistic of each input, under the name of the first Linear that
 * is multiplied by it, such as "model.layers.0.mlp.down_proj.meanSquare".
 *
 * @param of the model and the sample (the library's own when absent) that they are of; those that `calibrateOnDisk` has
 * collected know it.
 * @throws {OptionError} when it is not known what they are of.
 * @throws {CheckpointError} when the file cannot be written; what was there before stays.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { calibrate, loadModel, quantizeModel } from "any4";
 * import { loadCalibration, saveCalibration } from "any4/quantize";
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
  of?: { model: Model; text?: string | readonly string[] },
): void {
  const gram = calibration.values().some((stats) => stats.gram !== undefined);
  const origin = of ? originOf(of.model, { name: of.model.name, text: of.text, gram }) : calibration.origin;
  if (!origin) throw new OptionError(`Cannot save the calibration ${path}: which model is it of?`);
  const { tensors, metadata } = encodeStats(calibration);
  const { model, modelHash, textHash } = origin;
  writeChecked(path, tensors, {
    ...metadata,
    format: FORMAT,
    model,
    model_hash: modelHash,
    text_hash: textHash,
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
