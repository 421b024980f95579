import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertThrows,
} from "@std/assert";
import { OptionError, TensorError } from "../../lib/errors.ts";
import { NF4_VALUES } from "../../lib/formats/nf4.ts";
import { ExactKMeans } from "../../lib/learn/exact_kmeans.ts";
import { Lloyd, type LloydOptions } from "../../lib/learn/lloyd.ts";
import { Random } from "../../lib/random.ts";

const INITS: LloydOptions["init"][] = ["k-means++", "random", "int", "nf4"];

const heavy = (random: Random) => random.normal() / (0.05 + random.next());

for (const init of INITS) {
  Deno.test(`Lloyd from ${init} ends where each centroid is the mean of the values nearest to it`, () => {
    const random = new Random(1);
    for (const k of [1, 2, 5, 8, 16, 40]) {
      const learner = new Lloyd(k, { init, tolerance: 0, maxIterations: 10_000 });
      for (let run = 0; run < 10; run++) {
        const n = k + 1 + random.integer(400);
        const values = Float64Array.from({ length: n }, () => heavy(random));
        const weights = Float64Array.from({ length: n }, () => random.next());
        const centroids = new Float64Array(k);
        const inertia = learner.fit(values, weights, centroids);
        const sums = Array.from({ length: k }, () => ({ weight: 0, moment: 0 }));
        let direct = 0;
        values.forEach((value, i) => {
          let nearest = 0;
          for (let m = 1; m < k; m++) {
            if (Math.abs(centroids[m]! - value) < Math.abs(centroids[nearest]! - value)) nearest = m;
          }
          sums[nearest]!.weight += weights[i]!;
          sums[nearest]!.moment += weights[i]! * value;
          direct += weights[i]! * (value - centroids[nearest]!) ** 2;
        });
        sums.forEach(({ weight, moment }, m) => {
          assert(weight > 0, `cluster ${m} of ${k} is empty`);
          assertAlmostEquals(centroids[m]!, moment / weight, 1e-9);
        });
        assertAlmostEquals(inertia, direct, 1e-9 * direct);
      }
    }
  });

  Deno.test(`Lloyd from ${init} is never better than the exact optimum, nor half as bad again on normal values`, () => {
    const random = new Random(2);
    const lloyd = new Lloyd(16, { init });
    const exact = new ExactKMeans(16);
    const centroids = new Float64Array(16);
    let [found, least] = [0, 0];
    for (let run = 0; run < 20; run++) {
      const values = Float64Array.from({ length: 1000 }, () => random.normal());
      const weights = Float64Array.from({ length: 1000 }, () => random.next());
      const local = lloyd.fit(values, weights, centroids);
      const best = exact.fit(values, weights, centroids);
      assertGreaterOrEqual(local, best * (1 - 1e-12));
      found += local;
      least += best;
    }
    assertLess(found, 1.5 * least);
  });

  Deno.test(`Lloyd from ${init} repeats its answer for the same seed`, () => {
    const random = new Random(3);
    const values = Float64Array.from({ length: 300 }, () => heavy(random));
    const [a, b] = [new Float64Array(16), new Float64Array(16)];
    const learner = new Lloyd(16, { init, seed: 9 });
    learner.fit(values, null, a);
    learner.fit(values.map((v) => v * 3 + 1), null, b);
    learner.fit(values, null, b);
    assertEquals(a, b);
  });

  Deno.test(`Lloyd from ${init} copes with ties, gaps, zero weights and extreme magnitudes`, () => {
    const random = new Random(4);
    for (let run = 0; run < 300; run++) {
      const k = 1 + random.integer(20);
      const n = 1 + random.integer(60);
      const scale = 10 ** (600 * random.next() - 300);
      const values = Float64Array.from({ length: n }, () => random.integer(30) ** 6 * scale / 30 ** 6);
      const weights = Float64Array.from({ length: n }, () => random.integer(3) * 10 ** (12 * random.next()));
      const centroids = new Float64Array(k);
      const inertia = new Lloyd(k, { init }).fit(values, weights, centroids);
      const where = `values ${values}, weights ${weights}, centroids ${centroids}`;
      assert(inertia >= 0, where);
      assert(centroids.every((c, i) => Number.isFinite(c) && (i === 0 || c >= centroids[i - 1]!)), where);
    }
  });
}

Deno.test("Lloyd's int and nf4 starts stay where they are when values lie on them", () => {
  const even = Float64Array.from({ length: 16 }, (_, i) => 5 + 2 * i);
  const nf4 = Float64Array.from(NF4_VALUES, (v) => 3 * v - 1);
  for (const [init, table] of [["int", even], ["nf4", nf4]] as const) {
    // A second value just beside each keeps the shortcut for few values out of it.
    const values = Float64Array.from([...table, ...table].map((v, i) => i < 16 ? v : v + 1e-6));
    const centroids = new Float64Array(16);
    new Lloyd(16, { init }).fit(values, null, centroids);
    centroids.forEach((c, i) => assertAlmostEquals(c, table[i]! + 5e-7, 1e-9, init));
  }
});

Deno.test("Lloyd moves the centroid of an empty cluster to where it is needed", () => {
  const values = Float64Array.of(0, 0.1, 0.2, 0.3, 100);
  const centroids = new Float64Array(3);
  // Even spacing puts the middle centroid at 50, where there is nothing.
  new Lloyd(3, { init: "int", tolerance: 0 }).fit(values, null, centroids);
  assertAlmostEquals(centroids[0]!, 0.05, 0.1);
  assertAlmostEquals(centroids[1]!, 0.25, 0.1);
  assertEquals(centroids[2], 100);
});

Deno.test("Lloyd draws other starts for other seeds and stops when told to", () => {
  const random = new Random(6);
  const values = Float64Array.from({ length: 2000 }, () => heavy(random));
  const centroids = new Float64Array(16);
  const found = new Set<number>();
  for (let seed = 0; seed < 5; seed++) {
    found.add(new Lloyd(16, { init: "k-means++", seed }).fit(values, null, centroids));
  }
  assert(found.size > 1);
  const short = new Lloyd(16, { init: "int", maxIterations: 1 }).fit(values, null, centroids);
  const long = new Lloyd(16, { init: "int", tolerance: 0 }).fit(values, null, centroids);
  assertLess(long, short);
});

Deno.test("Lloyd throws on options and input that it cannot use", () => {
  const two = new Float64Array(2);
  const learner = new Lloyd(2, { init: "int" });
  assertThrows(() => learner.fit(Float64Array.of(NaN), null, two), TensorError, "value 0");
  assertThrows(() => learner.fit(two, null, new Float64Array(1)), TensorError, "array of 1");
  assertThrows(() => new Lloyd(0, { init: "int" }), OptionError, "0 clusters");
  assertThrows(() => new Lloyd(2, { init: "pow" as "int" }), OptionError, '"pow"');
  assertThrows(() => new Lloyd(2, { init: "int", maxIterations: 0 }), OptionError, "maxIterations");
  assertThrows(() => new Lloyd(2, { init: "int", tolerance: -1 }), OptionError, "tolerance");
});
