/**
 * Names in Markdown and YAML, whatever they are: one that holds line breaks, HTML or markup stays a name.
 *
 * @module
 */
import { visible } from "../terminal/visible.ts";

const oneLine = (text: string) => visible(text.toWellFormed().replace(/\s+/g, " "));

/** A text as a YAML string in double quotes, on one line. */
export function yamlString(text: string): string {
  const hex = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // JSON leaves characters as they are that YAML takes for line breaks, or does not allow.
  return JSON.stringify(text.toWellFormed()).replace(/[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]/g, hex);
}

/** A text as code within a line: nothing in it is markup. */
export function codeSpan(text: string): string {
  const line = oneLine(text);
  // Backticks end with as many as they begin with.
  const runs = Array.from(line.matchAll(/`+/g), ([run]) => run.length);
  let fence = "`";
  while (runs.includes(fence.length)) fence += "`";
  const pad = /^`|`$|^ .* $|^$/.test(line) ? " " : "";
  return fence + pad + line + pad + fence;
}

/** A text within a line or a table's cell, without markup. */
export function plainText(text: string): string {
  return oneLine(text).replace(/[\\`*_{}[\]#+!<>|~&$@:/.]/g, "\\$&");
}
