/**
 * The options of tuning.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { checkSteps, type StepOptions } from "../tune/examples.ts";
import type { TuneOptions } from "../tune/tune_block.ts";

/** Text to tune on. */
export interface TuningText {
  /** The text or texts; those of the calibration when absent, or the library's own. */
  text?: string | readonly string[];
  /** Tokens of a sequence at most: texts are cut into sequences of this length. 256 when absent. */
  window?: number;
}

/** How layers are tuned, one after another, and on what. */
export interface BlockTuning extends TuneOptions, TuningText {}

/** How all layers are tuned together, and on what. */
export interface ModelTuning extends StepOptions, TuningText {}

/**
 * Checks how a model is to be tuned.
 *
 * @throws {OptionError} when an option is out of range.
 */
export function checkTuning({ window = 2, ...options }: BlockTuning | ModelTuning): void {
  checkSteps(options);
  if (Number.isSafeInteger(window) && window >= 2) return;
  throw new OptionError(
    `Cannot tune: window must be a whole number of at least 2, current value is ${window}`,
  );
}

/** The options that can be given as text. */
const STEPS = ["epochs", "rate", "batchTokens", "window"];

function parse(text: string, names: readonly string[]): BlockTuning {
  const parsed = text.split(":").filter((part) => part !== "").map((part): [string, number | boolean] => {
    const [, key = "", value = ""] = /^([^=]+)=(.+)$/.exec(part) ?? [];
    if (!names.includes(key) || (key === "codes" && value !== "true" && value !== "false")) {
      throw new OptionError(`Cannot tune with "${part}": expected option=value of ${names.join(", ")}`);
    }
    return [key, key === "codes" ? value === "true" : Number(value)];
  });
  const tuning: BlockTuning = Object.fromEntries(parsed);
  checkTuning(tuning);
  return tuning;
}

/**
 * Parses options of tuning layer by layer, as the tasks take them: "epochs=4:codes=true"; none of them is an empty text.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseBlockTuning } from "any4/quantize";
 * assertEquals(parseBlockTuning("epochs=4:codes=true"), { epochs: 4, codes: true });
 * ```
 */
export function parseBlockTuning(text: string): BlockTuning {
  return parse(text, [...STEPS, "codes"]);
}

/**
 * Parses options of tuning all layers together, as {@linkcode parseBlockTuning}.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseModelTuning } from "any4/quantize";
 * assertEquals(parseModelTuning("rate=0.001:window=128"), { rate: 0.001, window: 128 });
 * ```
 */
export function parseModelTuning(text: string): ModelTuning {
  return parse(text, STEPS);
}
