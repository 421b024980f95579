/**
 * Several figures as one that the reader moves through, without a server: by a slider, a menu, or as a film.
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
  /** What the slider or the menu calls it: "128". */
  readonly label: string;
  /** What it shows. */
  readonly figure: Figure;
}

/** How a choice of figures is offered. */
export interface ChoiceOptions {
  /** What is chosen, written before the label: "group size". */
  readonly name?: string;
  /** Which figure is shown at first, and alone where nothing can be moved; 0 when absent. */
  readonly start?: number;
}

/**
 * A slider over figures.
 *
 * @throws {OptionError} when there are no steps, or no step of the number `start`.
 *
 * @example
 * ```ts
 * import { barChart, show, slider } from "any4";
 * const steps = [2, 3, 4].map((bits) => ({
 *   label: `${bits}`,
 *   figure: barChart(["any", "int"], [{ name: "error", values: [1 / bits ** 3, 2 / bits ** 3] }]),
 * }));
 * await show(slider(steps, { name: "bits" }));
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
 * A menu of figures.
 *
 * @throws {OptionError} when there are no steps, or no step of the number `start`.
 *
 * @example
 * ```ts
 * import { dropdown, scatterPlot, show } from "any4";
 * const layer = (label: string, y: number[]) => ({ label, figure: scatterPlot([{ name: label, x: [0, 1], y }]) });
 * await show(dropdown([layer("q_proj", [1, 2]), layer("k_proj", [3, 1])]));
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
 * A film of figures, with a button that plays it and a slider. All figures have as many traces.
 *
 * @param options.seconds how long each figure stays; 0.5 when absent.
 * @throws {OptionError} when there are no steps, no step of the number `start`, or traces of different numbers.
 *
 * @example
 * ```ts
 * import { animation, scatterPlot, show } from "any4";
 * const steps = [0, 1, 2, 3].map((t) => ({
 *   label: `${t}`,
 *   figure: scatterPlot([{ name: "values", x: [0, 1], y: [t, 3 - t] }], { range: [0, 3] }),
 * }));
 * await show(animation(steps, { name: "step", seconds: 0.3 }));
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
    sliders: [{ ...SLIDER, ...current(name), x: 0.18, len: 0.82, active: start, steps: all }],
    updatemenus: [{ ...MENU, type: "buttons", direction: "right", showactive: false, y: 1, buttons: play }],
  });
  return displayed({ data: first.data, layout, frames }, () => pictureOf(steps[start]!));
}

/** Pixels that a slider takes above the plot, and a menu. */
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

/** Of all traces together: which belong to step i. */
function visibility(steps: readonly Step[], i: number): boolean[] {
  return steps.flatMap(({ figure }, s) => figure.data.map(() => s === i));
}

/** All figures' traces in one, those of the first step visible. */
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

/** The layout with room above the plot, where the controls are. */
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

/** What differs from figure to figure, as plotly takes changes of a layout. */
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

/** A figure without its controls, for where nothing can be moved. */
function pictureOf({ figure }: Step): string {
  return figure[display]()["image/svg+xml"]!;
}
