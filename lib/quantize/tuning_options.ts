/**
 * The options of tuning.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { parseOptions } from "../parse_options.ts";
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
  const tuning: Tuning = parseOptions(text, "tuning");
  const wrong = Object.entries(tuning).find(([key, value]) =>
    !NAMES.includes(key) || typeof value !== (key === "codes" ? "boolean" : "number")
  );
  if (wrong) {
    throw new OptionError(
      `Cannot tune with "${wrong.join("=")}": expected option=value of ${NAMES.join(", ")}`,
    );
  }
  checkTuning(tuning);
  return tuning;
}
