/**
 * Draws the README's pictures, bits per weight against KL, and prints the tables, from what bench/equal_bits.ts has measured:
 *
 * ```sh
 * deno run --allow-read --allow-write=.github bench/equal_bits_picture.ts
 * ```
 *
 * @module
 */
import { figureSvg } from "../lib/show/figure_svg.ts";
import { klPlot } from "../lib/show/kl_plot.ts";
import { measured, percent } from "../lib/terminal/units.ts";
import type { EqualBits, Row } from "./equal_bits.ts";

const root = new URL("../", import.meta.url);
/** The models measured; the first is the README's. */
const MODELS = [
  { name: "SmolLM2-135M-Instruct", file: "smollm2-135m-instruct" },
  { name: "Gemma 3 270M", file: "gemma-3-270m" },
];
/** Widths of the pictures, in pixels: for a screen, for a phone. */
const WIDTHS = { "": 800, "-narrow": 360 };

function results(file: string): EqualBits {
  return JSON.parse(Deno.readTextFileSync(new URL(`bench/results/${file}.json`, root)));
}

/** Rows by code bits and then by bits per weight, as a Markdown table. */
function tableOf({ rows, baseline }: EqualBits): string {
  const sorted = rows.toSorted((a, b) => b.bits - a.bits || a.bitsPerWeight - b.bitsPerWeight);
  const groups = ({ groupSize }: Row) => groupSize === "row" ? "row" : String(groupSize);
  return [
    "| format | group | bits | KL ± | perplexity ± | top-1 |",
    "| ------ | ----: | ---: | ---: | -----------: | ----: |",
    `| original | | ${baseline.bitsPerWeight} | | ${
      measured(baseline.perplexity, baseline.perplexityStderr)
    } | |`,
    ...sorted.map((row) =>
      `| ${row.format} | ${groups(row)} | ${row.bitsPerWeight.toFixed(2)} | ${
        measured(row.kl, row.klStderr)
      } | ${measured(row.perplexity, row.perplexityStderr)} | ${percent(row.top1, { places: 1 })} |`
    ),
  ].join("\n");
}

/** The README's rows: of each number of bits, those of about equal bits per weight. */
const COMPARED = [
  ...["any4sym/int8 lnq:128", "any4:row", "int4 awq:128", "nf4:36", "int4:72", "fp4:36"],
  ...["any3sym/int8 lnq:128", "any3:row", "int3:128"],
  ...["any2sym/int8 lnq:128", "any2:128", "int2:64"],
];

/** The README's table, of its model. */
export function readmeTable(): string[] {
  const { rows, baseline } = results(MODELS[0]!.file);
  const compared = COMPARED.map((name) => {
    const row = rows.find(({ format, groupSize }) => `${format}:${groupSize}` === name)!;
    const groups = row.groupSize === "row" ? "a scale a row" : `groups of ${row.groupSize}`;
    const shown = row.format.replace("/int8 lnq", " by lnq").replace(" awq", " by AWQ");
    const format = row.learned ? `**${shown}**` : shown;
    const perplexity = row.perplexity > 1e4 ? "over 10,000" : measured(row.perplexity, row.perplexityStderr);
    return [`${format}, ${groups}`, row.bitsPerWeight.toFixed(2), measured(row.kl, row.klStderr), perplexity];
  });
  const original = [
    "original, in float32",
    String(baseline.bitsPerWeight),
    "0",
    measured(baseline.perplexity, baseline.perplexityStderr),
  ];
  const head = [["format", "bits per weight", "KL", "perplexity"], ["---", "---:", "---:", "---:"]];
  return [...head, original, ...compared].map((cells) => `| ${cells.join(" | ")} |`);
}

if (import.meta.main) {
  console.log(readmeTable().join("\n"));
  for (const { name, file } of MODELS) {
    const found = results(file);
    const named = found.rows.map((row) => ({ ...row, name: `${row.format}:${row.groupSize}` }));
    for (const [suffix, width] of Object.entries(WIDTHS)) {
      const title = `Bits per weight against KL divergence from the original, ${name} on WikiText-2`;
      const svg = figureSvg(klPlot(named, { width }), { width, title });
      Deno.writeTextFileSync(new URL(`.github/kl-${file}${suffix}.svg`, root), svg + "\n");
    }
    const { text, tokens, context } = found;
    console.log(`\n${name}, ${tokens} tokens of ${text} in contexts of ${context}:\n\n${tableOf(found)}`);
  }
}
