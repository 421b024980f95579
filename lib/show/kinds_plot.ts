/**
 * The cost of each format on each kind of text.
 *
 * @module
 */
import type { Figure, FigureSize, Trace } from "./figure.ts";
import { figure, hover, plotText, WIDTH_PX } from "./make_figure.ts";
import { increasePlace, increaseText, increaseTicks, increaseTickText } from "./increase_scale.ts";
import { formatStyle, neutralColor } from "./palette.ts";
import type { ReportRow } from "./report_data.ts";
import { decimal } from "../terminal/units.ts";

/** Options of {@linkcode kindsPlot}. */
export interface KindsOptions extends FigureSize {
  /** The original's perplexity on each kind. */
  readonly baseline: { readonly kinds: Readonly<Record<string, number>> };
}

/** Average width of a letter, in pixels. */
const LETTER_PX = 7.4;
const HEIGHT_PX = 370;

/**
 * Draws perplexity relative to the original's: a group of points for each kind of text, with a point for each format.
 *
 * @example
 * ```ts
 * import { kindsPlot } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const baseline = { kinds: { fiction: 3, code: 2 } };
 * const figure = kindsPlot([{ format: "any4", kinds: { fiction: 3.1, code: 2.02 } }], { baseline });
 * assertEquals(figure.layout.xaxis.ticktext, ["fiction", "code"]);
 * ```
 */
export function kindsPlot(
  rows: readonly Pick<ReportRow, "format" | "kinds">[],
  options: KindsOptions,
): Figure {
  const { baseline, width = WIDTH_PX } = options;
  const kinds = Object.keys(baseline.kinds);
  const longest = LETTER_PX * Math.max(...kinds.map((kind) => kind.length));
  const turned = kinds.length * (longest + LETTER_PX) > width - 98;
  // Turned by 45 degrees, a name is as high as wide.
  const margin = { l: 86, r: 12, t: 10, b: turned ? 20 + 0.71 * longest : 34 };
  const data = rows.map((row, r): Trace => {
    const { color, symbol } = formatStyle(row.format);
    const measured = kinds.map((kind, k) => ({ kind, k, ratio: row.kinds[kind]! / baseline.kinds[kind]! }))
      .filter(({ kind }) => row.kinds[kind] !== undefined);
    return {
      type: "scatter",
      mode: "markers",
      name: plotText(row.format),
      // The points of a kind stand side by side, in the order of the rows, on four fifths of its width.
      x: measured.map(({ k }) => k + 0.8 * ((r + 0.5) / rows.length - 0.5)),
      y: measured.map(({ ratio }) => increasePlace(ratio)),
      marker: { color, symbol, size: width < 500 ? 7 : 10 },
      hovertext: measured.map(({ kind, ratio }) =>
        hover(
          `${row.format} on ${kind}`,
          `perplexity ${decimal(row.kinds[kind])}, the original's ${decimal(baseline.kinds[kind])}`,
          increaseText(ratio),
        )
      ),
      hoverinfo: "text",
    };
  });
  const places = data.flatMap(({ y }) => y as number[]);
  const [low, high] = [Math.min(...places, 0), Math.max(...places, increasePlace(1.02))];
  const range = [low - 0.06 * (high - low), high + 0.06 * (high - low)] as const;
  const ticks = increaseTicks(range, 28 / (HEIGHT_PX - margin.t - 34) * (range[1] - range[0]));
  const line = {
    type: "line",
    layer: "below",
    line: { color: neutralColor, width: 1.5, dash: "dash" },
  } as const;
  return figure(data, {
    height: HEIGHT_PX + margin.b - 34,
    margin,
    xaxis: {
      range: [-0.5, kinds.length - 0.5],
      tickvals: kinds.map((_, k) => k),
      ticktext: kinds.map(plotText),
      ...(turned ? { tickangle: -45 } : {}),
      showgrid: false,
    },
    yaxis: {
      title: { text: "change of perplexity" },
      range,
      tickvals: ticks.map(increasePlace),
      ticktext: ticks.map((ratio) => ratio === 1 ? "original" : increaseTickText(ratio)),
    },
    shapes: [{ ...line, xref: "paper", yref: "y", x0: 0, x1: 1, y0: 0, y1: 0 }],
  }, options);
}
