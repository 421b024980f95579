import { assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "../../lib/errors.ts";
import { weightingOf, weightings } from "../../lib/learn/weighting.ts";

const stats = {
  tokens: 2,
  mean: Float64Array.of(-1, 2),
  meanAbs: Float64Array.of(3, 4),
  meanSquare: Float64Array.of(5, 6),
};

Deno.test("weightings take their statistic of a column, and a power of the scale", () => {
  const found = Array.from(weightings.values(), ({ name, columns, scalePower }) => [
    name,
    columns && [...Array.from(columns(stats))],
    scalePower,
  ]);
  assertEquals(found, [["none", null, 0], ["mean", [1, 2], 1], ["mean-abs", [3, 4], 1], ["mean-square", [
    5,
    6,
  ], 2]]);
});

Deno.test("a weighting passes through, a name is looked up, and nothing means mean-square", () => {
  const own = { name: "own", columns: null, scalePower: 3 };
  assertEquals(weightingOf(own), own);
  assertEquals([weightingOf("mean").name, weightingOf().name], ["mean", "mean-square"]);
  assertThrows(
    () => weightingOf("median"),
    OptionError,
    'Cannot weigh by "median": expected one of none, mean',
  );
});
