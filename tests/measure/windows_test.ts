import { assertAlmostEquals, assertEquals } from "@std/assert";
import { loadModel, nf4 } from "any4";
import { compare, referenceLogits } from "any4/measure";
import { WINDOW_TOKENS, WindowSums } from "../../lib/measure/windows.ts";

/** One token for each value, each in a document of its own. */
function sums(values: readonly number[]): WindowSums {
  const result = new WindowSums();
  for (const [document, value] of values.entries()) result.add(value, { document, token: 0 });
  return result;
}

Deno.test("of windows of one token, the standard error is the textbook's", () => {
  // The variance of 1, 2, 4, 5 is 10/3.
  const { mean, stderr, tokens } = sums([1, 2, 4, 5]);
  assertEquals([mean, tokens], [3, 4]);
  assertAlmostEquals(stderr, Math.sqrt(10 / 3 / 4), 1e-12);
  assertEquals(sums([7]).stderr, NaN);
});

Deno.test("tokens of one window count as one observation, those of the next do not", () => {
  const result = new WindowSums();
  // Two windows of one document, with means of 1 and 3.
  for (let token = 0; token < 2 * WINDOW_TOKENS; token++) {
    result.add(token < WINDOW_TOKENS ? 1 : 3, { document: 0, token });
  }
  assertEquals([result.mean, result.stderr], [2, 1]);
});

Deno.test("a window of more tokens weighs more", () => {
  const result = new WindowSums();
  for (let token = 0; token < 3; token++) result.add(2, { document: 0, token });
  result.add(6, { document: 1, token: 0 });
  // Sums 6 and 6 of 3 tokens and 1, mean 3: residuals are -3 and 3.
  assertEquals([result.mean, result.stderr], [3, Math.sqrt(2 * 18) / 4]);
});

Deno.test("compare() has standard errors that cover what another half of the text gives", async () => {
  using model = await loadModel("tinyworld");
  using small = await nf4(model);
  const reference = await referenceLogits(model, { maxTokens: 2000 });
  const { kl, klStderr, perplexity, perplexityStderr } = await compare(small, reference);
  const odd = (_: unknown, i: number) => i % 2 === 1;
  const half = await compare(small, {
    ...reference,
    documents: reference.documents.filter(odd),
    logits: reference.logits.filter(odd),
    logSums: reference.logSums.filter(odd),
  });
  assertAlmostEquals(half.kl, kl, 4 * klStderr);
  assertAlmostEquals(half.perplexity, perplexity, 4 * perplexityStderr);
  assertEquals([klStderr > 0.01 * kl, klStderr < 0.3 * kl], [true, true]);
  const whole = await compare(model, reference);
  assertEquals(whole.perplexityStderr, reference.perplexity.perplexityStderr);
});
