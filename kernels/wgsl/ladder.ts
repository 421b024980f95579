/**
 * The ladder: every way that these kernels multiply by a weight, from the plainest on, to read, compare and time.
 *
 * @module
 */
import { activationsInt8 } from "./activations_int8.ts";
import type { Element } from "./bindings.ts";
import type { Kernel } from "./kernel.ts";
import { type Candidate, FEW_TOKENS, type Target, teams, tiles } from "./mod.ts";
import { chunkFits, chunksOf, type TableShape } from "./table.ts";
import { tableNaive } from "./table_1_naive.ts";
import { tableWords } from "./table_2_words.ts";
import { tableLut } from "./table_3_lut.ts";
import { tableRows } from "./table_4_rows.ts";
import { tablePairs } from "./table_5_pairs.ts";
import { tableSubgroups } from "./table_6_subgroups.ts";
import { fitsInt8, tableInt8 } from "./table_7_int8.ts";
import { tableLine } from "./table_line.ts";
import { tableTiled } from "./table_tiled.ts";

/**
 * The rungs for a packed weight that the device can run, in the order in which each adds something to those before it: for
 * few tokens the files table_1_naive.ts … table_7_int8.ts, and table_line.ts where the weight's table is a line; for more
 * tokens tiles.
 */
export function tableLadder(shape: TableShape, target: Target): Candidate[] {
  const { tokens, device: { features, subgroupSize } } = target;
  const { bits } = shape;
  const elements: Element[] = target.halfProducts && features.has("shader-f16") ? ["f32", "f16"] : ["f32"];
  const each = (name: string, make: (element: Element) => Kernel): Candidate[] =>
    elements.map((element) => ({ name: name + (element === "f16" ? ", f16" : ""), kernel: make(element) }));
  if (tokens > FEW_TOKENS) {
    return tiles(target, (options) => tableTiled(shape, options));
  }
  const naive: Candidate = { name: "1 naive", kernel: tableNaive(shape, { tokens }) };
  const [narrow, ...wider] = chunksOf(bits).filter((chunk) => chunkFits(shape, chunk));
  if (narrow === undefined) return [naive];
  const wide = wider.at(-1);
  const subgroups = features.has("subgroups") && subgroupSize > 0 ? subgroupSize : undefined;
  const rungs = [naive];
  if (chunkFits(shape, 32)) {
    rungs.push(
      { name: "2 words", kernel: tableWords(shape, { tokens }) },
      ...each("3 table in workgroup memory", (element) => tableLut(shape, { tokens, element })),
    );
  }
  rungs.push(...each("4 several rows", (element) => tableRows(shape, { tokens, element })));
  if (wide !== undefined) {
    rungs.push(
      ...each(
        `4 several rows, ${wide} columns`,
        (element) => tableRows(shape, { tokens, element, chunk: wide }),
      ),
    );
  }
  rungs.push(...each("4 eight rows", (element) => tableRows(shape, { tokens, element, rows: 8 })));
  if (bits < 8) rungs.push(...each("5 pairs", (element) => tablePairs(shape, { tokens, element })));
  if (bits === 2) rungs.push(...each("5 fours", (element) => tablePairs(shape, { tokens, element, per: 4 })));
  if (subgroups) {
    const make = (lookup: "single" | "pairs") => (element: Element) =>
      tableSubgroups(shape, { tokens, element, subgroupSize: subgroups, lookup });
    rungs.push(...each("6 subgroups", make("single")));
    if (bits < 8) rungs.push(...each("6 subgroups, pairs", make("pairs")));
  }
  if (target.int8Activations && fitsInt8(shape)) {
    const kernel = tableInt8(shape, { tokens, subgroupSize: subgroups });
    rungs.push({ name: "7 int8 activations", kernel, activations: activationsInt8(shape) });
  }
  rungs.push(
    ...teams(shape, target).map(({ name, kernel }) => ({
      name: `${shape.line ? "a line," : "8"} ${name}`,
      kernel,
    })),
  );
  if (shape.line) {
    rungs.push(
      ...each(
        "a line, no table",
        (element) => tableLine(shape, { tokens, element, subgroupSize: subgroups }),
      ),
    );
  }
  return rungs;
}
