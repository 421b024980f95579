/**
 * Source code as numbered lines.
 *
 * @module
 */
import { type View, view } from "../display.ts";
import { escapeHtml } from "../escape_html.ts";

/** Options of {@linkcode codeView}. */
export interface CodeViewOptions {
  /** The code before an edit; new lines are marked. */
  readonly before?: string;
}

/**
 * Shows code with line numbers, counted from 1 as compilers do.
 *
 * @example
 * ```ts
 * import { codeView, display } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * const code = codeView("let a = 2;\nlet b = a;", { before: "let a = 1;\nlet b = a;" });
 * assertEquals(code[display]()["text/plain"], "1 > let a = 2;\n2   let b = a;");
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
