import { assertEquals } from "@std/assert";
import { asymmetric, symmetric } from "../../lib/formats/format.ts";
import { scaleGroups } from "../../lib/learn/scaling.ts";

const row = (...values: number[]) => ({ rows: 1, cols: values.length, data: Float32Array.from(values) });

Deno.test("each group is scaled by its own least and largest value; the last group may be shorter", () => {
  const { scales, zeros, type } = scaleGroups(row(0, 15, -4, 11, 2), {
    scaling: asymmetric(15),
    groupSize: 2,
  });
  // A group of one value has the least scale there is.
  assertEquals([...scales.subarray(0, 2)], [1, 1]);
  assertEquals([...zeros!], [0, -4, 2]);
  assertEquals(type, "f32");
});

Deno.test("scales and zeros are halves where a half moves no weight by more than a small part of a step", () => {
  const typeOf = (...values: number[]) =>
    scaleGroups(row(...values), { scaling: asymmetric(15), groupSize: 2 }).type;
  // Steps of 1: halves from 2048 on have steps of 2, those up to 512 have steps of 1/4 at most.
  assertEquals([typeOf(0, 15), typeOf(500, 515), typeOf(-500, -485)], ["f16", "f16", "f16"]);
  assertEquals([typeOf(2049, 2064), typeOf(-2049, -2034), typeOf(600, 615)], ["f32", "f32", "f32"]);
  // One such group makes all singles.
  assertEquals(typeOf(0, 15, 2049, 2064), "f32");
});

Deno.test("scales too small or too large for halves are singles", () => {
  const typeOf = (...values: number[]) =>
    scaleGroups(row(...values), { scaling: symmetric(1), groupSize: 2 }).type;
  assertEquals([typeOf(0, 2 ** -14), typeOf(0, 65504), typeOf(0, 0)], ["f16", "f16", "f16"]);
  assertEquals([typeOf(0, 2 ** -15), typeOf(0, 65505)], ["f32", "f32"]);
});

Deno.test("what is stored as halves is rounded to them; a type that is asked for is kept", () => {
  const options = { scaling: asymmetric(3), groupSize: 2 };
  const halves = scaleGroups(row(0.1, 1), options);
  assertEquals([halves.scales[0], halves.zeros![0]], [
    Math.f16round(Math.fround(Math.fround(1) - Math.fround(0.1)) / 3),
    Math.f16round(0.1),
  ]);
  const singles = scaleGroups(row(0.1, 1), { ...options, type: "f32" });
  assertEquals([singles.type, singles.zeros![0]], ["f32", Math.fround(0.1)]);
  assertEquals(scaleGroups(row(2049, 2064), { ...options, type: "f16" }).zeros![0], 2048);
});
