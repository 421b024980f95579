/**
 * Formats chosen for each Linear beside one format for all, at equal bits, tuned or not: the tables "Formats by target" and
 * "Tuning with codes fixed" of bench/README.md.
 *
 * ```sh
 * deno run --allow-read --allow-env --allow-sys bench/target_bits.ts --formats any3sym/int8,any3sym:64/matrix/int8
 * ```
 *
 * @module
 */
import { parseArgs } from "node:util";
import { calibrate, loadModel } from "any4";
import { type Candidate, candidatesOf, compare, type Document, referenceLogits } from "any4/measure";
import { awq, quantizeModel, writtenSamples } from "any4/quantize";
import { table } from "any4/show";

const HELP = `Measures a model in some formats, and with formats chosen for as many bits.

Usage: deno run --allow-read --allow-env --allow-sys bench/target_bits.ts [options]

  --model NAME        tinyworld, a folder in Hugging Face layout, or a GGUF file (tinyworld)
  --formats LIST      formats for all Linears, as the task compare takes them, or bits to choose formats for
  --alone             do not choose formats for as many bits as each of them has
  --candidates LIST   formats to choose from, instead of the default
  --method NAME       method (lnq; awq+gptq), and tuning as in lnq+tune-model:epochs=2:codes=true
  --tuned N           tune on the first N texts of the calibration instead of all
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
    alone: { type: "boolean", default: false },
    method: { type: "string", default: "lnq" },
    tuned: { type: "string", default: "Infinity" },
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
  truncate: options.context !== undefined,
  ...(options.context && { context: Number(options.context) }),
});
const calibration = await calibrate(model, { text, maxTokens, gram: true });
const tuned = text.slice(0, Number(options.tuned));

console.error(
  `original: perplexity ${reference.perplexity.perplexity} on ${reference.perplexity.tokens} tokens`,
);
const rows: string[][] = [];
const isBits = (text: string) => /^[\d.]+$/.test(text);
for (const format of options.formats.split(",")) {
  const [{ name, method, awq: first, tuneBlocks, tuneModel, ...one }] = candidatesOf(
    [isBits(format) ? "any4" : format],
    [options.method],
  ) as [Candidate];
  if (first && !options.alone) throw new Error("AWQ makes a model ready for one format: give --alone");
  const shared = {
    method,
    tuneBlocks: tuneBlocks && { text: tuned, ...tuneBlocks },
    tuneModel: tuneModel && { text: tuned, ...tuneModel },
  };
  let targetBits = isBits(format) ? Number(format) : undefined;
  for (const chosen of isBits(format) ? [true] : options.alone ? [false] : [false, true]) {
    const started = performance.now();
    using ready = first ? await awq(model, { ...one, text, maxTokens }) : undefined;
    using small = await quantizeModel(ready ?? model, {
      ...shared,
      // After AWQ, inputs are others.
      calibration: ready ? await calibrate(ready, { text, maxTokens, gram: true }) : calibration,
      ...(chosen ? { targetBits, candidates: options.candidates?.split(",") } : one),
    });
    const seconds = (performance.now() - started) / 1000;
    const { kl, klStderr, perplexity, perplexityStderr } = await compare(small, reference);
    rows.push([
      chosen ? `chosen for ${targetBits!.toFixed(2)} bits` : name,
      small.bitsPerWeight.toFixed(3),
      `${kl.toPrecision(3)} ± ${klStderr.toPrecision(2)}`,
      `${perplexity.toFixed(3)} ± ${perplexityStderr.toPrecision(2)}`,
      seconds.toFixed(1),
    ]);
    console.error(rows.at(-1)!.join("  "));
    targetBits = small.bitsPerWeight;
  }
}
const right = (title: string) => ({ title, align: "right" as const });
console.log(table([{ title: "format" }, ...["bits", "KL", "perplexity", "s"].map(right)], rows));
Deno.exit();
