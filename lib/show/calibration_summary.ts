/**
 * A calibration at a glance.
 *
 * @module
 */
import type { InputStats } from "../learn/input_stats.ts";
import type { View } from "../display.ts";
import { tableView } from "./table_view.ts";
import { decimal } from "../terminal/units.ts";

/**
 * Lists each input of a calibrated model: the number of columns, their mean size, and the ratio of the largest to it.
 *
 * @param calibration statistics by the Linears' names; those that share an input share a line.
 *
 * @example
 * ```ts
 * import { calibrate, loadModel, show } from "any4";
 * import { calibrationSummary, display } from "any4/show";
 * import { assertStringIncludes } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const summary = calibrationSummary(await calibrate(model));
 * assertStringIncludes(summary[display]()["text/plain"], "mlp.down_proj");
 * await show(summary);
 * ```
 */
export function calibrationSummary(calibration: ReadonlyMap<string, InputStats>): View {
  const inputs = Map.groupBy(calibration, ([, stats]) => stats);
  const names = (linears: readonly (readonly [string, InputStats])[]) => {
    const [first, ...rest] = linears.map(([name]) => name.replace(/^model\.layers\./, ""));
    return [first, ...rest.map((name) => name.split(".").at(-1))].join(", ");
  };
  return tableView(
    [
      { title: "input of" },
      ...["columns", "tokens", "mean |x|", "root mean x²", "largest column", "its part of x²"]
        .map((title) => ({ title, align: "right" as const })),
    ],
    Array.from(inputs, ([{ tokens, meanAbs, meanSquare }, linears]) => {
      const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
      const largest = meanSquare.reduce((best, value, i) => value > meanSquare[best]! ? i : best, 0);
      const part = meanSquare[largest]! / (mean(meanSquare) * meanSquare.length);
      return [
        names(linears),
        String(meanAbs.length),
        String(tokens),
        decimal(mean(meanAbs), 3),
        decimal(Math.sqrt(mean(meanSquare)), 3),
        String(largest),
        `${(100 * part).toFixed(1)}\u00a0%`,
      ];
    }),
  );
}
