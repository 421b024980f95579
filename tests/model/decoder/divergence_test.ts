import { assertAlmostEquals, assertEquals } from "@std/assert";
import { logSumExp } from "../../../lib/model/decoder/log_sum_exp.ts";
import { divergence, tokenDivergence } from "../../../lib/model/decoder/divergence.ts";

const logits = (...probabilities: number[]) => Float32Array.from(probabilities, Math.log);

Deno.test("logSumExp() looks at its own stretch, and does not overflow", () => {
  const values = Float32Array.of(500, 1000, 1000, 9999);
  assertAlmostEquals(logSumExp(values, 1, 2), 1000 + Math.LN2, 1e-9);
});

Deno.test("divergence is Σ p ln(p / q) over all tokens, from what is expected", () => {
  const [expected, found] = [logits(0.5, 0.5, 0.9, 0.1), logits(0.25, 0.75, 0.9, 0.1)];
  const first = 0.5 * Math.log(0.5 / 0.25) + 0.5 * Math.log(0.5 / 0.75);
  assertAlmostEquals(divergence(expected, found, 2), first, 1e-7);
  assertAlmostEquals(divergence(found, expected, 2), 0.25 * Math.log(0.5) + 0.75 * Math.log(1.5), 1e-7);
  assertEquals(divergence(expected, expected, 2), 0);
});

Deno.test("a token's divergence does not depend on what is added to all of its logits", () => {
  const [expected, found] = [logits(0.9, 0.5, 0.5), logits(0.1, 0.25, 0.75).map((value) => value + 3)];
  const both = [expected, found].map((values) => ({ logits: values, logSum: logSumExp(values, 1, 2) }));
  assertAlmostEquals(
    tokenDivergence(both[0]!, both[1]!, { from: 1, vocab: 2 }),
    0.5 * Math.log(2) + 0.5 * Math.log(2 / 3),
    1e-6,
  );
});
