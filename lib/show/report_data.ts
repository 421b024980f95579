/**
 * What a report is made of: plain numbers and texts.
 *
 * @module
 */
import type { FormatCost, FormatCosts } from "../measure/measure_formats.ts";
import type { FormatValues } from "./histogram_plot.ts";
import type { LayerSeries } from "./layer_error_plot.ts";

/** What one format costs and gains, its single layers apart. */
export type ReportRow = Readonly<Omit<FormatCost, "layers" | "tokens" | "loss">>;

/** The original, unquantized model's numbers; kinds of text are shown in their order here. */
export type ReportBaseline = Readonly<Omit<FormatCosts["baseline"], "tokens" | "loss">>;

/** All that a report shows; what has no rows, series, values or outputs is left out. */
export interface Report {
  /** The page's title. */
  readonly title: string;
  /** The model, and how many tokens it was measured on. */
  readonly model: {
    readonly name: string;
    readonly parameters: number;
    readonly dtype: string;
    readonly bytes: number;
    readonly tokens: number;
  };
  /** The original's numbers. */
  readonly baseline: ReportBaseline;
  /** A row a format. */
  readonly rows: readonly ReportRow[];
  /** Some weights, which layer and part of it they are, and what each format makes of them. */
  readonly histogram: {
    readonly layer: string;
    readonly values: ArrayLike<number>;
    readonly formats: readonly FormatValues[];
  };
  /** The relative output error of every layer, for each format. */
  readonly layers: { readonly names: readonly string[]; readonly series: readonly LayerSeries[] };
  /** How models go on from a prompt; the first is the original. */
  readonly samples: {
    readonly prompt: string;
    readonly outputs: readonly { readonly name: string; readonly text: string }[];
  };
  /** How it was measured, by name. */
  readonly settings: Readonly<Record<string, string>>;
}
