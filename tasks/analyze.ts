/**
 * `deno task analyze`: statistics of each Linear's weights, and of the codes that a format gives them.
 *
 * @module
 */
import { dequantize, isPacked, loadModel, type Matrix, OptionError, quantizeModel } from "any4";
import { codeStats, relativeError, weightStats } from "any4/measure";
import { selectLinears } from "any4/quantize";
import { analysisHtml, type AnalyzedLinear, decimal, percent } from "any4/show";
import {
  command,
  formatOption,
  groupSizeOption,
  jsonOption,
  linearsTable,
  list,
  main,
  modelOption,
  print,
  printJson,
  whole,
} from "./cli.ts";

const options = command(
  "analyze",
  "Show statistics of every Linear's weights, and of the codes that a format gives them.",
)
  .addOption(modelOption())
  .addOption(formatOption(null))
  .addOption(groupSizeOption())
  .option("--layers <patterns>", "numbers of layers, or patterns of Linears: 0,11 or *.down_proj", list)
  .option("--row <n>", "this row of each Linear alone", whole(0))
  .option("--bins <n>", "number of equal bins of the histogram for the entropy", whole(2), 256)
  .option("--html", "print a page with histograms and surfaces of at most 32 Linears instead")
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<{
    model: string;
    format?: string;
    groupSize: number | "row";
    layers?: string[];
    row?: number;
    bins: number;
    html?: true;
    json?: true;
  }>();

/** Linears of a page at most, each of which takes 0.2 MB. */
const MOST_DRAWN = 32;

await main(async () => {
  const { format, groupSize, row, bins, html } = options;
  using model = await loadModel(options.model);
  const linears = selectLinears(model.linears(), options.layers);
  if (html && linears.length > MOST_DRAWN) {
    throw new OptionError(
      `Cannot draw ${linears.length} Linears, at most ${MOST_DRAWN}: choose some with --layers`,
    );
  }
  const skip = model.linears().filter((linear) => !linears.includes(linear));
  using quantized = format === undefined
    ? undefined
    : await quantizeModel(model, { format, groupSize, skip });
  const drawn: AnalyzedLinear[] = [];
  const layers = linears.map((linear) => {
    const stored = model.weights(linear);
    const { rows, cols } = stored;
    if (row !== undefined && row >= rows) {
      throw new OptionError(`Cannot analyze row ${row} of ${linear}: it has ${rows}`);
    }
    const weights: Matrix = { rows, cols, data: isPacked(stored) ? dequantize(stored) : stored.data };
    const part = (data: Float32Array) =>
      row === undefined ? data : data.subarray(row * cols, (row + 1) * cols);
    const packed = quantized?.weights(linear);
    const codes = packed && isPacked(packed)
      ? {
        packed: packed.format,
        codes: codeStats(packed, row),
        weightError: relativeError(part(dequantize(packed)), part(weights.data)),
      }
      : {};
    const stats = {
      linear,
      rows,
      cols,
      format: (isPacked(stored) ? stored.format : stored.dtype) ?? "F32",
      ...weightStats(part(weights.data), { bins }),
      ...codes,
    };
    if (html) {
      const facts = `${rows}×${cols}, kurtosis ${decimal(stats.kurtosis)}` +
        (stats.codes
          ? `, entropy of codes ${stats.codes.entropy.toFixed(3)} bits, error ${
            percent(stats.weightError, { places: 2 })
          }`
          : "");
      drawn.push({ linear, weights, packed: packed && isPacked(packed) ? packed : undefined, facts });
    }
    return stats;
  });
  const what = format === undefined ? model.name : `${model.name} in ${format}`;
  if (html) return print(analysisHtml(drawn, { title: `Weights of ${what}`, row }));
  if (options.json) {
    printJson({ model: model.name, bins, row, layers }, 2);
    return;
  }
  const packed = format === undefined ? [] : ["codes, bits", "of rows", "unused", "error"];
  print(linearsTable(
    [
      ...["shape", "format", "mean", "std", "min", "max", "kurtosis", "beyond 4σ", "entropy, bits"],
      ...packed,
    ],
    layers.map((layer) => [
      layer.linear,
      `${layer.rows}×${layer.cols}`,
      layer.packed ?? layer.format,
      decimal(layer.mean),
      decimal(layer.std),
      decimal(layer.min),
      decimal(layer.max),
      decimal(layer.kurtosis),
      percent(layer.outliers, { places: 3 }),
      layer.entropy.toFixed(3),
      ...layer.codes
        ? [
          layer.codes.entropy.toFixed(3),
          layer.codes.rowEntropy.toFixed(3),
          decimal(layer.codes.unused, 3),
          percent(layer.weightError, { places: 2 }),
        ]
        : [],
    ]),
  ));
  print(
    `\nEntropy is that of a histogram of ${bins} equal bins: ${Math.log2(bins).toFixed(1)} bits at most.` +
      (format === undefined ? "" : " Unused codes are means over rows; errors are ‖ŵ − w‖ / ‖w‖."),
  );
});
