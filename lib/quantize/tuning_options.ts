/**
 * The options of tuning.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { checkSteps, type TuneOptions } from "../tune/examples.ts";

/** Text to tune on. */
export interface TuningText {
  /** The text or texts; those of the calibration when absent, or the library's own. */
  text?: string | readonly string[];
  /** Tokens of a sequence at most: texts are cut into sequences of this length. 256 when absent. */
  window?: number;
}

/** How layers are tuned, one after another or together, and on what. */
export interface Tuning extends TuneOptions, TuningText {}

/**
 * Checks how a model is to be tuned.
 *
 * @throws {OptionError} when an option is out of range.
 */
export function checkTuning({ window = 2, ...options }: Tuning): void {
  checkSteps(options);
  if (Number.isSafeInteger(window) && window >= 2) return;
  throw new OptionError(
    `Cannot tune: window must be a whole number of at least 2, current value is ${window}`,
  );
}

/** The options that can be given as text. */
const NAMES = ["epochs", "rate", "batchTokens", "window", "codes"];

/**
 * Parses options of tuning, as the tasks take them: "epochs=4:codes=true"; none of them is an empty text.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseTuning } from "any4/quantize";
 * assertEquals(parseTuning("epochs=4:codes=true"), { epochs: 4, codes: true });
 * ```
 */
export function parseTuning(text: string): Tuning {
  const parsed = text.split(":").filter((part) => part !== "").map((part): [string, number | boolean] => {
    const [, key = "", value = ""] = /^([^=]+)=(.+)$/.exec(part) ?? [];
    if (!NAMES.includes(key) || (key === "codes" && value !== "true" && value !== "false")) {
      throw new OptionError(`Cannot tune with "${part}": expected option=value of ${NAMES.join(", ")}`);
    }
    return [key, key === "codes" ? value === "true" : Number(value)];
  });
  const tuning: Tuning = Object.fromEntries(parsed);
  checkTuning(tuning);
  return tuning;
}
