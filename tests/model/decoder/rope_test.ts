import { assertAlmostEquals, assertEquals } from "@std/assert";
import { rotationOf } from "../../../lib/model/decoder/rope.ts";

const base = { rope_theta: 10000, rotary_dim: 8 };
/** Radians a token of the four pairs without scaling. */
const plain = [1, 0.1, 0.01, 0.001];

function assertNear(found: Float32Array, expected: readonly number[]): void {
  assertEquals(found.length, expected.length);
  found.forEach((value, i) => assertAlmostEquals(value / expected[i]!, 1, 1e-6));
}

Deno.test("pair i turns by theta^(−2i / rotary_dim) a token; linear scaling divides all", () => {
  const { frequencies, magnitude } = rotationOf({ ...base, rope_type: "default" }, 100);
  assertNear(frequencies, plain);
  assertEquals(magnitude, 1);
  const linear = rotationOf({ ...base, rope_type: "linear", factor: 4 }, 100);
  assertNear(linear.frequencies, plain.map((value) => value / 4));
});

Deno.test("dynamic scaling leaves the original context alone, and grows the base with what goes beyond", () => {
  const rope = { ...base, rope_type: "dynamic" as const, factor: 2, original_max_position_embeddings: 100 };
  assertNear(rotationOf(rope, 50).frequencies, plain);
  assertNear(rotationOf(rope, 100).frequencies, plain);
  // Twice the length: 2 · 2 − 1 = 3, to the power of 8 / 6.
  const grown = 10000 * 3 ** (8 / 6);
  assertNear(rotationOf(rope, 200).frequencies, [0, 1, 2, 3].map((i) => grown ** (-i / 4)));
});

Deno.test("Llama 3's scaling keeps fast pairs, divides slow ones, and steps smoothly between", () => {
  const rope = {
    ...base,
    rope_type: "llama3" as const,
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 400 * Math.PI,
  };
  // Over that context the pairs turn 200, 20, 2 and 0.2 times.
  const between = (1 / 3 + (2 / 3) / 8) * 0.01;
  assertNear(rotationOf(rope, 1).frequencies, [1, 0.1, between, 0.001 / 8]);
});

Deno.test("YaRN keeps pairs that turn often, divides those that turn seldom, with a ramp over pairs between", () => {
  const rope = {
    ...base,
    rope_type: "yarn" as const,
    factor: 10,
    beta_fast: 20,
    beta_slow: 0.2,
    truncate: true,
    original_max_position_embeddings: 400 * Math.PI,
    attention_factor: 1.25,
  };
  // The ramp goes from pair 1 to pair 3.
  const { frequencies, magnitude } = rotationOf(rope, 1);
  assertNear(frequencies, [1, 0.1, 0.01 * (0.5 / 10 + 0.5), 0.001 / 10]);
  assertEquals(magnitude, 1.25);
});

Deno.test("LongRoPE takes its long factors beyond the original context alone", () => {
  const rope = {
    ...base,
    rope_type: "longrope" as const,
    short_factor: [1, 1, 1, 2],
    long_factor: [1, 2, 4, 8],
    original_max_position_embeddings: 100,
    attention_factor: 1.5,
  };
  assertNear(rotationOf(rope, 100).frequencies, [1, 0.1, 0.01, 0.0005]);
  assertNear(rotationOf(rope, 101).frequencies, [1, 0.05, 0.0025, 0.000125]);
});
