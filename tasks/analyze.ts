/**
 * `deno task analyze`: statistics of each Linear's weights.
 *
 * @module
 */
import { dequantize, isPacked, loadModel } from "any4";
import { weightStats } from "any4/measure";
import { decimal, percent } from "any4/show";
import { command, jsonOption, linearsTable, main, modelOption, print, printJson, whole } from "./cli.ts";

const options = command("analyze", "Show statistics of every Linear's weights: spread, outliers, entropy.")
  .addOption(modelOption())
  .option("--bins <n>", "number of equal bins of the histogram for the entropy", whole(2), 256)
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<{ model: string; bins: number; json?: true }>();

await main(async () => {
  using model = await loadModel(options.model);
  const layers = model.linears().map((linear) => {
    const weights = model.weights(linear);
    const stats = weightStats(isPacked(weights) ? dequantize(weights) : weights.data, { bins: options.bins });
    return {
      linear,
      rows: weights.rows,
      cols: weights.cols,
      format: isPacked(weights) ? weights.format : weights.dtype,
      ...stats,
    };
  });
  if (options.json) {
    printJson({ model: model.name, bins: options.bins, layers }, 2);
    return;
  }
  print(linearsTable(
    ["shape", "format", "mean", "std", "min", "max", "kurtosis", "beyond 4σ", "entropy, bits"],
    layers.map((layer) => [
      layer.linear,
      `${layer.rows}×${layer.cols}`,
      layer.format ?? "F32",
      decimal(layer.mean),
      decimal(layer.std),
      decimal(layer.min),
      decimal(layer.max),
      decimal(layer.kurtosis),
      percent(layer.outliers, { places: 3 }),
      layer.entropy.toFixed(3),
    ]),
  ));
  print(
    `\nEntropy is that of a histogram of ${options.bins} equal bins: ${
      Math.log2(options.bins).toFixed(1)
    } bits at most.`,
  );
});
