/**
 * The style of a format in all plots: the hue shows its family, shape and dash show its bits; marks are hollow where a name says
 * by which method its codes were chosen ("any4sym/int8 lnq").
 *
 * Learned formats are cool, fixed ones warm, which every common colour blindness tells apart. Each colour has at
 * least 3:1 against white and against the report's dark background, so that a figure needs no second palette.
 *
 * @module
 */

/** Plotly's names of the marker shapes in use, filled or hollow. */
export type PointShape =
  | ("circle" | "diamond" | "square" | "triangle-down")
  | ("circle-open" | "diamond-open" | "square-open" | "triangle-down-open");

/** A filled one. */
export type FilledShape = Exclude<PointShape, `${string}-open`>;

/** Plotly's names of dashes. */
export type Dash = "solid" | "dash" | "dot" | "dashdot";

/** The style of a format's marks. */
export interface FormatStyle {
  readonly color: string;
  readonly symbol: PointShape;
  readonly dash: Dash;
}

const FAMILIES: Record<string, string> = {
  any: "#2b7fd6",
  int: "#d9601a",
  nf: "#a97f00",
  fp: "#a8583a",
  af: "#cf5f77",
  mx: "#857d4d",
  f: "#9467bd",
  bf: "#9467bd",
};

/** The colour of learned formats as a whole. */
export const learnedColor: string = FAMILIES.any!;
/** The colour of fixed formats as a whole. */
export const fixedColor: string = FAMILIES.int!;
/** The colour of lines that belong to no format, legible on light and on dark. */
export const neutralColor = "#7d858d";

const BITS: Record<number, { shape: FilledShape; dash: Dash }> = {
  2: { shape: "triangle-down", dash: "dot" },
  3: { shape: "square", dash: "dash" },
  4: { shape: "circle", dash: "solid" },
  32: { shape: "circle", dash: "solid" },
};

/** The style of a format by its name: "any4", "int3", "nf4", "int4 gptq" … */
export function formatStyle(name: string): FormatStyle {
  const [, family = "", bits = "4"] = /^([a-z]*)(\d*)/i.exec(name) ?? [];
  const color = FAMILIES[family.toLowerCase()] ?? neutralColor;
  const { shape, dash } = BITS[Number(bits)] ?? { shape: "diamond", dash: "dashdot" };
  return { color, symbol: / (awq|gptq|leanquant|lnq)/.test(name) ? `${shape}-open` : shape, dash };
}

/** The colours of series that are no formats, in order of use: none that a quantized format has. */
const OTHERS = ["#2a9d6f", "#9467bd", "#1893a8", "#7d858d", "#b95fae", "#6f9a1f"];

/** Whether a name is a number format's with a colour of its own. */
export function isFormat(name: string): boolean {
  const family = /^([a-z]+)\d/i.exec(name)?.[1]?.toLowerCase() ?? "";
  return family in FAMILIES;
}

/** The style of the n-th series of a plot: its format's style if its name is a format's, else the next free one. */
export function seriesStyle(name: string, index: number): FormatStyle {
  if (isFormat(name)) return formatStyle(name);
  return { color: OTHERS[index % OTHERS.length]!, symbol: "circle", dash: "solid" };
}
