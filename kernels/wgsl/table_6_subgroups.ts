/**
 * Packed weights, sixth rung: subgroups add up.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import type { TableShape } from "./table.ts";
import { type RowsOptions, tableRows } from "./table_4_rows.ts";
import { tablePairs } from "./table_5_pairs.ts";
import { tableLine } from "./table_line.ts";

/** How codes are looked up: as on the fourth rung, as on the fifth, two or four at a time, or not at all. */
export type LookupName = "single" | "pairs" | "fours" | "line";

/** The kernels of several rows by their look-ups; without subgroups where their options have none. */
export const lookups: Readonly<Record<LookupName, (shape: TableShape, options: RowsOptions) => Kernel>> = {
  single: tableRows,
  pairs: tablePairs,
  fours: (shape, options) => tablePairs(shape, { ...options, per: 4 }),
  line: tableLine,
};

/**
 * Any of them with the sums of the invocations of a subgroup added in registers (reduction.ts): one barrier instead
 * of log2(threads), and workgroup memory for a sum a subgroup instead of one an invocation, so that more workgroups
 * fit on a core.
 *
 * `subgroupSize` is the least that the device may choose; the kernel asks how many subgroups there really are.
 * Bindings: table.ts.
 */
export function tableSubgroups(
  shape: TableShape,
  { lookup, ...options }: RowsOptions & { readonly subgroupSize: number; readonly lookup: LookupName },
): Kernel {
  return lookups[lookup](shape, options);
}
