import { assert, assertAlmostEquals } from "@std/assert";
import { BlockMean } from "../../lib/measure/block_mean.ts";
import { Random } from "../../lib/random.ts";

Deno.test("the standard error is how far means of independent blocks scatter, and NaN of a single one", () => {
  const random = new Random(5);
  const means: number[] = [];
  let error = 0;
  for (let run = 0; run < 200; run++) {
    const mean = new BlockMean();
    for (let block = 0; block < 40; block++) {
      // All tokens of a block move together: tokens alone would seem eight times as sure.
      const value = random.normal();
      for (let t = 0; t < 64; t++) mean.add({ document: run, token: 64 * block + t }, value);
    }
    means.push(mean.mean);
    error += mean.error / 200;
  }
  const scatter = Math.sqrt(means.reduce((sum, value) => sum + value * value, 0) / means.length);
  assertAlmostEquals(error, scatter, 0.15 * scatter);
  const one = new BlockMean();
  one.add({ document: 0, token: 63 }, 1);
  assert(Number.isNaN(one.error));
  one.add({ document: 1, token: 63 }, 1);
  assert(one.error === 0);
});
