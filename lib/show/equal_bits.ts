/**
 * Which rows of a report may be compared: those of about equal bits.
 *
 * @module
 */
import type { ReportRow } from "./report_data.ts";

/** Bits per weight between the smallest and the largest of a set at most. */
const SPAN_BITS = 0.25;

/**
 * Puts rows of about equal bits together: of as many bits a code, the nearest are joined as long as a set spans no more than
 * a quarter of a bit.
 *
 * @returns the sets, those of most bits a code first, and in these by rising bits per weight.
 */
export function rowsOfEqualBits(rows: readonly ReportRow[]): ReportRow[][] {
  const codes = [...new Set(rows.map(({ bits }) => bits))].sort((a, b) => b - a);
  return codes.flatMap((bits) => {
    const sets = rows.filter((row) => row.bits === bits)
      .sort((a, b) => a.bitsPerWeight - b.bitsPerWeight).map((row) => [row]);
    const span = (i: number) => sets[i + 1]!.at(-1)!.bitsPerWeight - sets[i]![0]!.bitsPerWeight;
    while (sets.length > 1) {
      const nearest = sets.slice(1).reduce((best, _, i) => span(i) < span(best) ? i : best, 0);
      // A little more, for 2.48 and 2.73 are no exact numbers.
      if (span(nearest) > SPAN_BITS + 1e-9) break;
      sets.splice(nearest, 2, [...sets[nearest]!, ...sets[nearest + 1]!]);
    }
    return sets;
  });
}
