/**
 * What a thing looks like: one picture, several ways, of which a notebook or a terminal takes the best that it has.
 *
 * @module
 */

/**
 * The method by which a value says how a notebook shows it; a cell that ends with such a value shows it.
 */
export const display: unique symbol = Symbol.for("Jupyter.display") as never;

/** The method by which a value says how `console.log` writes it: in one line, whatever it holds. */
export const inspect: unique symbol = Symbol.for("Deno.customInspect") as never;

/** The same thing as text, HTML, a picture …, by MIME type. */
export interface MimeBundle {
  /** For terminals, and for whoever can show nothing else. */
  readonly "text/plain": string;
  /** Without scripts, so that notebooks that are not trusted show it. */
  readonly "text/html"?: string;
  /** For notebooks that have no HTML of it. */
  readonly "text/markdown"?: string;
  /** A static picture. */
  readonly "image/svg+xml"?: string;
  /** A figure that answers to the pointer. */
  readonly "application/vnd.plotly.v1+json"?: unknown;
}

/** Something that notebooks, terminals and {@linkcode show} can show. */
export interface View {
  /** Its ways to be shown. */
  [display](): MimeBundle;
}

/**
 * Makes something to show of a text, and perhaps of HTML.
 *
 * @example
 * ```ts
 * import { show, view } from "any4";
 * await show(view({ "text/plain": "small", "text/html": "<b>small</b>" }));
 * ```
 */
export function view(bundle: MimeBundle): View {
  return { [display]: () => bundle };
}

/** Whether a value says itself how it is shown. */
export function isView(value: unknown): value is View {
  return typeof value === "object" && value !== null && display in value;
}
