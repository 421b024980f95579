import { assert, assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "../../../lib/errors.ts";
import { argmax, largest, Sampler, type SamplingOptions } from "../../../lib/model/decoder/sampling.ts";

/** Logits of the probabilities 1/2, 1/4, 1/8 and 1/8. */
const logits = Float32Array.from([1 / 8, 1 / 2, 1 / 8, 1 / 4], Math.log);

/** How often each token is drawn, of so many draws. */
function draw(options: SamplingOptions, draws = 4000): number[] {
  const sampler = new Sampler({ temperature: 1, ...options });
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < draws; i++) {
    counts[sampler.next(largest(logits, Math.min(sampler.wanted, logits.length)))]!++;
  }
  return counts.map((count) => count / draws);
}

function assertNear(found: readonly number[], expected: readonly number[]): void {
  found.forEach((share, i) =>
    assert(Math.abs(share - expected[i]!) < 0.03, `${found}, expected ${expected}`)
  );
}

Deno.test("tokens are drawn as often as their probabilities say", () => {
  assertNear(draw({}), [1 / 8, 1 / 2, 1 / 8, 1 / 4]);
});

Deno.test("temperature divides the logits: below 1 likely tokens become likelier, above 1 less so", () => {
  // Odds to the power of 1 / temperature: 16, 4, 1, 1 and √2, 1, 1/√2, 1/√2 to one another.
  assertNear(draw({ temperature: 0.5 }), [1, 16, 1, 4].map((odds) => odds / 22));
  const flat = [1, 2, 1, Math.SQRT2];
  assertNear(draw({ temperature: 2 }), flat.map((odds) => odds / (4 + Math.SQRT2)));
  assertEquals(draw({ temperature: 0 }, 20), [0, 1, 0, 0]);
});

Deno.test("topP keeps the fewest tokens that reach it, and no more", () => {
  assertEquals(draw({ topP: 0.4 }, 200), [0, 1, 0, 0]);
  assertNear(draw({ topP: 0.7 }), [0, 2 / 3, 0, 1 / 3]);
  assertNear(draw({ topP: 0.8 }), [1 / 7, 4 / 7, 0, 2 / 7]);
  // What reaches it exactly is enough.
  const exact = new Sampler({ temperature: 1, topP: 0.5 });
  const even = { ids: Uint32Array.of(7, 8), values: Float32Array.of(0, 0) };
  for (let i = 0; i < 50; i++) assertEquals(exact.next(even), 7);
});

Deno.test("topK keeps the likeliest tokens, of equals the first", () => {
  assertEquals(draw({ topK: 1 }, 200), [0, 1, 0, 0]);
  assertNear(draw({ topK: 3 }), [1 / 7, 4 / 7, 0, 2 / 7]);
  assertEquals(largest(logits, 3).ids, Uint32Array.of(1, 3, 0));
  assertEquals([argmax(logits), argmax(Float32Array.of(2, 5, 5))], [1, 1]);
  assertEquals([new Sampler(), new Sampler({ temperature: 1, topK: 3 })].map(({ wanted }) => wanted), [1, 3]);
});

Deno.test("the same seed draws the same tokens, another one others", () => {
  const [a, b, c] = [1, 1, 2].map((seed) => {
    const sampler = new Sampler({ temperature: 1, seed });
    return Array.from({ length: 40 }, () => sampler.next(largest(logits, 4)));
  });
  assertEquals(a, b);
  assert(a!.join() !== c!.join());
});

Deno.test("options out of range are errors that name them", () => {
  const wrong: SamplingOptions[] = [
    ...[-1, NaN, Infinity].map((temperature) => ({ temperature })),
    ...[0, NaN].map((topK) => ({ topK })),
    ...[0, 1.1, NaN].map((topP) => ({ topP })),
  ];
  for (const options of wrong) {
    assertThrows(() => new Sampler(options), OptionError, Object.keys(options)[0]);
  }
  new Sampler({ temperature: 0, topK: 1, topP: 1 });
});
