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

/** Which look-up a kernel of subgroups has: the fourth rung's, the fifth's, or none. */
export type LookupName = "single" | "pairs" | "fours" | "line";

/**
 * The fourth and fifth rung with the sums of the invocations of a subgroup added in registers: one barrier instead of
 * log2(threads), and workgroup memory for a sum a subgroup instead of one an invocation, so that more workgroups fit
 * on a core.
 *
 * `subgroupSize` is the least size that the device may choose; the kernel asks for the real one. Bindings: table.ts.
 */
export function tableSubgroups(
  shape: TableShape,
  { lookup, ...options }: RowsOptions & { readonly subgroupSize: number; readonly lookup: LookupName },
): Kernel {
  if (lookup === "single") return tableRows(shape, options);
  if (lookup === "line") return tableLine(shape, options);
  return tablePairs(shape, { ...options, per: lookup === "pairs" ? 2 : 4 });
}
