/**
 * What each choice in learning a table is worth: weightings, learners, one table a row or a matrix, calibration.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { dequantize, isPacked, loadModel, type Model, quantizeModel, type QuantizeModelOptions } from "any4";
import { weightings } from "any4/learn";
import { compare, type Document, layerErrors, referenceLogits } from "any4/measure";
import { progress, table } from "any4/show";

const HELP = `Quantizes a model in many ways and shows what each choice costs.

Usage: deno run --allow-read --allow-env --allow-sys=osRelease bench/ablations.ts [options]

  --model NAME        tinyworld, or a folder in Hugging Face layout (tinyworld)
  --documents FILE    measure on a JSON array of texts instead of the library's own
  --tokens N          measure on about this many tokens (4000)
  --context N         tokens of context; longer texts are cut off there
  --group-size N      columns that share a scale (128)
  --formats NAMES     learned formats (any4,any3,any2)
  --seeds N           seeds of the random starts, of which the mean is shown (3)
  --help              this text
`;

/** What an ablation changes. */
interface Choice {
  readonly name: string;
  readonly options: Partial<QuantizeModelOptions>;
  /** Several runs, of which the mean counts. */
  readonly runs?: readonly Partial<QuantizeModelOptions>[];
}

function choices(seeds: number): Choice[] {
  const inits = ["k-means++", "random", "int", "nf4"] as const;
  const seeded = Array.from({ length: seeds }, (_, seed) => seed);
  return [
    { name: "exact, mean-square: the default", options: {} },
    ...weightings.keys().filter((it) => it !== "mean-square").map((weighting) => ({
      name: `weighting ${weighting}`,
      options: { weighting },
    })),
    ...inits.map((init) => ({
      name: `Lloyd from ${init}`,
      options: {},
      runs: (init === "int" || init === "nf4" ? [0] : seeded).map((seed) => ({
        method: { name: "lloyd" as const, init, seed },
      })),
    })),
    {
      name: "Lloyd from k-means++, weighting mean",
      options: { weighting: "mean" },
      runs: seeded.map((seed) => ({ method: { name: "lloyd" as const, init: "k-means++", seed } })),
    },
    ...([
      { name: "gptq" },
      { name: "gptq", shrinkage: 0.5 },
      { name: "leanquant" },
      { name: "lnq", shrinkage: 0.1 },
      { name: "lnq" },
    ] as const).map((method) => ({ name: Object.values(method).join(", λ = "), options: { method } })),
    { name: "one table a matrix", options: { codebook: "matrix" } },
    { name: "sequential calibration", options: { sequential: true } },
  ];
}

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "tinyworld" },
    documents: { type: "string" },
    tokens: { type: "string", default: "4000" },
    context: { type: "string" },
    "group-size": { type: "string", default: "128" },
    formats: { type: "string", default: "any4,any3,any2" },
    seeds: { type: "string", default: "3" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  Deno.exit();
}

using model = await loadModel(options.model);
const documents = options.documents === undefined
  ? undefined
  : (JSON.parse(Deno.readTextFileSync(options.documents)) as string[]).map((text): Document => ({
    kind: "text",
    text,
  }));
const reference = await referenceLogits(model, {
  documents,
  maxTokens: Number(options.tokens),
  context: options.context === undefined ? undefined : Number(options.context),
  truncate: options.context !== undefined,
});

/** ‖difference‖ / ‖original‖ over all quantized weights. */
function weightError(small: Model): number {
  let [error, norm] = [0, 0];
  for (const linear of model.linears()) {
    const [before, after] = [model.weights(linear), small.weights(linear)];
    if (isPacked(before) || !isPacked(after)) continue;
    const values = dequantize(after);
    for (const [i, value] of before.data.entries()) {
      error += (value - values[i]!) ** 2;
      norm += value ** 2;
    }
  }
  return Math.sqrt(error / norm);
}

/** What a quantized model costs, in the order of the table's columns. */
async function costs(settings: QuantizeModelOptions): Promise<number[]> {
  const small = await quantizeModel(model, settings);
  const { perplexity, kl, top1 } = await compare(small, reference);
  const errors = await layerErrors(model, small);
  const layers = errors.reduce((sum, { outputError }) => sum + outputError, 0) / errors.length;
  return [perplexity, kl, 100 * top1, 100 * layers, 100 * weightError(small)];
}

const DIGITS = [4, 5, 1, 2, 2];
const rows: string[][] = [];
const all = choices(Number(options.seeds));
const formats = options.formats.split(",");
{
  using bar = progress(model.name, formats.length * all.length);
  for (const format of formats) {
    for (const choice of all) {
      const results: number[][] = [];
      for (const run of choice.runs ?? [{}]) {
        results.push(
          await costs({ format, groupSize: Number(options["group-size"]), ...choice.options, ...run }),
        );
      }
      const means = results[0]!.map((_, i) => results.reduce((sum, it) => sum + it[i]!, 0) / results.length);
      rows.push([format, choice.name, ...means.map((mean, i) => mean.toFixed(DIGITS[i]))]);
      bar.update(rows.length, `${format}, ${choice.name}`);
    }
  }
}
console.log(
  `${model.name}: perplexity ${
    reference.perplexity.perplexity.toFixed(4)
  } on ${reference.perplexity.tokens} tokens, group size ${options["group-size"]}\n`,
);
console.log(table(
  [
    { title: "format" },
    { title: "choice" },
    ...["perplexity", "KL", "top-1 %", "layer error %", "weight error %"].map((title) => ({
      title,
      align: "right" as const,
    })),
  ],
  rows,
));
