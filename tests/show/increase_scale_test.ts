import { assert, assertAlmostEquals, assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { increasePlace, increaseText, increaseTicks } from "../../lib/show/increase_scale.ts";

Deno.test("the scale of increases rises, is odd around the original and has a place for everything", () => {
  const ratios = [0.5, 0.99, 0.9999, 1, 1.0001, 1.01, 1.5, 2, 50, 999];
  for (let i = 1; i < ratios.length; i++) {
    assertLess(increasePlace(ratios[i - 1]!), increasePlace(ratios[i]!));
  }
  assertEquals(increasePlace(1), 0);
  assertAlmostEquals(increasePlace(1.25), -increasePlace(0.75), 1e-12);
  for (const bad of [NaN, Infinity, 1e9]) assertEquals(increasePlace(bad), increasePlace(1000));
  assertEquals(["×3.12", "×∞", "×∞"], [3.12, NaN, Infinity].map(increaseText));
});

Deno.test("ticks of increases hold the original and keep apart", () => {
  const ticks = increaseTicks([increasePlace(0.98), increasePlace(300)], 0.8);
  assert(ticks.includes(1) && ticks.some((ratio) => ratio < 1) && ticks.some((ratio) => ratio > 10));
  for (let i = 1; i < ticks.length; i++) {
    assertGreaterOrEqual(increasePlace(ticks[i]!) - increasePlace(ticks[i - 1]!), 0.8);
  }
});
