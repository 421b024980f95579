import { assertEquals } from "@std/assert";
import { median } from "../../lib/measure/median.ts";

Deno.test("the median is the middle, or the mean of the two in the middle", () => {
  assertEquals([median([3]), median([9, 1, 2]), median([4, 1, 10, 2])], [3, 2, 3]);
});
