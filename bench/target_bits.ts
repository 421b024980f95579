/**
 * Formats chosen for each Linear beside one format for all, at equal bits: the table "Formats by target" of bench/README.md.
 *
 * ```sh
 * deno run --allow-read --allow-env --allow-sys bench/target_bits.ts --formats any3sym/int8,any3sym:64/matrix/int8
 * ```
 *
 * @module
 */
import { parseArgs } from "node:util";
import { calibrate, loadModel } from "any4";
import { parseMethod } from "any4/learn";
import { candidatesOf, compare, type Document, referenceLogits } from "any4/measure";
import { quantizeModel, writtenSamples } from "any4/quantize";
import { table } from "any4/show";

const HELP = `Measures a model in some formats, and with formats chosen for as many bits.

Usage: deno run --allow-read --allow-env --allow-sys bench/target_bits.ts [options]

  --model NAME        tinyworld, a folder in Hugging Face layout, or a GGUF file (tinyworld)
  --formats LIST      formats for all Linears, as the task compare takes them
  --candidates LIST   formats to choose from, instead of the default
  --method NAME       method (lnq)
  --calibrate FILE    a JSON array of texts to calibrate with, instead of what the model writes itself
  --skip N            leave out the first N of them (0)
  --tokens N          tokens to calibrate with (8192)
  --documents FILE    a JSON array of texts to measure on, instead of the library's own
  --measured N        measure on about this many tokens (4000)
  --context N         tokens of context; longer texts are cut off there
  --help              this text
`;

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "tinyworld" },
    formats: { type: "string", default: "any2sym/int8,any3sym/int8,any4sym/int8" },
    candidates: { type: "string" },
    method: { type: "string", default: "lnq" },
    calibrate: { type: "string" },
    skip: { type: "string", default: "0" },
    tokens: { type: "string", default: "8192" },
    documents: { type: "string" },
    measured: { type: "string", default: "4000" },
    context: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  Deno.exit();
}

using model = await loadModel(options.model, { backend: "wasm" });
const maxTokens = Number(options.tokens);
const text = options.calibrate
  ? JSON.parse(Deno.readTextFileSync(options.calibrate)).slice(Number(options.skip)) as string[]
  : await writtenSamples(model, { tokens: maxTokens });
const documents: Document[] | undefined = options.documents === undefined
  ? undefined
  : JSON.parse(Deno.readTextFileSync(options.documents)).map((text: string) => ({ kind: "text", text }));
const reference = await referenceLogits(model, {
  documents,
  maxTokens: Number(options.measured),
  ...(options.context && { context: Number(options.context) }),
});
const calibration = await calibrate(model, { text, maxTokens, gram: true });
const shared = { calibration, method: parseMethod(options.method) };

const rows: string[][] = [];
for (const { name, ...one } of candidatesOf(options.formats.split(","), [options.method])) {
  let targetBits: number | undefined;
  for (const how of ["one format", "chosen"]) {
    const started = performance.now();
    using small = await quantizeModel(model, {
      ...shared,
      ...(targetBits === undefined ? one : { targetBits, candidates: options.candidates?.split(",") }),
    });
    const seconds = (performance.now() - started) / 1000;
    const { kl, klStderr, perplexity } = await compare(small, reference);
    rows.push([
      how === "chosen" ? "chosen" : name,
      small.bitsPerWeight.toFixed(3),
      `${kl.toPrecision(3)} ± ${klStderr.toPrecision(2)}`,
      perplexity.toFixed(3),
      seconds.toFixed(1),
    ]);
    console.error(rows.at(-1)!.join("  "));
    targetBits = small.bitsPerWeight;
  }
}
const right = (title: string) => ({ title, align: "right" as const });
console.log(table([{ title: "format" }, ...["bits", "KL", "perplexity", "s"].map(right)], rows));
Deno.exit();
