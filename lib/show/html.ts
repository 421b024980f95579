/**
 * Text inside HTML, kept text.
 *
 * @module
 */

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** The text as HTML shows it, in elements and in quoted attributes alike. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

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
