/**
 * `deno task diff`: the error of each Linear between two models.
 *
 * @module
 */
import { loadModel, quantizeModel } from "any4";
import { layerDrifts, layerErrors } from "any4/measure";
import { decimal, percent } from "any4/show";
import {
  command,
  type Computing,
  formatOption,
  groupSizeOption,
  jsonOption,
  linearsTable,
  main,
  modelOption,
  Option,
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
  .option("--through", "run each model on its own activations, so that errors of earlier Linears count")
  .addOption(new Option("--csv", "print comma-separated values instead").conflicts("json"))
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
      through?: true;
      csv?: true;
      json?: true;
    }
  >();

/** A Linear and what was measured of it. */
type Row = { readonly linear: string } & { readonly [name: string]: string | number };

const TITLES: Readonly<Record<string, string>> = {
  weightError: "weight error",
  outputError: "output error",
  meanSquareError: "mean square error",
  cosineSimilarity: "cosine",
};

await main(async () => {
  using model = await loadModel(options.model, { ...options, quiet: options.json });
  using other = options.with
    ? await loadModel(options.with, { ...options, quiet: options.json })
    : await quantizeModel(model, options);
  const text = options.text === undefined ? undefined : readText(options.text);
  const settings = { text, maxTokens: options.tokens };
  const layers: readonly Row[] = options.through
    ? (await layerDrifts(model, other, settings)).map((row) => ({ ...row }))
    : (await layerErrors(model, other, settings)).map((row) => ({ ...row }));
  const names = Object.keys(layers[0]!).filter((name) => name !== "linear");
  const mean = Object.fromEntries(
    names.map((name) => [name, layers.reduce((sum, row) => sum + Number(row[name]), 0) / layers.length]),
  );
  if (options.csv) {
    const lines = [
      ["layer", ...names],
      ...layers.map((row) => [row.linear, ...names.map((name) => row[name])]),
    ];
    return print(lines.map((line) => line.join(",")).join("\n"));
  }
  if (options.json) {
    printJson({ model: model.name, with: options.with ?? options.format, layers, mean }, 2);
    return;
  }
  const rows: readonly Row[] = [...layers, { linear: "mean", ...mean }];
  print(linearsTable(
    names.map((name) => TITLES[name]!),
    rows.map((row) => [
      row.linear,
      ...names.map((name) =>
        name.endsWith("Error") && name !== "meanSquareError"
          ? percent(Number(row[name]), { places: 2 })
          : decimal(Number(row[name]), 6)
      ),
    ]),
  ));
  print(
    options.through
      ? "\nOutputs are those of each model on its own activations; errors are ‖difference‖ / ‖original‖."
      : "\nErrors are ‖difference‖ / ‖original‖; those of outputs are measured on the original's activations.",
  );
});
