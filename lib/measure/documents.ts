/**
 * Texts for measurements.
 *
 * @module
 */
import evaluation from "../../models/tinyworld/eval.json" with { type: "json" };
import { OptionError } from "../errors.ts";
import type { Tokenizer } from "../model/tokenizer/tokenizer.ts";

/** A text and its kind. */
export interface Document {
  /** "fiction", "news" …; the same word for all if there are no kinds. */
  readonly kind: string;
  /** The text. */
  readonly text: string;
}

/** Token ids of a document. */
export interface TokenizedDocument {
  /** The document's kind. */
  readonly kind: string;
  /** Ids, the beginning-of-sequence token first where the tokenizer adds it. */
  readonly ids: number[];
}

/**
 * The library's own evaluation text: documents of five kinds by tinyworld's generator that the embedded model has not
 * seen.
 *
 * @example
 * ```ts
 * import { evaluationDocuments } from "any4/measure";
 * import { assertEquals } from "@std/assert";
 * const kinds = new Set(evaluationDocuments().map(({ kind }) => kind));
 * assertEquals([...kinds], ["fiction", "news", "code", "arithmetic", "facts"]);
 * ```
 */
export function evaluationDocuments(): Document[] {
  return Object.entries<string[]>(evaluation.documents).flatMap(([kind, texts]) =>
    texts.map((text) => ({ kind, text }))
  );
}

/**
 * Tokenizes documents. Texts longer than the context are cut into pieces of its length, or truncated to it; where a
 * text begins with `bos`, every piece does, as models that learned with it (Gemma) break without. Documents are taken from the
 * kinds in turn until `maxTokens` are reached, so that every kind has an equal share.
 *
 * @throws {OptionError} when an option is out of range, or nothing is left to measure.
 */
export function tokenizeDocuments(
  documents: readonly Document[],
  options: {
    tokenizer: Pick<Tokenizer, "encode">;
    bos?: number | null;
    context: number;
    maxTokens?: number;
    truncate?: boolean;
  },
): TokenizedDocument[] {
  const { tokenizer, context } = options;
  const kinds = Map.groupBy(documents, ({ kind }) => kind);
  const { maxTokens = Infinity } = options;
  if (!(context >= 2)) {
    throw new OptionError(`Cannot measure: context must be at least 2 tokens, current value is ${context}`);
  }
  if (!(maxTokens >= kinds.size)) {
    throw new OptionError(
      `Cannot measure: maxTokens must be at least one for each of ${kinds.size} kinds of text, ` +
        `current value is ${maxTokens}`,
    );
  }
  const budget = maxTokens / kinds.size;
  const result: TokenizedDocument[] = [];
  for (const [kind, members] of kinds) {
    let left = budget;
    for (const { text } of members) {
      const ids = tokenizer.encode(text);
      const start = ids.length > 0 && ids[0] === options.bos ? 1 : 0;
      const before = ids.slice(0, start);
      for (let from = start; left >= 1;) {
        const piece = [...before, ...ids.slice(from, from + Math.min(context, left + 1) - start)];
        if (piece.length < 2) break;
        from += piece.length - start;
        result.push({ kind, ids: piece });
        left -= piece.length - 1;
        if (options.truncate) break;
      }
    }
  }
  if (result.length === 0) throw new OptionError("Cannot measure: the text has fewer than 2 tokens");
  return result;
}
