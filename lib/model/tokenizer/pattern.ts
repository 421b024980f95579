/**
 * Patterns of tokenizer.json: strings, or regular expressions as Oniguruma reads them.
 *
 * @module
 */
import { SplitPreTokenizer } from "npm:@huggingface/tokenizers@0.2.0";
import { CheckpointError } from "../../errors.ts";
import { quote } from "../../files/safetensors/messages.ts";
import type { Json } from "./fields.ts";

/** Longer patterns are none of a tokenizer's. */
const LONGEST = 1 << 16;

/** A class, an escape, the start of a group, its end and what repeats it, an alternative, or an endless quantifier. */
const PARTS =
  /\\[^]|\[\^?\]?(?:\\[^]|\[:\^?\w+:\]|[^\]\\])*\]|\(|\)(?<repeat>[+*]|\{\d*,\})?|\||[+*]|\{\d*,\}/g;

/**
 * Whether matching may take time beyond all measure: where a group is repeated without end that has alternatives, or something
 * else that is repeated without end. No tokenizer's pattern has one.
 */
function mayNeverEnd(regex: string): boolean {
  const ambiguous = [false];
  for (const { 0: part, groups } of regex.matchAll(PARTS)) {
    if (part === "(") ambiguous.push(false);
    else if (part[0] === ")") {
      const inside = ambiguous.pop() ?? false;
      const endless = groups?.repeat !== undefined;
      if (inside && endless) return true;
      if (inside || endless) ambiguous[Math.max(0, ambiguous.length - 1)] = true;
    } else if (/^[|+*{]/.test(part)) ambiguous[Math.max(0, ambiguous.length - 1)] = true;
  }
  return false;
}

/**
 * A pattern as JavaScript's, global.
 *
 * @param pattern `{ String }` or `{ Regex }`.
 * @throws {CheckpointError} when it is neither, or JavaScript has nothing like it.
 */
export function onigurumaPattern(pattern: Json): RegExp {
  const { String: plain, Regex: regex } = pattern as { String?: unknown; Regex?: unknown };
  if (typeof plain === "string") return new RegExp(RegExp.escape(plain), "gu");
  if (typeof regex !== "string" || regex.length > LONGEST) {
    throw new CheckpointError("a pattern must be a String or a Regex");
  }
  if (mayNeverEnd(regex)) {
    throw new CheckpointError(`the pattern ${quote(regex)} is not supported: to match it may take for ever`);
  }
  try {
    const { pattern: compiled } = new SplitPreTokenizer(
      { type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false } as never,
    ) as unknown as { pattern: RegExp | null };
    if (compiled) return compiled;
  } catch (cause) {
    throw new CheckpointError(`the pattern ${quote(regex)} is not supported: ${(cause as Error).message}`, {
      cause,
    });
  }
  throw new CheckpointError(`the pattern ${quote(regex)} is not supported`);
}
