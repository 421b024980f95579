/**
 * Every way to store scales, tables and what is beside them, for tests that run over all.
 *
 * @module
 */
import type { QuantizeOptions } from "../lib/learn/quantize.ts";

/** Options of a layout, by what they ask for, and the bits a weight of 64 × 512 in groups of 64. */
export const layouts: ReadonlyMap<string, { options: QuantizeOptions; bits: number }> = new Map([
  ["halves", { options: { format: "any4" }, bits: 4 + 0.5 + 0.5 }],
  ["tables in bytes", { options: { format: "any4", codebookType: "int8" }, bits: 4 + 0.5 + 0.25 }],
  ["no zeros", { options: { format: "any4sym" }, bits: 4 + 0.25 + 0.5 }],
  ["no zeros, tables in bytes", {
    options: { format: "any3sym", codebookType: "int8" },
    bits: 3 + 0.25 + 0.125,
  }],
  ["scales in bytes", { options: { format: "any4", scaleType: "int8" }, bits: 4 + 0.28125 + 0.5 }],
  ["scales in bytes, fixed tables", { options: { format: "int2", scaleType: "int8" }, bits: 2 + 0.28125 }],
  ["one table a matrix", { options: { format: "any4", codebook: "matrix" }, bits: 4 + 0.5 + 256 / 32768 }],
  ["a table for 8 rows", {
    options: { format: "any3", codebook: "8-rows" },
    bits: 3 + 0.5 + 8 * 128 / 32768,
  }],
  ["4 tables, in bytes, that rows pick", {
    options: { format: "any4sym", codebook: "4-tables", codebookType: "int8" },
    bits: 4 + 0.25 + (4 * 128 + 64 * 8) / 32768,
  }],
  ["outliers", {
    options: { format: "any2", outliers: 0.005 },
    bits: 2 + 0.5 + 0.125 + 32 * (164 + 65) / 32768,
  }],
  [
    "all in bytes, no zeros",
    { options: { format: "any4sym", scaleType: "int8", codebookType: "int8" }, bits: 4 + 0.140625 + 0.25 },
  ],
]);
