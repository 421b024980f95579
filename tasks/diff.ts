/**
 * `deno task diff`: the error of each Linear between two models.
 *
 * @module
 */
import { loadModel, quantizeModel } from "any4";
import { layerErrors } from "any4/measure";
import { percent } from "any4/show";
import {
  command,
  type Computing,
  formatOption,
  groupSizeOption,
  jsonOption,
  linearsTable,
  main,
  modelOption,
  print,
  printJson,
  readText,
  weightingOption,
  whole,
} from "./cli.ts";

const options = command("diff", "Show each Linear's error between a model and its quantized self.")
  .addOption(modelOption())
  .option(
    "--with <folder>",
    "the other model, saved earlier; by default, the first model quantized to --format",
  )
  .addOption(formatOption())
  .addOption(groupSizeOption())
  .addOption(weightingOption())
  .option("-t, --text <text or file>", "input of the original; the calibration sample when absent")
  .option("--tokens <n>", "tokens of the text to use", whole(1), 128)
  .computing()
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & {
      model: string;
      with?: string;
      format: string;
      groupSize: number | "row";
      weighting: string;
      text?: string;
      tokens: number;
      json?: true;
    }
  >();

await main(async () => {
  using model = await loadModel(options.model, { ...options, quiet: options.json });
  using other = options.with
    ? await loadModel(options.with, { ...options, quiet: options.json })
    : await quantizeModel(model, options);
  const text = options.text === undefined ? undefined : readText(options.text);
  const errors = await layerErrors(model, other, { text, maxTokens: options.tokens });
  const mean = {
    weightError: errors.reduce((sum, { weightError }) => sum + weightError, 0) / errors.length,
    outputError: errors.reduce((sum, { outputError }) => sum + outputError, 0) / errors.length,
  };
  if (options.json) {
    printJson({ model: model.name, with: options.with ?? options.format, layers: errors, mean }, 2);
    return;
  }
  print(linearsTable(
    ["weight error", "output error"],
    [...errors, { linear: "mean", ...mean }].map(({ linear, weightError, outputError }) => [
      linear,
      percent(weightError, { places: 2 }),
      percent(outputError, { places: 2 }),
    ]),
  ));
  print(
    "\nErrors are ‖difference‖ / ‖original‖; those of outputs are measured on the original's activations.",
  );
});
