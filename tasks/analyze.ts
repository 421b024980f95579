/**
 * `deno task analyze`: what the weights of each Linear look like.
 *
 * @module
 */
import { dequantize, isPacked, loadModel, weightStats } from "any4";
import { table } from "../lib/show/table.ts";
import { command, jsonOption, main, modelOption, short, whole } from "./cli.ts";

const options = command("analyze", "Show statistics of every Linear's weights: spread, outliers, entropy.")
  .addOption(modelOption())
  .option("--bins <n>", "equal bins of the histogram whose entropy is shown", whole(2), 256)
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
    console.log(JSON.stringify({ model: model.name, bins: options.bins, layers }, null, 2));
    return;
  }
  const columns = ["shape", "format", "mean", "std", "min", "max", "kurtosis", "beyond 4σ", "entropy, bits"];
  console.log(table(
    [{ title: "Linear" }, ...columns.map((title) => ({ title, align: "right" as const }))],
    layers.map((layer) => [
      layer.linear.replace(/^model\.layers\./, ""),
      `${layer.rows}×${layer.cols}`,
      layer.format ?? "F32",
      short(layer.mean),
      short(layer.std),
      short(layer.min),
      short(layer.max),
      short(layer.kurtosis),
      `${(100 * layer.outliers).toFixed(3)} %`,
      layer.entropy.toFixed(3),
    ]),
  ));
  console.log(
    `\nEntropy is that of a histogram of ${options.bins} equal bins: ${
      Math.log2(options.bins).toFixed(1)
    } bits at most.`,
  );
});
