/**
 * `deno task quantize`: quantize a model and save packed or dequantized weights.
 *
 * @module
 */
import { loadModel, perplexity, quantizeOnDisk } from "any4";
import {
  byFormat,
  loadCalibration,
  type MeasuredQuality,
  type Stage,
  STAGES,
  type TokenWeights,
  type UnitOptions,
  Units,
} from "any4/quantize";
import { count, duration, percent, type Progress, progress, size, table, visible } from "any4/show";
import {
  command,
  type Computing,
  type Drawing,
  formatOption,
  jsonOption,
  type Learning,
  list,
  main,
  modelOption,
  Option,
  override,
  positive,
  print,
  printJson,
  quietOption,
  readSamples,
  tokenWeightsOption,
  unitName,
  whole,
  writtenOption,
  writtenTexts,
} from "./cli.ts";

const options = command("quantize", "Quantize a model and save it as a Hugging Face folder.")
  .addOption(modelOption())
  .requiredOption("-o, --out <folder>", "folder for the quantized model")
  .addOption(formatOption())
  .learning()
  .option("--awq", "scale inputs and clip weights by AWQ before they are quantized")
  .addOption(tokenWeightsOption())
  .drawing()
  .addOption(writtenOption())
  .addOption(
    new Option("--calibration <file>", "use the statistics saved by `deno task calibrate --out`")
      .conflicts(["text", "data", "sequential"]),
  )
  .option("--sequential", "calibrate each Linear on the model quantized so far")
  .option(
    "--skip <patterns>",
    'comma-separated patterns of Linears to leave as they are; "*" matches any characters',
    list,
  )
  .option(
    "--override <pattern=format>",
    "format of matching Linears: model.layers.0.*=int8, *.v_proj=any4sym:64/int8; or a .json file of them; the last match counts",
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
    "formats that --target-bits chooses from, as in --override (default: any2sym/int8 to any4sym/int8, also /matrix, and int8)",
    list,
  )
  .option("--dequantized", "write a plain BF16 checkpoint that transformers loads")
  .addOption(
    new Option("--reference", "write the tensors of the any4 reference's Any4Linear").conflicts(
      "dequantized",
    ),
  )
  .option("--force", "replace files in the folder that this program has not written")
  .option("--restart", "delete the files of an unfinished or damaged run and start over")
  .option(
    "--measure [tokens]",
    "measure the perplexity of both models for the model card, on this number of tokens or all",
    whole(2),
  )
  .option("--parts <n>", "parts of the sample that are summed alone and then joined", whole(1))
  .option("--row-parts <n>", "shares of each matrix's rows that units do", whole(1))
  .option("--work <folder>", "folder that units share (default: --out with .units behind it)")
  .option("--units", "list the units of work and the files that each leaves, as JSON")
  .addOption(
    new Option("--unit <stage/n>", "run one unit of work, unless it is done").argParser(unitName(STAGES))
      .conflicts("units"),
  )
  .addOption(
    new Option("--assemble", "write the model from units that are all done").conflicts(["units", "unit"]),
  )
  .option("--max-shard-bytes <n>", "the largest size of a weights file, in bytes", whole(1), 5e9)
  .computing()
  .addOption(quietOption())
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & Drawing & Learning & {
      model: string;
      out: string;
      format: string;
      awq?: true;
      tokenWeights: TokenWeights;
      calibration?: string;
      written?: number;
      sequential?: true;
      skip?: string[];
      override?: Record<string, string>;
      head?: string;
      embedding?: string;
      targetBits?: number;
      candidates?: string[];
      dequantized?: true;
      reference?: true;
      restart?: true;
      force?: true;
      measure?: true | number;
      parts?: number;
      rowParts?: number;
      work?: string;
      units?: true;
      unit?: { stage: Stage; index: number };
      assemble?: true;
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

const { model, out, calibration, written, measure, json, quiet, work, units, unit, assemble, ...others } =
  options;
const { text, data, samples, length, seed, dataDir, ...rest } = others;
const silent = { quiet: quiet || json };
const shared = work ?? `${out.replace(/\/+$/, "")}.units`;
/** The file that says that the model was assembled, where the units are kept. */
const assembled = `${shared}/assembled`;

/** Lists units, or runs one. */
async function divided(settings: UnitOptions): Promise<void> {
  using all = await Units.open(model, shared, settings);
  if (!unit) return printJson({ work: shared, assembled, stages: all.stages() });
  const { stage, index } = unit;
  const done = await all.run(stage, index);
  if (!options.quiet) print(`${stage}/${index}: ${done ? "done" : "was done before"}`);
}

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
  const settings: UnitOptions = {
    ...rest,
    ...silent,
    calibration: calibration !== undefined
      ? loadCalibration(calibration)
      : written !== undefined
      ? await writtenTexts(model, written, { ...rest, ...silent })
      : await readSamples({ text, data, samples, length, seed, dataDir }),
  };
  if (units || unit) return await divided(settings);
  const summary = await (async () => {
    using phases = new Phases();
    const { rowParts: _, ...whole } = settings;
    const watched = {
      ...whole,
      measure: measure === undefined
        ? undefined
        : () => perplexities(phases, measure === true ? undefined : measure),
      onProgress: (at: Parameters<Phases["update"]>[0]) => phases.update(at),
    };
    if (!assemble) return await quantizeOnDisk(model, out, watched);
    using all = await Units.open(model, shared, { ...watched, rowParts: settings.rowParts });
    const summary = await all.assemble(out);
    // A folder of their own is kept: other formats may use its statistics.
    if (work === undefined) await Deno.remove(shared, { recursive: true });
    else await Deno.writeTextFile(assembled, "");
    return summary;
  })();
  const { measured } = summary;
  const asked = { format: options.format, groupSize: options.groupSize, out: options.out };
  if (options.json) return printJson({ ...summary, ...asked, ...measured }, 2);
  if (options.quiet) return;

  print(table(
    [
      { title: "format" },
      ...["Linears", "weights", "bits per weight", "noise in the output"].map((title) => ({
        title,
        align: "right" as const,
      })),
    ],
    [
      ...byFormat(summary.linears).map(({ linears, ...each }) => ({ ...each, linears: String(linears) })),
      ...summary.ends.map((end) => ({ ...byFormat([end])[0]!, linears: visible(end.linear) })),
    ].map(({ format, linears, weights, bitsPerWeight, error }) => [
      format,
      linears,
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
  print(
    `\n${visible(summary.model)}: ${summary.bitsPerWeight.toFixed(2)} bits per weight, ` +
      `${size(summary.originalBytes)} → ${size(bytes)} (${size(fileBytes)} in files), ${form} ${
        visible(options.out)
      } ` +
      `in ${duration(summary.seconds)}, ${size(peakBytes)} of memory at most` +
      (found > 0 ? `; ${found} of ${summary.linears.length} Linears were done before` : ""),
  );
  if (measured) {
    print(
      `Perplexity ${measured.perplexity.toFixed(3)}, the original's ${measured.original!.toFixed(3)}, ` +
        `on ${count(measured.tokens)} tokens`,
    );
  }
});
