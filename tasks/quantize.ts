/**
 * `deno task quantize`: quantize a model and save packed or dequantized weights.
 *
 * @module
 */
import { loadModel, perplexity, quantizeOnDisk } from "any4";
import { byFormat, loadCalibration, type MeasuredQuality } from "any4/quantize";
import { count, duration, percent, type Progress, progress, size, table, visible } from "any4/show";
import {
  command,
  type Computing,
  formatOption,
  groupSizeOption,
  jsonOption,
  list,
  main,
  modelOption,
  Option,
  override,
  positive,
  quietOption,
  readText,
  weightingOption,
  whole,
} from "./cli.ts";

const options = command("quantize", "Quantize a model and save it as a Hugging Face folder.")
  .addOption(modelOption())
  .requiredOption("-o, --out <folder>", "folder for the quantized model")
  .addOption(formatOption())
  .addOption(groupSizeOption())
  .addOption(weightingOption())
  .option("-t, --text <text or file>", "calibrate with this instead of the library's own sample")
  .addOption(
    new Option("--calibration <file>", "use the statistics saved by `deno task calibrate --out`")
      .conflicts(["text", "sequential"]),
  )
  .option("--sequential", "calibrate each Linear on the model quantized so far")
  .option("--codebook <per>", 'learn a codebook per "row", or one per "matrix"', "row")
  .addOption(
    new Option("--codebook-type <type>", "the stored type of learned codebooks").choices([
      "f16",
      "f32",
      "int8",
    ]),
  )
  .addOption(
    new Option("--scale-type <type>", "the stored type of scales and zeros").choices(["f16", "f32", "int8"]),
  )
  .addOption(
    new Option("--outliers <part>", "the part of all weights to keep in 16 bits, such as 0.005").argParser(
      positive,
    ),
  )
  .option(
    "--skip <patterns>",
    'comma-separated patterns of Linears to leave as they are; "*" matches any characters',
    list,
  )
  .option(
    "--override <pattern=format>",
    "format of matching Linears: model.layers.0.*=int8, *.v_proj=any4:64; the last match counts",
    override,
  )
  .option(
    "--head <format>",
    "quantize the head too, for example to int8; a tied model's embedding is the same tensor",
  )
  .option("--embedding <format>", "quantize the embedding too")
  .addOption(
    new Option(
      "--target-bits <n>",
      "choose each Linear's format so that the model has this number of bits per weight",
    )
      .argParser(positive),
  )
  .option(
    "--candidates <formats>",
    "formats that --target-bits chooses from (default: any2,any3,any4,int8)",
    list,
  )
  .option("--dequantized", "write a plain BF16 checkpoint that transformers loads")
  .addOption(
    new Option("--reference", "write the tensors of the any4 reference's Any4Linear").conflicts(
      "dequantized",
    ),
  )
  .option("--restart", "delete the files of an unfinished or damaged run and start over")
  .option(
    "--measure [tokens]",
    "measure the perplexity of both models for the model card, on this number of tokens or all",
    whole(2),
  )
  .option("--max-shard-bytes <n>", "the largest size of a weights file, in bytes", whole(1), 5e9)
  .computing()
  .addOption(quietOption())
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & {
      model: string;
      out: string;
      format: string;
      groupSize: number | "row";
      weighting: string;
      text?: string;
      calibration?: string;
      sequential?: true;
      codebook: "row" | "matrix";
      codebookType?: "f16" | "f32" | "int8";
      scaleType?: "f16" | "f32" | "int8";
      outliers?: number;
      skip?: string[];
      override?: Record<string, string>;
      head?: string;
      embedding?: string;
      targetBits?: number;
      candidates?: string[];
      dequantized?: true;
      reference?: true;
      restart?: true;
      measure?: true | number;
      maxShardBytes: number;
      quiet?: true;
      json?: true;
    }
  >();

/** Progress bars, one for each phase in turn. */
class Phases implements Disposable {
  #bar?: { phase: string; bar: Progress };

  update({ phase, done, total, name }: { phase: string; done: number; total: number; name: string }): void {
    if (this.#bar?.phase !== phase) {
      this[Symbol.dispose]();
      this.#bar = { phase, bar: progress(phase, total, { quiet: options.json || options.quiet }) };
    }
    this.#bar!.bar.update(done, name);
  }

  [Symbol.dispose](): void {
    this.#bar?.bar[Symbol.dispose]();
  }
}

const { model, out, text, calibration, measure, json, quiet, ...rest } = options;
const silent = { quiet: quiet || json };

/** Perplexity of the quantized model, then of the original, one in memory at a time. */
async function perplexities(phases: Phases, maxTokens?: number): Promise<MeasuredQuality> {
  const results = [];
  for (const name of [out, model]) {
    using loaded = await loadModel(name, { ...rest, ...silent });
    results.push(
      await perplexity(loaded, {
        maxTokens,
        onProgress: (done, total) => phases.update({ phase: `perplexity of ${name}`, done, total, name: "" }),
      }),
    );
  }
  const [quantized, original] = results;
  return { perplexity: quantized!.perplexity, original: original!.perplexity, tokens: quantized!.tokens };
}

await main(async () => {
  const summary = await (async () => {
    using phases = new Phases();
    return await quantizeOnDisk(model, out, {
      ...rest,
      ...silent,
      calibration: calibration === undefined
        ? text === undefined ? undefined : readText(text)
        : loadCalibration(calibration),
      measure: measure === undefined
        ? undefined
        : () => perplexities(phases, measure === true ? undefined : measure),
      onProgress: (at) => phases.update(at),
    });
  })();
  const { measured } = summary;
  const asked = { format: options.format, groupSize: options.groupSize, out: options.out };
  if (options.json) return console.log(JSON.stringify({ ...summary, ...asked, ...measured }, null, 2));
  if (options.quiet) return;

  console.log(table(
    [
      { title: "format" },
      ...["Linears", "weights", "bits per weight", "noise in the output"].map((title) => ({
        title,
        align: "right" as const,
      })),
    ],
    byFormat(summary.linears).map(({ format, linears, weights, bitsPerWeight, error }) => [
      format,
      String(linears),
      count(weights),
      bitsPerWeight.toFixed(3),
      percent(error, { places: 2 }),
    ]),
  ));
  const form = options.dequantized
    ? "dequantized to BF16 in"
    : options.reference
    ? "as the reference's tensors in"
    : "saved in";
  const { found, fileBytes, bytes, peakBytes } = summary;
  console.log(
    `\n${visible(summary.model)}: ${summary.bitsPerWeight.toFixed(2)} bits per weight, ` +
      `${size(summary.originalBytes)} → ${size(bytes)} (${
        size(fileBytes)
      } in files), ${form} ${options.out} ` +
      `in ${duration(summary.seconds)}, ${size(peakBytes)} of memory at most` +
      (found > 0 ? `; ${found} of ${summary.linears.length} Linears were done before` : ""),
  );
  if (measured) {
    console.log(
      `Perplexity ${measured.perplexity.toFixed(3)}, the original's ${measured.original!.toFixed(3)}, ` +
        `on ${count(measured.tokens)} tokens`,
    );
  }
});
