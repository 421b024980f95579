/**
 * Methods by the tokens that they are calibrated with: the table and the curve of bench/README.md.
 *
 * ```sh
 * deno run --allow-read --allow-write --allow-env --allow-sys bench/methods.ts --formats any4,any3 --methods kmeans,lnq
 * ```
 *
 * @module
 */
import { parseArgs } from "node:util";
import { calibrate, loadModel } from "any4";
import { methodOf } from "any4/learn";
import { type CandidateCost, candidatesOf, compareMethods, type Document } from "any4/measure";
import { type TokenWeights, writtenSamples } from "any4/quantize";
import { table } from "any4/show";

const HELP = `Compares methods and formats, calibrated with more and more tokens.

Usage: deno run --allow-read --allow-write --allow-env --allow-sys bench/methods.ts [options]

  --model NAME        tinyworld, a folder in Hugging Face layout, or a GGUF file (tinyworld)
  --calibrate FILE    a JSON array of texts to calibrate with, instead of what the model writes itself
  --skip N            leave out the first N of them (0)
  --tokens LIST       tokens to calibrate with (512,2048,8192)
  --formats LIST      formats as the task compare takes them (any4,any3,any2)
  --methods LIST      methods, too (kmeans,lnq)
  --weightings LIST   weightings of columns, for methods that know nothing else of inputs (mean-square)
  --token-weights LIST  weights of tokens: none, norm (none)
  --documents FILE    a JSON array of texts to measure on, instead of the library's own
  --measured N        measure on about this many tokens (4000)
  --context N         tokens of context; longer texts are cut off there
  --out FILE          JSON of the results, rewritten after each; what it has already is not measured again
  --help              this text
`;

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "tinyworld" },
    calibrate: { type: "string" },
    skip: { type: "string", default: "0" },
    tokens: { type: "string", default: "512,2048,8192" },
    formats: { type: "string", default: "any4,any3,any2" },
    methods: { type: "string", default: "kmeans,lnq" },
    weightings: { type: "string", default: "mean-square" },
    "token-weights": { type: "string", default: "none" },
    documents: { type: "string" },
    measured: { type: "string", default: "4000" },
    context: { type: "string" },
    out: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  Deno.exit();
}

/** How a row was calibrated. */
interface Setting {
  /** Tokens. */
  readonly calibrated: number;
  readonly weighting?: string;
  readonly tokenWeights?: TokenWeights;
}

/** A row of the table, and its setting. */
type Row = CandidateCost & Setting;

/** The tokens and what else is not as always, in words. */
function nameOf({ calibrated, weighting = "mean-square", tokenWeights = "none" }: Setting): string {
  const others = [
    weighting !== "mean-square" && weighting,
    tokenWeights !== "none" && `tokens by ${tokenWeights}`,
  ];
  return [calibrated, ...others.filter((one) => one)].join(", ");
}

function kept(): Row[] {
  try {
    return options.out ? JSON.parse(Deno.readTextFileSync(options.out)) : [];
  } catch {
    return [];
  }
}

using model = await loadModel(options.model, { backend: "wasm" });
const sizes = options.tokens.split(",").map(Number);
const texts = options.calibrate
  ? JSON.parse(Deno.readTextFileSync(options.calibrate)).slice(Number(options.skip)) as string[]
  : await writtenSamples(model, { tokens: Math.max(...sizes) });
const documents: Document[] | undefined = options.documents === undefined
  ? undefined
  : JSON.parse(Deno.readTextFileSync(options.documents)).map((text: string) => ({ kind: "text", text }));
const candidates = candidatesOf(options.formats.split(","), options.methods.split(","));
const gram = candidates.some(({ method }) => methodOf(method).needs === "gram");
const rows = kept();
const settings = sizes.flatMap((calibrated) =>
  options["token-weights"].split(",").flatMap((tokenWeights) =>
    options.weightings.split(",").map((weighting) => (
      { calibrated, weighting, tokenWeights: tokenWeights as TokenWeights }
    ))
  )
);
const rowsOf = (setting: Setting) => rows.filter((row) => nameOf(row) === nameOf(setting));
for (const setting of settings) {
  const { calibrated: maxTokens, weighting, tokenWeights } = setting;
  await compareMethods(model, {
    candidates,
    calibration: await calibrate(model, { text: texts, maxTokens, gram, tokenWeights }),
    weighting,
    documents,
    maxTokens: Number(options.measured),
    ...(options.context && { context: Number(options.context) }),
    known: rowsOf(setting),
    onRow(row) {
      rows.push({ ...row, ...setting });
      if (options.out) Deno.writeTextFileSync(options.out, JSON.stringify(rows, null, 1) + "\n");
    },
  });
}
const right = (title: string) => ({ title, align: "right" as const });
console.log(table(
  [{ title: "tokens" }, { title: "candidate" }, ...["bits", "KL", "±", "perplexity", "s"].map(right)],
  settings.flatMap((setting) =>
    candidates.map(({ name }) => rowsOf(setting).find((row) => row.name === name)!)
  ).map(({ name, bitsPerWeight, kl, klStderr, perplexity, seconds, ...setting }) => [
    nameOf(setting),
    name,
    bitsPerWeight.toFixed(3),
    kl.toFixed(5),
    klStderr.toFixed(5),
    perplexity.toFixed(3),
    seconds.toFixed(1),
  ]),
));
