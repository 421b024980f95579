import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { OptionError, TensorError } from "../../lib/errors.ts";
import { ExactKMeans } from "../../lib/learn/exact_kmeans.ts";
import { Random } from "../../lib/random.ts";

/** The weights as they count: 1 each when absent or all 0. */
function effective(weights: Float64Array | null, n: number): Float64Array {
  return weights === null || weights.every((w) => w === 0) ? new Float64Array(n).fill(1) : weights;
}

/** The least inertia of k intervals, by trying all splits: O(k n²) after O(n³) for the intervals' own. */
function bruteForce(values: Float64Array, weights: Float64Array, k: number): number {
  const points = Array.from(values, (value, i) => ({ value, weight: weights[i]! }))
    .filter(({ weight }) => weight > 0).sort((a, b) => a.value - b.value);
  const n = points.length;
  let best = new Float64Array(n + 1).fill(Infinity);
  best[0] = 0;
  const inertia = points.map((_, from) => {
    // Σ w · (v − mean)² is the sum over pairs w · w' · (v − v')² / Σ w: nothing cancels.
    let [sum, pairs] = [0, 0];
    return points.slice(from).map(({ value, weight }, length) => {
      for (let i = from; i < from + length; i++) {
        pairs += points[i]!.weight * weight * (points[i]!.value - value) ** 2;
      }
      sum += weight;
      return pairs / sum;
    });
  });
  for (let m = 1; m <= k; m++) {
    const next = best.slice();
    for (let from = 0; from < n; from++) {
      for (let to = from; to < n; to++) {
        next[to + 1] = Math.min(next[to + 1]!, best[from]! + inertia[from]![to - from]!);
      }
    }
    best = next;
  }
  return best[n]!;
}

/** The same by Welford's updates, in O(k n²) time and O(n) memory. */
function quickBruteForce(values: Float64Array, weights: Float64Array, k: number): number {
  const order = Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
  const n = order.length;
  let best = new Float64Array(n + 1).fill(Infinity);
  best[0] = 0;
  for (let m = 1; m <= k; m++) {
    const next = new Float64Array(n + 1).fill(Infinity);
    for (let from = 0; from < n; from++) {
      let [sum, mean, inertia] = [0, 0, 0];
      for (let to = from; to < n; to++) {
        const weight = weights[order[to]!]!;
        const off = values[order[to]!]! - mean;
        sum += weight;
        mean += off * weight / sum;
        inertia += weight * off * (values[order[to]!]! - mean);
        next[to + 1] = Math.min(next[to + 1]!, best[from]! + inertia);
      }
    }
    best = next;
  }
  return best[n]!;
}

/** Σ w · (v − nearest centroid)². */
function inertiaOf(values: Float64Array, weights: Float64Array, centroids: Float64Array): number {
  return values.reduce((inertia, value, i) => {
    const nearest = Math.min(...centroids.map((c) => Math.abs(c - value)));
    return inertia + weights[i]! * nearest ** 2;
  }, 0);
}

const heavy = (random: Random) => random.normal() / (0.05 + random.next());

const SHAPES: Record<string, (random: Random) => number> = {
  "normal values": (random) => random.normal(),
  "heavy tails": (random) => heavy(random) ** 3,
  "many ties": (random) => random.integer(9),
  "whole numbers and their neighbours": (random) => random.integer(5) + random.integer(2) * 1e-9,
  "values far from zero": (random) => 1e6 + random.normal(),
  "tiny values": (random) => random.normal() * 1e-30,
  "huge values": (random) => random.normal() * 1e30,
  "magnitudes from 1e-30 to 1e30": (random) => Math.sign(random.normal()) * 10 ** (60 * random.next() - 30),
};

const WEIGHTS: Record<string, ((random: Random) => number) | null> = {
  "no weights": null,
  "weights": (random) => Math.abs(random.normal()),
  "zero weights among others": (random) => Math.max(0, random.normal()),
  "weights from 1e-6 to 1e6": (random) => 10 ** (12 * random.next() - 6),
  "weights all zero": () => 0,
};

for (const [shape, draw] of Object.entries(SHAPES)) {
  Deno.test(`ExactKMeans finds what trying all splits finds: ${shape}`, () => {
    const random = new Random(shape.length);
    for (const [kind, weigh] of Object.entries(WEIGHTS)) {
      for (let k = 1; k <= 16; k = Math.ceil(k * 1.7)) {
        const learner = new ExactKMeans(k);
        for (let run = 0; run < 14; run++) {
          const n = 1 + random.integer(run < 12 ? 24 : 60);
          const values = Float64Array.from({ length: n }, () => draw(random));
          const weights = weigh && Float64Array.from({ length: n }, () => weigh(random));
          const centroids = new Float64Array(k);
          const found = learner.fit(values, weights, centroids);
          const counted = effective(weights, n);
          const best = bruteForce(values, counted, k);
          const where = `${kind}, k = ${k}, n = ${n}, values ${values}, weights ${weights}`;
          // Comparisons are rounded in proportion to the inertia of one cluster, centroids to their own digits.
          const largest = Math.max(...values.map(Math.abs));
          const rounding = 1e-14 * bruteForce(values, counted, 1) +
            counted.reduce((a, b) => a + b) * (2 ** -52 * largest) ** 2;
          assertAlmostEquals(found, best, 1e-8 * best + rounding, where);
          assertAlmostEquals(inertiaOf(values, counted, centroids), found, 1e-8 * best + rounding, where);
          assert(centroids.every((c, i) => Number.isFinite(c) && (i === 0 || c >= centroids[i - 1]!)), where);
        }
      }
    }
  });
}

Deno.test("ExactKMeans gives the values themselves, the largest repeated, when they are no more than k", () => {
  const centroids = new Float64Array(4);
  const learner = new ExactKMeans(4);
  assertEquals(learner.fit(Float64Array.of(3, -1, 3, 7, -1), null, centroids), 0);
  assertEquals(centroids, Float64Array.of(-1, 3, 7, 7));
  assertEquals(learner.fit(Float64Array.of(5), Float64Array.of(0), centroids), 0);
  assertEquals(centroids, Float64Array.of(5, 5, 5, 5));
  assertEquals(learner.fit(Float64Array.of(0, -0, 0), null, centroids), 0);
  assertEquals(centroids.map(Math.abs), new Float64Array(4));
});

Deno.test("ExactKMeans ignores values of no weight unless none has any", () => {
  const centroids = new Float64Array(2);
  const learner = new ExactKMeans(2);
  const values = Float64Array.of(100, 1, 2, 3);
  learner.fit(values, Float64Array.of(0, 1, 1, 0), centroids);
  assertEquals(centroids, Float64Array.of(1, 2));
  learner.fit(values, Float64Array.of(0, 0, 0, 0), centroids);
  assertEquals(centroids, Float64Array.of(2, 100));
});

Deno.test("ExactKMeans does not change its input and repeats its answer, whatever came between", () => {
  const random = new Random(5);
  const values = Float64Array.from({ length: 700 }, () => heavy(random));
  const weights = Float64Array.from({ length: 700 }, () => random.next());
  const copies = [values.slice(), weights.slice()];
  const learner = new ExactKMeans(16);
  const first = new Float64Array(16);
  const again = new Float64Array(16);
  const inertia = learner.fit(values, weights, first);
  learner.fit(Float64Array.from({ length: 3000 }, () => random.normal()), null, again);
  learner.fit(Float64Array.of(1, 2, 3), null, again);
  assertEquals(learner.fit(values, weights, again), inertia);
  assertEquals(again, first);
  assertEquals([values, weights], copies);
});

Deno.test("ExactKMeans follows its values when they are shifted and scaled", () => {
  const random = new Random(11);
  const values = Float64Array.from({ length: 500 }, () => random.normal());
  const plain = new Float64Array(8);
  const moved = new Float64Array(8);
  const learner = new ExactKMeans(8);
  const inertia = learner.fit(values, null, plain);
  // Powers of two change no digit.
  for (const scale of [2 ** -300, 2 ** -40, 2 ** 60, 2 ** 300]) {
    const scaled = learner.fit(values.map((v) => v * scale), null, moved);
    assertEquals(moved, plain.map((c) => c * scale));
    assertAlmostEquals(scaled / scale / scale, inertia, inertia * 1e-12);
  }
  learner.fit(values.map((v) => v + 1000), null, moved);
  moved.forEach((c, i) => assertAlmostEquals(c, plain[i]! + 1000, 1e-9));
});

Deno.test("ExactKMeans never returns NaN at the ends of the number range", () => {
  const random = new Random(2);
  const centroids = new Float64Array(4);
  const learner = new ExactKMeans(4);
  for (const scale of [5e-324, 1e-310, 1e-300, 1e300, 1.7e308]) {
    for (const weight of [5e-324, 1e-300, 1, 1e300, 1.7e308]) {
      const values = Float64Array.from({ length: 50 }, () => (2 * random.next() - 1) * scale);
      const inertia = learner.fit(values, new Float64Array(50).fill(weight), centroids);
      assert(inertia >= 0, `inertia ${inertia} for scale ${scale}, weight ${weight}`);
      assert(centroids.every(Number.isFinite), `${centroids} for scale ${scale}, weight ${weight}`);
    }
  }
});

Deno.test("ExactKMeans is never worse with more clusters", () => {
  const random = new Random(3);
  const values = Float64Array.from({ length: 2000 }, () => heavy(random));
  let last = Infinity;
  for (let k = 1; k <= 40; k++) {
    const inertia = new ExactKMeans(k).fit(values, null, new Float64Array(k));
    assertLess(inertia, last);
    last = inertia;
  }
});

Deno.test("ExactKMeans keeps its digits where clusters are narrow, weights uneven and almost no inertia is left", () => {
  const random = new Random(13);
  for (let run = 0; run < 200; run++) {
    const k = 6 + random.integer(8);
    const n = 10 + random.integer(40);
    // Five clumps a millionth of their distance wide; one value outweighs all others.
    const values = Float64Array.from(
      { length: n },
      () => 7 * (random.integer(5) - 2) + random.normal() * 1e-6,
    );
    const weights = new Float64Array(n).fill(1);
    weights[random.integer(n)] = run % 2 ? 1 : 1e6;
    const best = bruteForce(values, weights, k);
    const found = new ExactKMeans(k).fit(values, weights, new Float64Array(k));
    assertAlmostEquals(found, best, 1e-8 * best, `k = ${k}, values ${values}, weights ${weights}`);
  }
});

Deno.test("ExactKMeans keeps its digits where outliers are 1e30 times as large as the rest", () => {
  const random = new Random(17);
  for (let run = 0; run < 100; run++) {
    const n = 10 + random.integer(40);
    const outliers = 1 + random.integer(5);
    const values = Float64Array.from(
      { length: n },
      (_, i) => i < outliers ? 1e30 * random.normal() : random.normal(),
    );
    const weights = Float64Array.from({ length: n }, () => random.next());
    const best = bruteForce(values, weights, 8);
    const found = new ExactKMeans(8).fit(values, weights, new Float64Array(8));
    assertAlmostEquals(found, best, 1e-9 * best, `values ${values}, weights ${weights}`);
  }
});

Deno.test("ExactKMeans finds k clusters where many numbers of clusters are worth the same at one price", () => {
  // Each of n equal pairs costs 1 / 2 unless it is split, so inertia falls by 1 / 2 for every further cluster.
  const values = Float64Array.from({ length: 40 }, (_, i) => 100 * (i >> 1) + (i & 1));
  for (let k = 20; k <= 40; k++) {
    assertEquals(new ExactKMeans(k).fit(values, null, new Float64Array(k)), (40 - k) / 2);
  }
  const line = Float64Array.from({ length: 36 }, (_, i) => i);
  for (let k = 1; k <= 36; k++) {
    const best = bruteForce(line, new Float64Array(36).fill(1), k);
    assertAlmostEquals(
      new ExactKMeans(k).fit(line, null, new Float64Array(k)),
      best,
      1e-12 * best,
      `k = ${k}`,
    );
  }
});

Deno.test("ExactKMeans finds what trying all splits finds on a row long enough for a coarse first look", () => {
  const random = new Random(19);
  const values = Float64Array.from({ length: 1100 }, () => heavy(random));
  const weights = Float64Array.from({ length: 1100 }, () => random.next() ** 4);
  for (const k of [4, 16]) {
    const best = quickBruteForce(values, weights, k);
    const found = new ExactKMeans(k).fit(values, weights, new Float64Array(k));
    assertAlmostEquals(found, best, 1e-9 * best, `k = ${k}`);
  }
});

Deno.test("ExactKMeans clusters a million values in a few seconds", () => {
  const random = new Random(8);
  const values = Float64Array.from({ length: 1_000_000 }, () => random.normal());
  const start = performance.now();
  const inertia = new ExactKMeans(16).fit(values, null, new Float64Array(16));
  assertLess(performance.now() - start, 10_000);
  // 16 levels leave 0.009501 of a normal variable's variance (Max 1960, table I).
  assertAlmostEquals(inertia / 1e6, 0.0095, 1e-4);
});

Deno.test("ExactKMeans throws on input that it cannot cluster", () => {
  const learner = new ExactKMeans(2);
  const two = new Float64Array(2);
  assertThrows(() => learner.fit(new Float64Array(0), null, two), TensorError);
  assertThrows(() => learner.fit(Float64Array.of(1, NaN), null, two), TensorError, "value 1");
  assertThrows(() => learner.fit(Float64Array.of(-Infinity), null, two), TensorError, "-Infinity");
  assertThrows(() => learner.fit(two, Float64Array.of(1, -1), two), TensorError, "weight 1");
  assertThrows(() => learner.fit(two, Float64Array.of(NaN, 1), two), TensorError, "weight 0");
  assertThrows(() => learner.fit(two, Float64Array.of(1), two), TensorError, "weights");
  assertThrows(() => learner.fit(two, null, new Float64Array(3)), TensorError, "array of 3");
  assertThrows(() => new ExactKMeans(0), OptionError, "k must be");
  assertThrows(() => new ExactKMeans(1.5), OptionError, "1.5");
});
