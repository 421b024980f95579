/**
 * Scripts, data and pictures inside HTML.
 *
 * @module
 */
import { escapeHtml } from "../escape_html.ts";

/** JSON that is safe inside a script element: without "<", nothing can end the element or open a comment. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** A script that is safe inside a script element: nothing in it ends the element. */
export function inlineScript(program: string): string {
  return program.replaceAll("</script", "<\\/script");
}

/** A picture as an img element, which untrusted notebooks show too. */
export function pictureHtml(svg: string, alt: string): string {
  const bytes = new TextEncoder().encode(svg);
  return `<img alt="${escapeHtml(alt)}" src="data:image/svg+xml;base64,${bytes.toBase64()}">`;
}
