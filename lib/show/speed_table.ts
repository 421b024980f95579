/**
 * Tables of speeds, for the terminal and for the report.
 *
 * @module
 */
import type { LinearSpeedRow, ModelSpeedRow, SpeedPlace, SpeedReport } from "./speed_data.ts";
import { type Column, table, type TableOptions } from "../terminal/table.ts";
import { decimal, MISSING, percent, size } from "../terminal/units.ts";

/** Columns, and rows with one text per column. */
export interface SpeedTable {
  /** The columns. */
  readonly columns: readonly Column[];
  /** The rows' texts. */
  readonly rows: readonly (readonly string[])[];
}

const right = (...titles: string[]): Column[] => titles.map((title) => ({ title, align: "right" }));

/** "1.87×", or a dash. */
export const times = (factor: number | undefined): string =>
  factor === undefined ? MISSING : `${decimal(factor, 3)}×`;

/** "4096×4096". */
export const shapeText = ({ rows, cols }: { rows: number; cols: number }): string => `${rows}×${cols}`;

/** The table of Linears: one row per format, grouped by shape and tokens. */
export function linearSpeedTable(rows: readonly LinearSpeedRow[]): SpeedTable {
  const group = (row?: LinearSpeedRow) => row && `${shapeText(row)} ${row.tokens}`;
  const weight = (row: LinearSpeedRow) => shapeText(row) + (row.cold === false ? " (cached)" : "");
  return {
    columns: [
      { title: "weight" },
      ...right("tokens"),
      { title: "format" },
      ...right("µs", "GB/s", "of bandwidth", "GFLOP/s", "× f16"),
    ],
    rows: rows.map((row, i) => [
      ...group(row) === group(rows[i - 1]) ? ["", ""] : [weight(row), String(row.tokens)],
      row.format,
      decimal(1e6 * row.seconds, 3),
      decimal(row.bytesPerSecond / 1e9, 3),
      percent(row.share),
      decimal(row.flops / 1e9, 3),
      times(row.speedup),
    ]),
  };
}

/** The table of a model: one row per format, the original first. */
export function modelSpeedTable(rows: readonly ModelSpeedRow[]): SpeedTable {
  return {
    columns: [
      { title: "model" },
      ...right(
        "bits/w",
        "weights",
        "prompt tok/s",
        "first token",
        "decode tok/s",
        "stepwise",
        `× ${rows[0]?.format}`,
      ),
      ...right("KV cache", "process"),
    ],
    rows: rows.map((row) => [
      row.format,
      row.bitsPerWeight.toFixed(2),
      size(row.weightBytes),
      decimal(row.prefill, 3),
      `${decimal(1e3 * row.firstToken, 3)}\u00a0ms`,
      decimal(row.decode, 3),
      decimal(row.stepwise, 3),
      times(row.decode / rows[0]!.decode),
      size(row.cacheBytes),
      size(row.processBytes),
    ]),
  };
}

/** "wasm (2 threads), memory 29 GB/s". */
export function placeText({ backend, description, bandwidth }: SpeedPlace): string {
  const memory = bandwidth === undefined ? "" : `, memory ${decimal(bandwidth / 1e9, 3)}\u00a0GB/s`;
  return `${backend} (${description})${memory}`;
}

/**
 * Renders a report on speed for a terminal.
 *
 * @example
 * ```ts
 * import { speedText } from "any4/show";
 * import { assertStringIncludes } from "@std/assert";
 * const row = { rows: 4096, cols: 4096, tokens: 1, bytesPerSecond: 4.3e9, flops: 16.8e9 };
 * const text = speedText({
 *   places: [{
 *     backend: "wasm",
 *     description: "2 threads",
 *     linears: [{ ...row, format: "any4", seconds: 0.002, speedup: 1.6 }],
 *     models: [],
 *   }],
 * });
 * assertStringIncludes(text, "any4");
 * ```
 */
export function speedText(report: Pick<SpeedReport, "model" | "places">, options: TableOptions = {}): string {
  const { model } = report;
  return report.places.flatMap((place) => {
    const draw = ({ columns, rows }: SpeedTable) => table(columns, rows, options);
    const parts = [placeText(place)];
    if (place.linears.length > 0) parts.push(draw(linearSpeedTable(place.linears)));
    if (place.models.length > 0) {
      if (model) {
        parts.push(`${model.name}: a prompt of ${model.promptTokens} tokens, ${model.newTokens} new ones`);
      }
      parts.push(draw(modelSpeedTable(place.models)));
    }
    return parts;
  }).join("\n\n");
}
