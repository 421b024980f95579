import { assertEquals } from "@std/assert";
import { packRow, unpackRow, wordsPerRow } from "../../lib/matrix/packing.ts";
import { Random } from "../../lib/random.ts";

Deno.test("packRow() and unpackRow() are inverse for every width and odd column counts", () => {
  const random = new Random(1);
  for (const bits of [2, 3, 4, 8]) {
    for (const cols of [1, 10, 31, 32, 33, 64, 100, 257]) {
      const words = new Uint32Array(3 * wordsPerRow(cols, bits)).fill(0xdeadbeef);
      const rows = Array.from(
        { length: 3 },
        () => Uint8Array.from({ length: cols }, () => random.integer(2 ** bits)),
      );
      rows.forEach((codes, row) => packRow(codes, { bits, cols, row }, words));
      const out = new Uint8Array(cols);
      rows.forEach((codes, row) => {
        unpackRow(words, { bits, cols, row }, out);
        assertEquals(out, codes, `${bits} bits, ${cols} columns, row ${row}`);
      });
    }
  }
});

Deno.test("32 codes of b bits fill b words, the first code in the lowest bits", () => {
  for (const bits of [2, 3, 4, 8]) assertEquals(wordsPerRow(32, bits), bits);
  const words = new Uint32Array(4);
  packRow(Uint8Array.of(0x1, 0x2, 0xf), { bits: 4, cols: 3, row: 0 }, words);
  assertEquals(words[0], 0xf21);
});
