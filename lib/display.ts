/**
 * Views of a value in several formats; a notebook or terminal shows the best one that it supports.
 *
 * @module
 */

/**
 * The method that returns a value's views. A notebook cell that ends with such a value shows it.
 */
export const display: unique symbol = Symbol.for("Jupyter.display") as never;

/** The method that returns a value's text for `console.log`: one line, however large the value is. */
export const inspect: unique symbol = Symbol.for("Deno.customInspect") as never;

/** The views of a value, by MIME type. */
export interface MimeBundle {
  /** For terminals, and for front ends without the other types. */
  readonly "text/plain": string;
  /** HTML without scripts, which untrusted notebooks show too. */
  readonly "text/html"?: string;
  /** Markdown, for notebooks. */
  readonly "text/markdown"?: string;
  /** A static picture. */
  readonly "image/svg+xml"?: string;
  /** A picture of pixels, as base64. */
  readonly "image/png"?: string;
  /** An interactive figure. */
  readonly "application/vnd.plotly.v1+json"?: unknown;
}

/** A value that notebooks, terminals and {@linkcode show} can show. */
export interface View {
  /** Returns its views. */
  [display](): MimeBundle;
}

/**
 * Makes a value that can be shown from its views.
 *
 * @example
 * ```ts
 * import { display, view } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const small = view({ "text/plain": "small", "text/html": "<b>small</b>" });
 * assertEquals(small[display]()["text/html"], "<b>small</b>"); // what a notebook shows
 * ```
 */
export function view(bundle: MimeBundle): View {
  return { [display]: () => bundle };
}

/** Whether a value has views of its own. */
export function isView(value: unknown): value is View {
  return typeof value === "object" && value !== null && display in value;
}
