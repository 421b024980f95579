/**
 * The rounding of numbers to their stored type.
 *
 * @module
 */

/** How numbers are stored: as singles, as halves, or as whole multiples of a step. */
export interface Rounding {
  /** The step; 0 for singles and halves. */
  readonly step: number;
  /** The least and the largest multiple of the step. */
  readonly least: number;
  readonly largest: number;
  /** Whether they are halves, if there is no step. */
  readonly half: boolean;
}

/** Numbers stored as singles. */
export const SINGLES: Rounding = { step: 0, least: 0, largest: 0, half: false };
/** Numbers stored as halves. */
export const HALVES: Rounding = { ...SINGLES, half: true };

/** Numbers stored as bytes: −128 … 127 or 0 … 255 times a step. */
export function bytesOfStep(step: number, signed: boolean): Rounding {
  return { step, least: signed ? -128 : 0, largest: signed ? 127 : 255, half: false };
}

/** The stored number nearest to a value; a half of what it cannot hold is infinite, and a byte has no −0. */
export function roundTo({ step, least, largest, half }: Rounding, value: number): number {
  if (step === 0) return half ? Math.f16round(value) : Math.fround(value);
  return step * Math.min(Math.max(Math.floor(Math.fround(value) / step + 0.5), least), largest) + 0;
}
