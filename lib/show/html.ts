/**
 * Programs, data and pictures inside HTML.
 *
 * @module
 */
import { escapeHtml } from "../escape_html.ts";

/** JSON that may stand inside a script element: no "<" can end the element or open a comment. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** A program inside a script element: nothing in it may end the element. */
export function inlineScript(program: string): string {
  return program.replaceAll("</script", "<\\/script");
}

/** A picture inside a table's or a summary's HTML, where notebooks that are not trusted show it too. */
export function pictureHtml(svg: string, alt: string): string {
  const bytes = new TextEncoder().encode(svg);
  return `<img alt="${escapeHtml(alt)}" src="data:image/svg+xml;base64,${bytes.toBase64()}">`;
}
