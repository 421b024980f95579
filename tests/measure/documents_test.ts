import { assert, assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "any4";
import { evaluationDocuments } from "any4/measure";
import { tokenizeDocuments } from "../../lib/measure/documents.ts";

/** A token for each letter, and one before them all. */
const letters = { encode: (text: string) => [0, ...Array.from(text, (letter) => letter.charCodeAt(0))] };

/** The pieces as texts, the first token as "^". */
function pieces(
  texts: Record<string, string[]>,
  options: { context: number; maxTokens?: number; truncate?: boolean; bos?: number },
): string[] {
  const documents = Object.entries(texts).flatMap(([kind, all]) => all.map((text) => ({ kind, text })));
  return tokenizeDocuments(documents, { tokenizer: letters, ...options })
    .map(({ kind, ids }) => `${kind} ${ids.map((id) => id === 0 ? "^" : String.fromCharCode(id)).join("")}`);
}

Deno.test("the library's own evaluation text has words of five kinds", () => {
  const documents = evaluationDocuments();
  assertEquals(new Set(documents.map(({ kind }) => kind)).size, 5);
  assert(documents.every(({ text }) => text.trim().length > 0));
});

Deno.test("a text longer than the context is cut into pieces that have all of it", () => {
  assertEquals(pieces({ a: ["bcdefgh"] }, { context: 4 }), ["a ^bcd", "a efgh"]);
  assertEquals(pieces({ a: ["bcdefgh"] }, { context: 100 }), ["a ^bcdefgh"]);
});

Deno.test("a piece of one token predicts nothing and is left out", () => {
  assertEquals(pieces({ a: ["bcdefghi"] }, { context: 4 }), ["a ^bcd", "a efgh"]);
  assertEquals(pieces({ a: ["", "bc"] }, { context: 4 }), ["a ^bc"]);
});

Deno.test("each piece of a text that begins with the beginning-of-sequence token begins with it", () => {
  assertEquals(pieces({ a: ["bcdefgh"] }, { context: 4, bos: 0 }), ["a ^bcd", "a ^efg", "a ^h"]);
  assertEquals(pieces({ a: ["bcdefgh"] }, { context: 4, bos: 0, maxTokens: 5 }), ["a ^bcd", "a ^ef"]);
  assertEquals(pieces({ a: ["bcdefgh"] }, { context: 4, bos: 1 }), ["a ^bcd", "a efgh"]);
  assertThrows(() => pieces({ a: [""] }, { context: 4, bos: 0 }), OptionError, "fewer than 2 tokens");
});

Deno.test("truncate keeps the first piece of each text alone", () => {
  assertEquals(pieces({ a: ["bcdefgh", "ij"] }, { context: 4, truncate: true }), ["a ^bcd", "a ^ij"]);
});

Deno.test("maxTokens counts predicted tokens and is shared evenly by the kinds", () => {
  const texts = { a: ["bcdef", "ghi"], b: ["jk", "lmnop"] };
  assertEquals(pieces(texts, { context: 100, maxTokens: 8 }), ["a ^bcde", "b ^jk", "b ^lm"]);
  assertEquals(pieces(texts, { context: 3, maxTokens: 6 }), ["a ^bc", "a de", "b ^jk", "b ^l"]);
  for (let maxTokens = 2; maxTokens <= 20; maxTokens++) {
    const found = pieces(texts, { context: 3, maxTokens });
    // Each piece is its kind, a space, and one token that is not predicted.
    const predicted = found.reduce((sum, piece) => sum + piece.length - 3, 0);
    assert(predicted <= maxTokens, `${predicted} of ${maxTokens}`);
  }
});

Deno.test("nothing to measure, too short a context or too few tokens are errors that say so", () => {
  assertThrows(() => pieces({ a: [""] }, { context: 4 }), OptionError, "fewer than 2 tokens");
  assertThrows(() => pieces({}, { context: 4 }), OptionError, "fewer than 2 tokens");
  for (const context of [1, 0, -1, NaN]) {
    assertThrows(() => pieces({ a: ["bc"] }, { context }), OptionError, `context must be at least 2`);
  }
  for (const maxTokens of [1, 0, -1, NaN]) {
    const texts = { a: ["bc"], b: ["de"] };
    assertThrows(
      () => pieces(texts, { context: 4, maxTokens }),
      OptionError,
      `current value is ${maxTokens}`,
    );
  }
});
