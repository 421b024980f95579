/**
 * What formats cost on a real model at several group sizes: the numbers behind the README's picture and table.
 *
 * ```sh
 * deno run --allow-read --allow-write --allow-env --allow-sys bench/equal_bits.ts model.gguf \
 *   --text wikitext-2-raw-test.txt --formats any4:row,int4:72,nf4:36 --out bench/results/model.json
 * ```
 *
 * @module
 */
import { parseArgs } from "node:util";
import { calibrate, loadModel, quantizeModel } from "any4";
import { methodOf } from "any4/learn";
import {
  candidatesOf,
  compare,
  drawSamples,
  type FormatCost,
  peakMemory,
  referenceLogits,
} from "any4/measure";
import { formatOf } from "any4/formats";

const HELP = `Measures formats on a model: bits, KL and perplexity with standard errors.

Usage: deno run --allow-read --allow-write --allow-env --allow-sys bench/equal_bits.ts [options] model

  --text FILE        text to measure on; its beginning is taken
  --tokens N         tokens (2048)
  --context N        tokens of context (512)
  --formats LIST     formats as of deno task compare: any4:row,any4sym:128/int8,int4:64; with a method of its
                     own as in "int4:128 awq"
  --method NAME      method, as of deno task compare (kmeans)
  --calibration FILE rows with texts to calibrate on; the library's own text when absent
  --samples N        samples of them (12)
  --out FILE         JSON of the results, rewritten after each; what it has already is not measured again
  --help             this text
`;

/** What the file has: the settings, the original, a row per format and group size. */
export interface EqualBits {
  readonly model: string;
  readonly text: string;
  readonly tokens: number;
  readonly context: number;
  readonly dtype: string;
  readonly parameters: number;
  /** Peak memory of this process in bytes: with the model loaded, and after everything. */
  readonly peak: Record<string, number>;
  readonly baseline: Pick<FormatCost, "perplexity" | "perplexityStderr" | "bitsPerWeight" | "bytes">;
  readonly rows: Row[];
}

/** One format at one group size. */
export type Row =
  & Pick<FormatCost, "format" | "bits" | "bitsPerWeight" | "bytes" | "learned" | "seconds">
  & Pick<FormatCost, "kl" | "klStderr" | "perplexity" | "perplexityStderr" | "top1">
  & { readonly groupSize: number | "row" };

async function measure(
  name: string,
  options: {
    text: string;
    tokens: number;
    context: number;
    formats: string[];
    method: string;
    calibration?: string;
    samples: number;
    out: string;
  },
): Promise<void> {
  const { text, tokens, context, formats, method, samples, out } = options;
  const peak: Record<string, number> = {};
  using model = await loadModel(name, { backend: "wasm" });
  peak.load = peakMemory();
  const reference = await referenceLogits(model, {
    // Enough letters for the tokens, so that the rest of a long file is not tokenized.
    text: Deno.readTextFileSync(text).slice(0, 12 * tokens),
    maxTokens: tokens,
    context,
  });
  peak.reference = peakMemory();
  const { perplexity, perplexityStderr, tokens: measured } = reference.perplexity;
  const { bitsPerWeight, size: { bytes, parameters } } = model;
  console.error(`original: perplexity ${perplexity} ± ${perplexityStderr} on ${measured} tokens`);
  const texts = options.calibration &&
    await drawSamples(options.calibration, { samples, characters: 2000 });
  const candidates = formats.flatMap((text) => {
    const [format = "", own = method] = text.split(" ");
    return candidatesOf([format], [own]);
  });
  const gram = candidates.some(({ awq, method }) => !awq && methodOf(method).needs === "gram");
  const statistics = await calibrate(model, { text: texts, gram });
  const before: EqualBits | undefined = (() => {
    try {
      return JSON.parse(Deno.readTextFileSync(out));
    } catch {
      return undefined;
    }
  })();
  const rows: Row[] = [...before?.rows ?? []];
  for (const candidate of candidates) {
    // After AWQ, inputs are others.
    const calibration = candidate.awq ? texts : statistics;
    const format = formatOf(candidate.format);
    const { groupSize = format.groupSize } = candidate;
    const label = candidate.name.replace(/:[^/ ]+/, "");
    if (rows.some((row) => row.format === label && row.groupSize === groupSize)) continue;
    const start = performance.now();
    using small = await quantizeModel(model, { ...candidate, calibration });
    const seconds = (performance.now() - start) / 1000;
    peak.quantize = peakMemory();
    const found = await compare(small, reference);
    peak.compare = peakMemory();
    rows.push({
      format: label,
      bits: format.bits,
      groupSize,
      bitsPerWeight: small.bitsPerWeight,
      bytes: small.size.bytes,
      learned: format.values === null,
      seconds,
      kl: found.kl,
      klStderr: found.klStderr,
      perplexity: found.perplexity,
      perplexityStderr: found.perplexityStderr,
      top1: found.top1,
    });
    const { kl, klStderr } = found;
    console.error(
      `${candidate.name}: ${small.bitsPerWeight.toFixed(3)} bits, KL ${kl.toFixed(4)} ± ${
        klStderr.toFixed(4)
      }, ` +
        `perplexity ${found.perplexity.toFixed(2)} ± ${found.perplexityStderr.toFixed(2)}; ` +
        `${seconds.toFixed(0)} + ${((performance.now() - start) / 1000 - seconds).toFixed(0)} s`,
    );
    const result: EqualBits = {
      model: model.name,
      text: text.split("/").at(-1)!,
      tokens: measured,
      context,
      dtype: model.dtype,
      parameters,
      peak: before?.peak ?? peak,
      baseline: { perplexity, perplexityStderr, bitsPerWeight, bytes },
      rows,
    };
    Deno.writeTextFileSync(out, JSON.stringify(result, null, 2) + "\n");
  }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      text: { type: "string" },
      tokens: { type: "string", default: "2048" },
      context: { type: "string", default: "512" },
      formats: { type: "string", default: "any4,int4,nf4,any3,int3,any2,int2" },
      method: { type: "string", default: "kmeans" },
      calibration: { type: "string" },
      samples: { type: "string", default: "12" },
      out: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { text, out, method } = values;
  if (values.help || positionals.length !== 1 || !text || !out) {
    console.log(HELP);
    Deno.exit(values.help ? 0 : 2);
  }
  await measure(positionals[0]!, {
    text,
    out,
    method,
    calibration: values.calibration,
    samples: Number(values.samples),
    tokens: Number(values.tokens),
    context: Number(values.context),
    formats: values.formats.split(","),
  });
  Deno.exit();
}
