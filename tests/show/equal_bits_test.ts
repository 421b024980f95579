import { assertEquals } from "@std/assert";
import { rowsOfEqualBits } from "../../lib/show/equal_bits.ts";
import { row, rows } from "./sample_report.ts";

Deno.test("rows of about equal bits stand together, whatever their order, and none is lost", () => {
  const some = [
    row("any2", 2.46, 2),
    row("int4", 5, 3),
    row("any4", 4.94, 3),
    row("int2", 2.25, 4),
    row("nf4", 4.13, 3),
    row("any2", 2.31, 2),
    row("int4", 4.25, 3),
    row("int2", 2.5, 4),
  ].map((one) => ({ ...one, bits: Number(one.format.slice(-1)) }));
  assertEquals(rowsOfEqualBits(some).map((set) => set.map(({ bitsPerWeight }) => bitsPerWeight)), [
    [4.13, 4.25],
    [4.94, 5],
    [2.25, 2.31, 2.46, 2.5],
  ]);
  assertEquals(rowsOfEqualBits(rows).flat().length, rows.length);
  assertEquals(rowsOfEqualBits([]), []);
});
