/**
 * Several figures in one, chosen by a slider, a menu or an animation. No server is needed.
 *
 * @module
 */
import { display } from "../display.ts";
import type { Figure, FigureLayout, Trace } from "./figure.ts";
import { displayed } from "./make_figure.ts";
import { neutralColor } from "./palette.ts";
import { OptionError } from "../errors.ts";

/** One of several figures. */
export interface Step {
  /** Its label on the slider or in the menu: "128". */
  readonly label: string;
  /** Its figure. */
  readonly figure: Figure;
}

/** Options of {@linkcode slider}, {@linkcode dropdown} and {@linkcode animation}. */
export interface ChoiceOptions {
  /** The name of the choice, shown before the label: "group size". */
  readonly name?: string;
  /** Index of the first figure shown, which is also the static picture; 0 when absent. */
  readonly start?: number;
}

/**
 * Combines figures under a slider.
 *
 * @throws {OptionError} when there are no steps, or no step has the index `start`.
 *
 * @example
 * ```ts
 * import { show } from "any4";
 * import { barChart, slider } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const steps = [2, 3, 4].map((bits) => ({
 *   label: `${bits}`,
 *   figure: barChart(["any", "int"], [{ name: "error", values: [1 / bits ** 3, 2 / bits ** 3] }]),
 * }));
 * const figure = slider(steps, { name: "bits" });
 * assertEquals(figure.data.map(({ visible }) => visible), [true, false, false]); // the first step
 * await show(figure);
 * ```
 */
export function slider(steps: readonly Step[], options: ChoiceOptions = {}): Figure {
  const { start = 0, name } = options;
  const first = stepAt(steps, start);
  const all = steps.map(({ label }, i) => ({
    label,
    method: "update",
    args: [{ visible: visibility(steps, i) }, changes(steps[i]!.figure.layout)],
  }));
  return together(
    steps,
    start,
    { sliders: [{ ...SLIDER, ...current(name), active: start, steps: all }] },
    first,
  );
}

/**
 * Combines figures under a menu.
 *
 * @throws {OptionError} when there are no steps, or no step has the index `start`.
 *
 * @example
 * ```ts
 * import { show } from "any4";
 * import { dropdown, scatterPlot } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const layer = (label: string, y: number[]) => ({ label, figure: scatterPlot([{ name: label, x: [0, 1], y }]) });
 * const figure = dropdown([layer("q_proj", [1, 2]), layer("k_proj", [3, 1])]);
 * assertEquals(figure.data.map(({ visible }) => visible), [true, false]); // the first step
 * await show(figure);
 * ```
 */
export function dropdown(steps: readonly Step[], options: ChoiceOptions = {}): Figure {
  const { start = 0, name } = options;
  const first = stepAt(steps, start);
  const buttons = steps.map(({ label, figure }, i) => ({
    label: name ? `${name}: ${label}` : label,
    method: "update",
    args: [{ visible: visibility(steps, i) }, changes(figure.layout)],
  }));
  return together(steps, start, { updatemenus: [{ ...MENU, active: start, buttons }] }, first);
}

/**
 * Animates figures, with a play button and a slider. All figures need the same number of traces.
 *
 * @param options.seconds duration of each figure; 0.5 when absent.
 * @throws {OptionError} when there are no steps, no step has the index `start`, or the numbers of traces differ.
 *
 * @example
 * ```ts
 * import { show } from "any4";
 * import { animation, scatterPlot } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const steps = [0, 1, 2, 3].map((t) => ({
 *   label: `${t}`,
 *   figure: scatterPlot([{ name: "values", x: [0, 1], y: [t, 3 - t] }], { range: [0, 3] }),
 * }));
 * const figure = animation(steps, { name: "step", seconds: 0.3 });
 * assertEquals(figure.data[0]!.y, [0, 3]); // the first step
 * await show(figure);
 * ```
 */
export function animation(
  steps: readonly Step[],
  options: ChoiceOptions & { readonly seconds?: number } = {},
): Figure {
  const { start = 0, name, seconds = 0.5 } = options;
  const first = stepAt(steps, start);
  const odd = steps.find(({ figure }) => figure.data.length !== first.data.length);
  if (odd) {
    throw new OptionError(
      `Cannot animate: ${odd.label} has ${odd.figure.data.length} traces, ${
        steps[start]!.label
      } has ${first.data.length}`,
    );
  }
  const timing = (duration: number) => ({
    mode: "immediate",
    frame: { duration, redraw: true },
    transition: { duration: 0 },
  });
  const frames = steps.map(({ figure: { data, layout } }, i) => ({
    name: String(i),
    data,
    layout: frameLayout(layout),
  }));
  const all = steps.map(({ label }, i) => ({ label, method: "animate", args: [[String(i)], timing(0)] }));
  const play = [
    { label: "Play", method: "animate", args: [null, { ...timing(1000 * seconds), fromcurrent: true }] },
    { label: "Stop", method: "animate", args: [[null], timing(0)] },
  ];
  const layout = withRoom(first.layout, {
    sliders: [{ ...SLIDER, ...current(name), x: 0.42, len: 0.58, active: start, steps: all }],
    updatemenus: [{ ...MENU, type: "buttons", direction: "right", showactive: false, y: 1, buttons: play }],
  });
  return displayed({ data: first.data, layout, frames }, () => pictureOf(steps[start]!));
}

/** Height of a slider and of a menu above the plot, in pixels. */
const [SLIDER_ROOM, MENU_ROOM] = [74, 54];
const ABOVE = { x: 0, xanchor: "left", y: 1, yanchor: "bottom" };
const SLIDER = {
  ...ABOVE,
  len: 1,
  pad: { b: 12, t: 0 },
  bordercolor: neutralColor,
  tickcolor: neutralColor,
  font: { size: 11 },
};
const MENU = {
  ...ABOVE,
  pad: { b: 22 },
  bgcolor: "#ffffff",
  bordercolor: neutralColor,
  font: { color: "#1e2227" },
};

function current(name: string | undefined): Record<string, unknown> {
  return { currentvalue: { prefix: name ? `${name}: ` : "", font: { size: 13 }, offset: 6 } };
}

function stepAt(steps: readonly Step[], start: number): Figure {
  const step = steps[start];
  if (!step) throw new OptionError(`Cannot show step ${start}: there are ${steps.length}`);
  return step.figure;
}

/** For each trace of all steps: whether it belongs to step i. */
function visibility(steps: readonly Step[], i: number): boolean[] {
  return steps.flatMap(({ figure }, s) => figure.data.map(() => s === i));
}

/** One figure with the traces of all, of which those of the step `start` are visible. */
function together(
  steps: readonly Step[],
  start: number,
  controls: Record<string, unknown>,
  first: Figure,
): Figure {
  const data = steps.flatMap(({ figure }, s) =>
    figure.data.map((trace): Trace => ({ ...trace, visible: s === start }))
  );
  const layout = withRoom(first.layout, controls);
  return displayed({ data, layout }, () => pictureOf(steps[start]!));
}

/** The layout with space above the plot for the controls. */
function withRoom(layout: FigureLayout, controls: Record<string, unknown>): FigureLayout {
  const { margin, height } = layout;
  const room = "sliders" in controls ? SLIDER_ROOM : MENU_ROOM;
  return {
    ...layout,
    ...controls,
    height: height + room,
    margin: { ...margin, t: margin.t + room },
  } as FigureLayout;
}

/** The parts of a layout that differ between figures, as plotly's relayout takes them. */
function changes(
  { title, xaxis, yaxis, shapes = [], annotations = [] }: FigureLayout,
): Record<string, unknown> {
  const axis = (name: string, { range, tickvals, ticktext }: FigureLayout["xaxis"]) => ({
    [`${name}.range`]: range,
    [`${name}.tickvals`]: tickvals,
    [`${name}.ticktext`]: ticktext,
  });
  return {
    ...axis("xaxis", xaxis),
    ...axis("yaxis", yaxis),
    ...(title ? { "title.text": title.text } : {}),
    shapes,
    annotations,
  };
}

function frameLayout(
  { title, xaxis, yaxis, shapes = [], annotations = [] }: FigureLayout,
): Record<string, unknown> {
  return { ...(title ? { title } : {}), xaxis, yaxis, shapes, annotations };
}

/** A figure without its controls, for static pictures. */
function pictureOf({ figure }: Step): string {
  return figure[display]()["image/svg+xml"]!;
}
