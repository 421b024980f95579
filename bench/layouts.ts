/**
 * What a model loses in each layout of tables and scales, and at how many bits.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { calibrate, loadModel, quantizeModel, type QuantizeModelOptions } from "any4";

import { compare, type Document, evaluationDocuments, referenceLogits } from "any4/measure";
import { table } from "any4/show";

const HELP = `Quantizes a model in many layouts and measures the divergence from the original, on texts.

Usage: deno run --allow-read --allow-env --allow-sys bench/layouts.ts [options] [words]

Only layouts whose name has one of the words are measured; all without words.

  --model NAME        tinyworld, a folder in Hugging Face layout, or a GGUF file (tinyworld)
  --documents FILE    a JSON array of texts, or a text that is cut into pieces, instead of the library's own
  --pieces N          at most this many texts, or pieces of a text (40)
  --context N         tokens of context; longer texts are cut off there (256)
  --help              this text
`;

type Options = Omit<QuantizeModelOptions, "onProgress">;

const inBytes = { codebookType: "int8", scaleType: "int8" } as const;

/** Layouts by name: the format, its groups, and what differs from the default. */
const layouts: Record<string, Options> = {
  "int4:128": { format: "int4" },
  "int4:64": { format: "int4", groupSize: 64 },
  "nf4:64": { format: "nf4", groupSize: 64 },
  "any4:128": { format: "any4" },
  "any4:128, tables int8": { format: "any4", codebookType: "int8" },
  "any4:128, tables and scales int8": { format: "any4", ...inBytes },
  "any4:row": { format: "any4", groupSize: "row" },
  "any4:row, tables int8": { format: "any4", groupSize: "row", codebookType: "int8" },
  "any4:row, tables and scales int8": { format: "any4", groupSize: "row", ...inBytes },
  "any4sym:128": { format: "any4sym" },
  "any4sym:128, tables int8": { format: "any4sym", codebookType: "int8" },
  "any4sym:128, tables and scales int8": { format: "any4sym", ...inBytes },
  "any4sym:64, tables and scales int8": { format: "any4sym", groupSize: 64, ...inBytes },
  "any4sym:row, tables and scales int8": { format: "any4sym", groupSize: "row", ...inBytes },
  "any3:128": { format: "any3" },
  "any3:128, tables and scales int8": { format: "any3", ...inBytes },
  "any3sym:128, tables and scales int8": { format: "any3sym", ...inBytes },
  "any2:128": { format: "any2" },
  "any2:128, tables and scales int8": { format: "any2", ...inBytes },
  "any2:64, tables and scales int8": { format: "any2", groupSize: 64, ...inBytes },
  "any2:128, tables and scales int8, outliers 0.2 %": { format: "any2", ...inBytes, outliers: 0.002 },
  "any2:128, tables and scales int8, outliers 0.5 %": { format: "any2", ...inBytes, outliers: 0.005 },
  "any2:128, tables and scales int8, outliers 1 %": { format: "any2", ...inBytes, outliers: 0.01 },
  "any3:128, tables and scales int8, outliers 0.5 %": { format: "any3", ...inBytes, outliers: 0.005 },
  "any4:128, tables and scales int8, outliers 0.5 %": { format: "any4", ...inBytes, outliers: 0.005 },
};

const { values: options, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: "string", default: "tinyworld" },
    documents: { type: "string" },
    pieces: { type: "string", default: "40" },
    context: { type: "string", default: "256" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  Deno.exit();
}

/** A long text is cut into pieces of about 1,200 characters, evenly spread over it. */
function documents(): Document[] {
  const most = Number(options.pieces);
  if (!options.documents) return evaluationDocuments().slice(0, most);
  const text = Deno.readTextFileSync(options.documents);
  const texts: string[] = options.documents.endsWith(".json")
    ? JSON.parse(text)
    : Array.from({ length: most }, (_, i) => {
      const from = Math.floor(i * text.length / most);
      return text.slice(from, from + 1200);
    });
  return texts.slice(0, most).map((text) => ({ kind: "text", text }));
}

const model = await loadModel(options.model, { backend: "wasm", activations: "f32" });
const measured = documents();
const settings = { context: Number(options.context), truncate: true };
const reference = await referenceLogits(model, { documents: measured, ...settings });

const calibration = await calibrate(model);
const { perplexity, tokens } = reference.perplexity;
console.log(`${model.name}: perplexity ${perplexity.toFixed(3)} on ${tokens} tokens`);
const rows: string[][] = [];
for (const [name, layout] of Object.entries(layouts)) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
  const started = performance.now();
  using small = await quantizeModel(model, { ...layout, calibration });
  const seconds = (performance.now() - started) / 1000;
  const { kl, klStderr, perplexity } = await compare(small, reference);
  rows.push([
    name,
    small.bitsPerWeight.toFixed(3),
    `${kl.toPrecision(3)} ± ${klStderr.toPrecision(1)}`,
    perplexity.toFixed(3),
    seconds.toFixed(1),
  ]);
  console.error(rows.at(-1)!.join("  "));
}
console.log(table(
  [
    { title: "layout" },
    ...["bits per weight", "KL", "perplexity", "seconds"].map((title) => ({
      title,
      align: "right" as const,
    })),
  ],
  rows,
));
Deno.exit();
