/**
 * A small report for the tests, with a model name that would be markup if it were not escaped.
 *
 * @module
 */
import type { Report, ReportRow } from "../../lib/show/report_data.ts";

/** Text that would be an element, end a script and leave an attribute. */
export const HOSTILE = `</script><img src=x onerror="alert('1')">&amp;`;

/** A row with plausible numbers. */
export function row(format: string, bitsPerWeight: number, perplexity: number): ReportRow {
  return {
    format,
    bits: Math.floor(bitsPerWeight),
    groupSize: 128,
    bitsPerWeight,
    bytes: 1e6 * bitsPerWeight,
    perplexity,
    kinds: { fiction: perplexity + 0.125, code: perplexity - 0.125 },
    kl: (perplexity - 3) / 8,
    top1: 0.9375,
    layerError: 0.0625,
    seconds: 1.25,
    learned: format.startsWith("any"),
  };
}

/** Eleven formats of which int2 fails and af4 is not a number. */
export const rows: readonly ReportRow[] = [
  row("int8", 8.25, 3.001),
  row("int4", 4.25, 3.121),
  row("fp4", 4.125, 3.142),
  row("nf4", 4.125, 3.093),
  row("af4", 4.125, NaN),
  row("mx4", 4.25, 3.144),
  row("any4", 4.51, 3.054),
  row("int3", 3.25, 3.515),
  row("any3", 3.38, 3.216),
  row("int2", 2.25, 71234.5),
  row("any2", 2.31, 4.717),
];

/** The report of a hostile model. */
export const report: Report = {
  title: `Formats on ${HOSTILE}`,
  model: { name: HOSTILE, parameters: 3_410_176, dtype: "BF16", bytes: 6_820_352, tokens: 2000 },
  baseline: { perplexity: 3, bitsPerWeight: 16, bytes: 6_820_352, kinds: { fiction: 3.125, code: 2.875 } },
  rows: [...rows, row(HOSTILE, 5.125, 3.777)],
  histogram: {
    layer: HOSTILE,
    values: Float32Array.from({ length: 128 }, (_, i) => Math.sin(i)),
    formats: [{ name: "int2", values: [-1, -0.5, 0, 0.5] }, { name: HOSTILE, values: [0.25] }],
  },
  layers: {
    names: ["model.layers.0.self_attn.q_proj", "model.layers.1.mlp.up_proj"],
    series: [{ name: "any4", errors: [0.05, 0.07] }, { name: HOSTILE, errors: [0, NaN] }],
  },
  samples: {
    prompt: HOSTILE,
    outputs: [{ name: "original", text: " one two" }, { name: HOSTILE, text: ` one ${HOSTILE}` }],
  },
  settings: { backend: "plain", text: HOSTILE },
};
