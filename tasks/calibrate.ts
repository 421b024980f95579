/**
 * `deno task calibrate`: statistics of each Linear's input.
 *
 * @module
 */
import { drawSamples } from "any4/measure";
import { calibrateOnDisk, saveCalibration, type TokenWeights } from "any4/quantize";
import { decimal, progress, visible } from "any4/show";
import {
  command,
  type Computing,
  jsonOption,
  linearsTable,
  main,
  modelOption,
  Option,
  outputFile,
  print,
  printJson,
  readTexts,
  several,
  tokenWeightsOption,
  whole,
} from "./cli.ts";

const options = command(
  "calibrate",
  "Run a sample through a model and show statistics of every Linear's input, by column.",
)
  .addOption(modelOption())
  .option(
    "-t, --text <text or file>",
    "the sample, which may be given several times; the library's own text of five kinds when absent",
    several,
  )
  .addOption(
    new Option(
      "--data <name>",
      "draw samples of a data set's training split: wikitext-2, c4, ptb, codeparrot, org/name[:config] on the Hub, " +
        "or a .jsonl, .parquet, .json, .csv or .txt file",
    ).conflicts("text"),
  )
  .option("--samples <n>", "the number of samples of --data", whole(1), 128)
  .option("--length <n>", "tokens of each sample at most (default: 512 with --data, else all)", whole(1))
  .option("--seed <n>", "seed of drawing samples", whole(0), 0)
  .option("--data-dir <folder>", "read --data from local files instead of the Hub")
  .addOption(tokenWeightsOption())
  .option("--gram", "collect E[x xᵀ] too, which the methods gptq, leanquant and lnq need")
  .option("-o, --out <file>", "save the statistics as safetensors, for `deno task quantize --calibration`")
  .computing()
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & {
      model: string;
      text?: string[];
      data?: string;
      samples: number;
      length?: number;
      seed: number;
      dataDir?: string;
      tokenWeights: TokenWeights;
      gram?: true;
      out?: string;
      json?: true;
    }
  >();

await main(async () => {
  const { model, text, data, samples, seed, dataDir, out, json, ...computing } = options;
  const length = options.length ?? (data === undefined ? undefined : 512);
  if (out !== undefined) outputFile(out);
  const stats = await (async () => {
    using bar = progress(`calibrating ${model}`, 1, { quiet: json });
    return await calibrateOnDisk(model, {
      ...computing,
      quiet: json,
      length,
      text: data === undefined
        ? readTexts(text)
        // A token has hardly ever more than 8 characters.
        : await drawSamples(data, { samples, seed, dataDir, characters: 8 * length! }),
      onProgress: (done, layers) => bar.update(done / layers, `layer ${done} of ${layers}`),
    });
  })();
  const layers = [...stats].map(([linear, { tokens, mean, meanAbs, meanSquare }]) => {
    const average = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const largest = meanSquare.reduce((best, value, i) => value > meanSquare[best]! ? i : best, 0);
    return {
      linear,
      tokens,
      columns: mean.length,
      meanAbs: average(meanAbs),
      rms: Math.sqrt(average(meanSquare)),
      largestColumn: largest,
      // The largest column's share of the squared input, divided by an even share.
      largestShare: meanSquare[largest]! / average(meanSquare),
    };
  });
  if (out) saveCalibration(stats, out);
  if (json) {
    printJson({ model: stats.origin?.model, layers }, 2);
    return;
  }
  print(linearsTable(
    ["tokens", "columns", "mean |x|", "rms x", "largest column", "× the average"],
    layers.map((layer) => [
      layer.linear,
      String(layer.tokens),
      String(layer.columns),
      decimal(layer.meanAbs),
      decimal(layer.rms),
      String(layer.largestColumn),
      decimal(layer.largestShare),
    ]),
  ));
  if (out) print(visible(`\nThe statistics are in ${out}: quantize with --calibration ${out}.`));
});
