import { assertAlmostEquals, assertEquals } from "@std/assert";
import { assignExperts } from "../../../lib/model/decoder/experts.ts";

Deno.test("each token goes to its k likeliest experts, weighted by the softmax over those alone", () => {
  const logits = Float32Array.of(0, Math.log(3), -9, 5, 1, 1 + Math.log(4));
  const shares = assignExperts(logits, { experts: 3, k: 2 });
  assertEquals(shares.map(({ rows }) => rows), [[0, 1], [0], [1]]);
  const weights = shares.map(({ weights }) => weights);
  assertAlmostEquals(weights[0]![0]!, 1 / 4, 1e-6);
  assertAlmostEquals(weights[1]![0]!, 3 / 4, 1e-6);
  const power = Math.exp(5 - 1 - Math.log(4));
  assertAlmostEquals(weights[0]![1]!, power / (power + 1), 1e-6);
});

Deno.test("of equal experts the first are chosen", () => {
  const shares = assignExperts(Float32Array.of(1, 2, 2, 2), { experts: 4, k: 2 });
  assertEquals(shares.map(({ rows }) => rows.length), [0, 1, 1, 0]);
});
