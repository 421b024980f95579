/**
 * Programs as text, line by line.
 *
 * @module
 */
import { type View, view } from "../display.ts";
import { escapeHtml } from "../escape_html.ts";

/** How a program is shown. */
export interface CodeViewOptions {
  /** What the program was before it was edited: lines that it did not have are marked. */
  readonly before?: string;
}

/**
 * A program with numbered lines, as compilers count them.
 *
 * @example
 * ```ts
 * import { codeView, show } from "any4";
 * await show(codeView("let a = 2;\nlet b = a;", { before: "let a = 1;\nlet b = a;" }));
 * // 1 > let a = 2;
 * // 2   let b = a;
 * ```
 */
export function codeView(code: string, options: CodeViewOptions = {}): View {
  const known = options.before === undefined ? undefined : new Set(options.before.split("\n"));
  const lines = code.split("\n");
  const digits = String(lines.length).length;
  const marked = lines.map((line, i) => {
    const isNew = known !== undefined && !known.has(line);
    return { isNew, text: `${String(i + 1).padStart(digits)} ${isNew ? ">" : " "} ${line}`.trimEnd() };
  });
  const html = marked.map(({ isNew, text }) =>
    isNew ? `<b style="background:rgba(217,96,26,0.18)">${escapeHtml(text)}</b>` : escapeHtml(text)
  );
  return view({
    "text/plain": marked.map(({ text }) => text).join("\n"),
    "text/html": `<pre style="font-family:monospace;font-size:85%;line-height:1.35">${html.join("\n")}</pre>`,
  });
}
