/**
 * What a report is made of: plain numbers and texts.
 *
 * @module
 */
import type { FormatValues } from "./histogram_plot.ts";
import type { LayerSeries } from "./layer_error_plot.ts";

/** What one format costs and gains. */
export interface ReportRow {
  /** The format's name: "any4". */
  readonly format: string;
  /** Bits of a code. */
  readonly bits: number;
  /** Columns that share a scale. */
  readonly groupSize: number;
  /** Stored bits per quantized weight: codes, scales, zeros and codebooks. */
  readonly bitsPerWeight: number;
  /** Bytes of the whole model. */
  readonly bytes: number;
  /** Perplexity over all text. */
  readonly perplexity: number;
  /** Perplexity of each kind of text. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Mean KL divergence of the predictions from the original's, nats a token. */
  readonly kl: number;
  /** Share of tokens, 0 to 1, whose likeliest next token is the original's. */
  readonly top1: number;
  /** Mean relative error of the layers' outputs. */
  readonly layerError: number;
  /** Seconds to quantize. */
  readonly seconds: number;
  /** Whether the format's values are learned from the weights. */
  readonly learned: boolean;
}

/** The original, unquantized model's numbers. */
export interface ReportBaseline {
  /** Perplexity over all text. */
  readonly perplexity: number;
  /** Bits that a weight takes. */
  readonly bitsPerWeight: number;
  /** Bytes of the whole model. */
  readonly bytes: number;
  /** Perplexity of each kind of text; the kinds are shown in this order. */
  readonly kinds: Readonly<Record<string, number>>;
}

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
