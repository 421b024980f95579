import { assertEquals } from "@std/assert";
import { codebookRounding, codebookStep, type CodebookType } from "../../lib/matrix/codebook_type.ts";
import { roundTo } from "../../lib/matrix/rounding.ts";

const rounder = (type: CodebookType, bits: number) => (value: number) =>
  roundTo(codebookRounding(type, bits), value);

Deno.test("bytes of codebooks reach from 0 to 2^bits, or as far below 0 as above", () => {
  for (const bits of [2, 3, 4]) {
    const [unsigned, signed] = [rounder("uint8", bits), rounder("int8", bits)];
    const most = 2 ** bits;
    assertEquals([unsigned(-1), unsigned(2 * most)], [0, most - codebookStep(bits)]);
    assertEquals([signed(-most), signed(most)], [-most / 2, most / 2 - codebookStep(bits)]);
  }
});

Deno.test("a byte is the nearest of its steps, a half holds it, and none is −0", () => {
  assertEquals(codebookStep(4), 1 / 16);
  const rounded = rounder("int8", 4);
  assertEquals([3.03, 3.04, -2.51, -0.01].map(rounded), [3, 3.0625, -2.5, 0]);
  assertEquals(Object.is(rounded(-0.01), 0), true);
  for (let x = -9; x < 9; x += 0.01) {
    assertEquals(Math.f16round(rounded(x)), rounded(x));
    assertEquals(rounded(rounded(x)), rounded(x));
  }
});

Deno.test("halves and singles are rounded as they always were", () => {
  assertEquals(rounder("f16", 4)(1 / 3), Math.f16round(1 / 3));
  assertEquals(rounder("f32", 4)(1 / 3), Math.fround(1 / 3));
});
