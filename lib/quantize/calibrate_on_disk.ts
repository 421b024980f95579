/**
 * Calibration of a model that need not fit in memory.
 *
 * @module
 */
import { interruptible } from "../event_loop.ts";
import { shortName } from "../model/checkpoint/locate.ts";
import type { LoadOptions } from "../model/load_model.ts";
import { ModelOnDisk } from "../model/model_on_disk.ts";
import { type CalibrateOptions, calibrateSource, type Calibration } from "./calibrate.ts";
import { originOf } from "./calibration_file.ts";

/**
 * Collects the statistics that {@linkcode calibrate} does, bit for bit, with one layer of the model in memory at a time.
 *
 * @param name the model, as `loadModel` takes it.
 * @returns statistics that know which model they are of.
 * @throws {OptionError} when the samples are empty, or a number is not a whole one of at least 1.
 * @throws {CheckpointError} when files are missing or malformed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { calibrateOnDisk } from "any4/quantize";
 * const stats = await calibrateOnDisk("tinyworld", { text: "Once upon a time" });
 * assertEquals([stats.size, stats.origin?.model], [28, "tinyworld"]);
 * ```
 */
export function calibrateOnDisk(
  name: string,
  options: CalibrateOptions & LoadOptions = {},
): Promise<Calibration> {
  return interruptible(() => calibrateFiles(name, options));
}

async function calibrateFiles(name: string, options: CalibrateOptions & LoadOptions): Promise<Calibration> {
  using model = await ModelOnDisk.open(name, options);
  const stats = await calibrateSource(model, options);
  const origin = originOf(model, { name: shortName(name), text: options.text, gram: options.gram });
  return Object.assign(stats, { origin });
}
