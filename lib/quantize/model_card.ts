/**
 * The model card of a quantized model, from what was done and measured.
 *
 * @module
 */
import { count, decimal, percent, size } from "../terminal/units.ts";
import { codeSpan, plainText, yamlString } from "./markdown.ts";

/** The result of a Linear. */
export interface LinearSummary {
  /** Its module name. */
  readonly linear: string;
  /** out_features. */
  readonly rows: number;
  /** in_features. */
  readonly cols: number;
  /** Its format's name. */
  readonly format: string;
  /** Columns that share a scale. */
  readonly groupSize: number;
  /** Stored bits per weight, everything counted. */
  readonly bitsPerWeight: number;
  /** The part of its output that became noise: Σ E[x²] (w − ŵ)² / Σ E[x²] w². */
  readonly error: number;
}

/** Perplexities that were measured, and on how many tokens. */
export interface MeasuredQuality {
  /** Of the quantized model. */
  readonly perplexity: number;
  /** Of the original. */
  readonly original?: number;
  /** Predicted tokens. */
  readonly tokens: number;
}

/** The data of a model card. */
export interface CardSummary {
  /** The original's name. */
  readonly model: string;
  /** The Linears that were quantized, in order. */
  readonly linears: readonly LinearSummary[];
  /** The head and the embedding, if they were quantized; a tied model's are one tensor, under the embedding's name. */
  readonly ends: readonly LinearSummary[];
  /** Weights of the model. */
  readonly parameters: number;
  /** Stored bits per weight of all Linears, those too that stayed as they are, without the head and embeddings. */
  readonly bitsPerWeight: number;
  /** Bytes of all tensors. */
  readonly bytes: number;
  /** Bytes of the original's tensors. */
  readonly originalBytes: number;
  /** Whether the Linears are stored as BF16 again. */
  readonly dequantized?: true;
  /** The source of its calibration. */
  readonly calibration: string;
  /** The weighting of the error that codebooks minimise. */
  readonly weighting: string;
  /** Which rows share codebooks, where the options say so. */
  readonly codebook?: string;
  /** The type of learned codebooks, where the options name it. */
  readonly codebookType?: string;
  /** The type of scales, where the options name it. */
  readonly scaleType?: string;
  /** The part of all weights that are kept in 16 bits. */
  readonly outliers?: number;
  /** The method that chose tables and codes, with its options. */
  readonly method?: string;
  /** Whether AWQ made the model ready before. */
  readonly awq?: boolean;
  /** Whether each Linear was calibrated on those quantized before. */
  readonly sequential: boolean;
  /** The target in bits per weight. */
  readonly targetBits?: number;
}

/** The result of a quantization from disk to disk. */
export interface OnDiskSummary extends CardSummary {
  /** The model's folder. */
  readonly folder: string;
  /** Linears that were found done, by a process before this one. */
  readonly found: number;
  /** Bytes of the weights' files: those of all tensors, and headers. */
  readonly fileBytes: number;
  /** Seconds that this process took. */
  readonly seconds: number;
  /** The most memory that this process had, in bytes, as `peakMemory` knows it. */
  readonly peakBytes: number;
  /** Its measurements. */
  readonly measured?: MeasuredQuality;
}

/** The results of all Linears of one format and group size. */
export interface FormatSummary {
  /** "any4, groups of 128". */
  readonly format: string;
  /** Their number. */
  readonly linears: number;
  /** Weights of all of them. */
  readonly weights: number;
  /** Stored bits per weight. */
  readonly bitsPerWeight: number;
  /** The mean of their errors. */
  readonly error: number;
}

/** Linears by format and group size. */
export function byFormat(linears: readonly LinearSummary[]): FormatSummary[] {
  const kinds = Map.groupBy(linears, ({ format, groupSize }) => `${format}, groups of ${groupSize}`);
  return [...kinds].map(([format, some]) => {
    const weights = some.reduce((sum, { rows, cols }) => sum + rows * cols, 0);
    const bits = some.reduce((sum, each) => sum + each.bitsPerWeight * each.rows * each.cols, 0);
    const error = some.reduce((sum, each) => sum + each.error, 0) / some.length;
    return { format, linears: some.length, weights, bitsPerWeight: bits / weights, error };
  });
}

/** How tables, scales and outliers are stored, where that is not as usual. */
function layoutOf({ codebook, codebookType, scaleType, outliers }: CardSummary, learned: boolean): string[] {
  return [
    ...(learned && codebook !== undefined && codebook !== "row"
      ? [`codebooks by ${codeSpan(codebook)}`]
      : []),
    ...(learned && codebookType !== undefined ? [`codebooks in ${codeSpan(codebookType)}`] : []),
    ...(scaleType !== undefined ? [`scales in ${codeSpan(scaleType)}`] : []),
    ...(outliers ? [`${percent(outliers)} of all weights beside the codes in 16 bits`] : []),
  ];
}

/**
 * A model card in Markdown, whose head is YAML; names in it are no markup, whatever they hold.
 *
 * @example
 * ```ts
 * import { quantizeOnDisk } from "any4";
 * import { modelCard } from "any4/quantize";
 * import { assertStringIncludes } from "@std/assert";
 * const folder = await Deno.makeTempDir();
 * const summary = await quantizeOnDisk("tinyworld", folder, { format: "int4" });
 * assertStringIncludes(modelCard(summary, { perplexity: 4, tokens: 1000 }), "Perplexity is");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function modelCard(summary: CardSummary, measured?: MeasuredQuality): string {
  const { model, linears, ends, parameters, bitsPerWeight, bytes, originalBytes } = summary;
  const largest = linears.reduce((worst, each) => each.error > worst.error ? each : worst, linears[0]!);
  const mean = linears.reduce((sum, { error }) => sum + error, 0) / linears.length;
  const learned = linears.some(({ format }) => format.startsWith("any"));
  const rows = byFormat(linears).map((each) =>
    `| ${plainText(each.format)} | ${each.linears} | ${count(each.weights)} | ${
      each.bitsPerWeight.toFixed(3)
    } | ` +
    `${percent(each.error)} |`
  );
  const endRows = ends.map(({ linear, format, groupSize, rows, cols, bitsPerWeight, error }) =>
    `| ${plainText(linear)}: ${plainText(format)}, groups of ${groupSize} | | ${count(rows * cols)} | ${
      bitsPerWeight.toFixed(3)
    } | ${percent(error)} |`
  );
  const byPairs = summary.method !== undefined && !/^(kmeans|lloyd)\b/.test(summary.method);
  const how = byPairs
    ? [
      `Tables and codes are chosen by ${
        codeSpan(summary.method!)
      } against E[x xᵀ] of each Linear's input x on ` +
      `${plainText(summary.calibration)}${
        summary.sequential ? ", each Linear on those quantized before it" : ""
      }.`,
    ]
    : learned
    ? [
      `Tables of any4, any3 and any2 are learned${
        (summary.codebook ?? "row") === "row" ? " for each row" : ""
      }: the exact optimum of a k-means weighted by ` +
      `${codeSpan(summary.weighting)}${
        summary.weighting === "none" ? "" : ` of what each column was multiplied by on ` +
          `${plainText(summary.calibration)}${
            summary.sequential ? ", each Linear on those quantized before it" : ""
          }`
      }.`,
    ]
    : [];
  const stored = layoutOf(summary, learned);
  const scaled = summary.awq
    ? ["Before, inputs were scaled and weights clipped by AWQ, each Linear for its own format."]
    : [];
  const target = summary.targetBits === undefined ? [] : [
    `Formats were chosen for ${summary.targetBits} bits per weight by each Linear's noise in each format and the ` +
    `divergence of predictions that noise in it was measured to cause.`,
  ];
  const quality = measured === undefined ? ["Perplexity was not measured."] : [
    `Perplexity is ${decimal(measured.perplexity)}${
      measured.original === undefined ? "" : `, the original's ${decimal(measured.original)}`
    }, on ${count(measured.tokens)} tokens of the library's evaluation text.`,
  ];
  return [
    "---",
    `base_model: ${yamlString(model)}`,
    "tags: [quantized, any4]",
    "---",
    "",
    `# ${codeSpan(model)}, quantized`,
    "",
    `The Linears of ${codeSpan(model)} as learned or fixed tables of few values, by any4-deno${
      summary.dequantized ? ", stored as BF16 again" : ""
    }; ${ends.length === 0 ? "embeddings, norms and lm_head are as they were" : "all else is as it was"}. ${
      count(parameters)
    } weights: ` +
    `${size(originalBytes)} became ${size(bytes)}, ${
      bitsPerWeight.toFixed(3)
    } bits per weight over all Linears.`,
    "",
    "| format | Linears | weights | bits per weight | noise in the output |",
    "| --- | ---: | ---: | ---: | ---: |",
    ...rows,
    ...endRows,
    "",
    ...how,
    ...scaled,
    ...(stored.length > 0 ? [`Stored with ${stored.join(", ")}.`] : []),
    ...target,
    "",
    "## What was measured",
    "",
    "The noise is Σ E[x²] (w − ŵ)² / Σ E[x²] w², the part of a Linear's output that became error, mean over Linears" +
    `${learned && summary.weighting !== "none" ? "" : " (E[x²] taken as 1 where nothing was calibrated)"}: ` +
    `${percent(mean)} overall, most in ${codeSpan(largest.linear)} (${percent(largest.error)}).`,
    ...quality,
    "",
    "## How to load it",
    "",
    "```ts",
    'import { generate, loadModel } from "any4";',
    "",
    'using model = await loadModel("this folder");',
    'console.log((await generate(model, "Once upon a time")).text);',
    "```",
    "",
  ].join("\n");
}
