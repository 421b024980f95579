/**
 * Kernels that no operation of the decoder uses, called as they are.
 *
 * @module
 */
import { assertEquals, assertLess } from "@std/assert";
import { Pool } from "../../lib/compute/wasm/pool.ts";
import { weightImage } from "../../lib/compute/wasm/weight_image.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { dequantize } from "../../lib/matrix/packed_matrix.ts";
import { packRow, unpackRow, wordsPerRow } from "../../lib/matrix/packing.ts";
import { Random } from "../../lib/random.ts";

const random = new Random(17);
const pool = new Pool({ threads: 1 });
const arena = pool.arena();

/** Room for so many bytes, each 255 at first. */
function poisoned(bytes: number): number {
  const address = arena.allocate(bytes);
  new Uint8Array(arena.memory.buffer, address, bytes).fill(255);
  return address;
}

for (const bits of [2, 3, 4, 8]) {
  Deno.test(`packCodes() and unpackCodes() agree with packRow() and unpackRow() for ${bits} bits`, () => {
    for (const cols of [1, 31, 32, 33, 100]) {
      const rows = 3;
      const codes = Uint8Array.from({ length: rows * cols }, () => random.next() * 2 ** bits);
      const words = new Uint32Array(rows * wordsPerRow(cols, bits));
      for (let row = 0; row < rows; row++) {
        packRow(codes.subarray(row * cols, (row + 1) * cols), { bits, cols, row }, words);
      }
      const [plain, packed, back] = [codes.length, words.byteLength, codes.length].map(poisoned) as [
        number,
        number,
        number,
      ];
      const memory = arena.memory.buffer;
      new Uint8Array(memory, plain, codes.length).set(codes);
      pool.run(arena, "packCodes", [packed, plain, cols, bits], rows);
      assertEquals(new Uint32Array(memory, packed, words.length).slice(), words);
      pool.run(arena, "unpackCodes", [back, packed, cols, bits], rows);
      assertEquals(new Uint8Array(memory, back, codes.length).slice(), codes);
      const row = new Uint8Array(cols);
      unpackRow(words, { bits, cols, row: 2 }, row);
      assertEquals(row, codes.subarray(2 * cols));
    }
  });
}

Deno.test("dequantize() of the kernels agrees with the library's", () => {
  for (const format of ["int8", "int4", "any3", "any2", "mx4"]) {
    for (const groupSize of [7, 32, "row"] as const) {
      const data = Float32Array.from({ length: 5 * 70 }, () => random.normal());
      const packed = quantize({ rows: 5, cols: 70, data }, { format, groupSize });
      const image = weightImage(packed);
      const weight = poisoned(image.bytes);
      image.write(arena.memory.buffer, weight);
      const out = poisoned(4 * data.length);
      pool.run(arena, "dequantize", [out, weight], 5);
      const values = new Float32Array(arena.memory.buffer, out, data.length);
      assertLess(relativeError(values, dequantize(packed)), 1e-6, format);
    }
  }
});

Deno.test("columnSums() adds Σx, Σ|x| and Σx² of each column to what is there", () => {
  const [tokens, cols] = [9, 13];
  const x = Float32Array.from({ length: tokens * cols }, () => random.normal());
  const [at, sums] = [poisoned(4 * x.length), poisoned(8 * 3 * cols)];
  new Float32Array(arena.memory.buffer, at, x.length).set(x);
  const got = new Float64Array(arena.memory.buffer, sums, 3 * cols).fill(1);
  pool.run(arena, "columnSums", [sums, at, tokens, cols], cols, 5);
  const expected = new Float64Array(3 * cols).fill(1);
  for (const [i, value] of x.entries()) {
    for (const [j, term] of [value, Math.abs(value), value * value].entries()) {
      expected[j * cols + i % cols]! += term;
    }
  }
  assertEquals(got.slice(), expected);
});
