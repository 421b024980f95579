/**
 * `deno task calibrate`: statistics of what each Linear is multiplied by.
 *
 * @module
 */
import { calibrate, decimal, loadModel, saveCalibration } from "any4";
import { command, type Computing, jsonOption, linearsTable, main, modelOption, readText } from "./cli.ts";

const options = command(
  "calibrate",
  "Run a sample through a model and show the activations of every Linear's columns.",
)
  .addOption(modelOption())
  .option("-t, --text <text or file>", "the sample; the library's own text of five kinds when absent")
  .option("-o, --out <file>", "save the statistics as safetensors, for `deno task quantize -- --calibration`")
  .computing()
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & {
      model: string;
      text?: string;
      out?: string;
      json?: true;
    }
  >();

await main(async () => {
  using model = await loadModel(options.model, { ...options, quiet: options.json });
  const text = options.text === undefined ? undefined : readText(options.text);
  const stats = await calibrate(model, { text });
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
      // How far one column stands out: its share of the squared activation, against an even share.
      largestShare: meanSquare[largest]! / average(meanSquare),
    };
  });
  if (options.out) saveCalibration(stats, options.out, { model, text });
  if (options.json) {
    console.log(JSON.stringify({ model: model.name, layers }, null, 2));
    return;
  }
  console.log(linearsTable(
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
  if (options.out) {
    console.log(`\nThe statistics are in ${options.out}: quantize with --calibration ${options.out}.`);
  }
});
