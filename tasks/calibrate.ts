/**
 * `deno task calibrate`: statistics of each Linear's input.
 *
 * @module
 */
import { calibrateOnDisk, saveCalibration, type TokenWeights } from "any4/quantize";
import { decimal, progress, visible } from "any4/show";
import {
  command,
  type Computing,
  type Drawing,
  jsonOption,
  linearsTable,
  main,
  modelOption,
  outputFile,
  print,
  printJson,
  readSamples,
  tokenWeightsOption,
} from "./cli.ts";

const options = command(
  "calibrate",
  "Run a sample through a model and show statistics of every Linear's input, by column.",
)
  .addOption(modelOption())
  .drawing()
  .addOption(tokenWeightsOption())
  .option("--gram", "collect E[x xᵀ] too, which the methods gptq, leanquant and lnq need")
  .option("-o, --out <file>", "save the statistics as safetensors, for `deno task quantize --calibration`")
  .computing()
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & Drawing & {
      model: string;
      tokenWeights: TokenWeights;
      gram?: true;
      out?: string;
      json?: true;
    }
  >();

await main(async () => {
  const { model, out, json, text, data, samples, seed, dataDir, ...computing } = options;
  const length = options.length ?? (data === undefined ? undefined : 512);
  if (out !== undefined) outputFile(out);
  const stats = await (async () => {
    using bar = progress(`calibrating ${model}`, 1, { quiet: json });
    return await calibrateOnDisk(model, {
      ...computing,
      quiet: json,
      length,
      // A token has hardly ever more than 8 characters.
      text: await readSamples({ text, data, samples, seed, dataDir, length, perToken: 8 }),
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
