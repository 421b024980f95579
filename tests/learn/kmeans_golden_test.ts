import { assertAlmostEquals, assertGreaterOrEqual, assertLess, assertLessOrEqual } from "@std/assert";
import { ExactKMeans } from "../../lib/learn/exact_kmeans.ts";
import { Lloyd } from "../../lib/learn/lloyd.ts";
import golden from "../golden/kmeans.json" with { type: "json" };
import { Lcg } from "../golden/lcg.ts";

Deno.test("scikit-learn's centroids have the inertia here that they have there: the rows are the same", () => {
  for (const { seed, k, inertia, centroids } of golden.cases) {
    const lcg = new Lcg(seed);
    const values = lcg.heavyTailed(golden.cols);
    const weights = lcg.weights(golden.cols);
    const found = values.reduce((sum, value, i) => {
      const nearest = Math.min(...centroids.map((c) => Math.abs(c - value)));
      return sum + weights[i]! * nearest ** 2;
    }, 0);
    assertAlmostEquals(found, inertia, 1e-12 * inertia, `seed ${seed}, k ${k}`);
  }
});

Deno.test("ExactKMeans is never worse than scikit-learn's k-means, and better in sum", () => {
  let [ours, theirs] = [0, 0];
  for (const { seed, k, inertia } of golden.cases) {
    const lcg = new Lcg(seed);
    const values = Float64Array.from(lcg.heavyTailed(golden.cols));
    const weights = Float64Array.from(lcg.weights(golden.cols));
    const found = new ExactKMeans(k).fit(values, weights, new Float64Array(k));
    assertLessOrEqual(found, inertia * (1 + 1e-9), `seed ${seed}, k ${k}`);
    // The same problem, then: a local optimum is not so far off.
    assertGreaterOrEqual(found, inertia * 0.5, `seed ${seed}, k ${k}`);
    ours += found;
    theirs += inertia;
  }
  assertLess(ours, 0.99 * theirs);
});

Deno.test("Lloyd from k-means++ is in sum as good as scikit-learn's", () => {
  let [ours, theirs] = [0, 0];
  for (const { seed, k, inertia } of golden.cases) {
    const lcg = new Lcg(seed);
    const values = Float64Array.from(lcg.heavyTailed(golden.cols));
    const weights = Float64Array.from(lcg.weights(golden.cols));
    ours += new Lloyd(k, { init: "k-means++" }).fit(values, weights, new Float64Array(k));
    theirs += inertia;
  }
  assertAlmostEquals(ours / theirs, 1, 0.05);
});
