/**
 * The data of a report: plain numbers and texts.
 *
 * @module
 */
import type { FormatCost, FormatCosts } from "../measure/measure_formats.ts";
import type { FormatValues } from "./histogram_plot.ts";
import type { LayerSeries } from "./layer_error_plot.ts";

/** The costs of one format, without its layers; its name, method and standard errors need not be known. */
export type ReportRow = Readonly<
  & Omit<FormatCost, "layers" | "tokens" | "loss" | "name" | "method" | "klStderr" | "perplexityStderr">
  & Partial<Pick<FormatCost, "name" | "method" | "klStderr" | "perplexityStderr">>
>;

/** The numbers of the original, unquantized model; their order of kinds of text is the report's. */
export type ReportBaseline = Readonly<
  & Omit<FormatCosts["baseline"], "tokens" | "loss" | "perplexityStderr">
  & Partial<Pick<FormatCosts["baseline"], "perplexityStderr">>
>;

/** The content of a report; parts without rows, series, values or outputs are left out. */
export interface Report {
  /** The page's title. */
  readonly title: string;
  /** The model, and the number of tokens measured. */
  readonly model: {
    readonly name: string;
    readonly parameters: number;
    readonly dtype: string;
    readonly bytes: number;
    readonly tokens: number;
  };
  /** The original's numbers. */
  readonly baseline: ReportBaseline;
  /** One row per format. */
  readonly rows: readonly ReportRow[];
  /** Some weights, the name of their layer and columns, and each format's values for them. */
  readonly histogram: {
    readonly layer: string;
    readonly values: ArrayLike<number>;
    readonly formats: readonly FormatValues[];
  };
  /** The relative output error of every layer, for each format. */
  readonly layers: { readonly names: readonly string[]; readonly series: readonly LayerSeries[] };
  /** The models' continuations of a prompt; the first is the original's. */
  readonly samples: {
    readonly prompt: string;
    readonly outputs: readonly { readonly name: string; readonly text: string }[];
  };
  /** Settings of the measurement, by name. */
  readonly settings: Readonly<Record<string, string>>;
}
