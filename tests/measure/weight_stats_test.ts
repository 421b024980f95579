import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "any4";
import { weightStats } from "any4/measure";
import { Random } from "../../lib/random.ts";

Deno.test("two values equally often have kurtosis 1 and an entropy of one bit", () => {
  assertEquals(weightStats([-1, 1, -1, 1]), {
    count: 4,
    mean: 0,
    std: 1,
    min: -1,
    max: 1,
    kurtosis: 1,
    outliers: 0,
    entropy: 1,
  });
});

Deno.test("codes 0 to 3, each once, have two bits and the moments of a die with four sides", () => {
  const stats = weightStats(Uint8Array.of(3, 0, 2, 1), { bins: 4 });
  assertEquals([stats.mean, stats.min, stats.max, stats.entropy], [1.5, 0, 3, 2]);
  assertAlmostEquals(stats.std, Math.sqrt(1.25));
  assertAlmostEquals(stats.kurtosis, 2.5625 / 1.25 ** 2);
  assertEquals(weightStats([3, 0, 2, 1], { bins: 1 }).entropy, 0);
  assertEquals(weightStats([3, 0, 2, 1], { bins: 2 }).entropy, 1);
});

Deno.test("one weight far from 99 others is an outlier with the moments of a rare coin", () => {
  const { mean, std, kurtosis, outliers, entropy } = weightStats([100, ...new Array<number>(99).fill(0)]);
  const [p, q] = [0.01, 0.99];
  assertAlmostEquals(mean, 1);
  assertAlmostEquals(std, 100 * Math.sqrt(p * q));
  assertAlmostEquals(kurtosis, (1 - 3 * p * q) / (p * q));
  assertEquals(outliers, 0.01);
  assertAlmostEquals(entropy, -p * Math.log2(p) - q * Math.log2(q));
});

Deno.test("equal weights have no spread, no kurtosis and no entropy", () => {
  const { mean, std, kurtosis, outliers, entropy } = weightStats(new Float32Array(7).fill(0.5));
  assertEquals([mean, std, kurtosis, outliers, entropy], [0.5, 0, 0, 0, 0]);
});

Deno.test("kurtosis is 3 for normal weights and 1.8 for uniform ones", () => {
  const random = new Random(1);
  const uniform = Float64Array.from({ length: 100_000 }, () => random.next());
  const normal = uniform.map((u) => Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * random.next()));
  assertAlmostEquals(weightStats(uniform).kurtosis, 1.8, 0.02);
  assertAlmostEquals(weightStats(normal).kurtosis, 3, 0.1);
  assertAlmostEquals(weightStats(uniform).entropy, 8, 0.01);
});

Deno.test("no weights, and no bins, are errors", () => {
  assertThrows(() => weightStats([]), OptionError, "none");
  for (const bins of [0, -1, 1.5, NaN]) {
    assertThrows(() => weightStats([1], { bins }), OptionError, `current value is ${bins}`);
  }
});

Deno.test("outliers are more than four standard deviations from the mean", () => {
  // n − 1 zeros and one 1: the 1 is √(n − 1) standard deviations away.
  const outliers = (n: number) => weightStats([1, ...new Array<number>(n - 1).fill(0)]).outliers;
  assertEquals([outliers(15), outliers(20)], [0, 1 / 20]);
});
