/**
 * Packed weights, fourth rung: several rows a workgroup.
 *
 * @module
 */
import { activations, activationsType, type Element } from "./bindings.ts";
import { rowsFor, rowsMain, threadsFor } from "./linear.ts";
import { enables, type Kernel, unrolled } from "./kernel.ts";
import {
  addChunk,
  chunkLoads,
  chunksOf,
  codesType,
  type Lookup,
  named,
  tableBindings,
  type TableShape,
} from "./table.ts";
import { single } from "./table_3_lut.ts";

/** Parameters of the kernels of several rows; a tuner chooses all but tokens. */
export interface RowsOptions {
  /** Tokens, 1 … 8. */
  readonly tokens: number;
  /** The type of products; f32 when absent. */
  readonly element?: Element;
  /** Rows of a workgroup: 4 when absent, 2 for many tokens, whose sums would not stay in registers. */
  readonly rows?: number;
  /** Columns that an invocation takes at a time, one of {@linkcode chunksOf}; the fewest when absent. */
  readonly chunk?: number;
  /** Invocations of a workgroup; by the number of chunks when absent. */
  readonly threads?: number;
  /** Least size of the device's subgroups; without them when absent. */
  readonly subgroupSize?: number;
}

/** Makes the look-up of a kernel once its rows and invocations are known. */
export type LookupOf = (
  shape: TableShape,
  options: { rows: number; threads: number; element: Element },
) => Lookup;

/** The kernel of several rows with any look-up. */
export function rowsKernel(
  shape: TableShape,
  { name, lookupOf, options }: { name: string; lookupOf: LookupOf; options: RowsOptions },
): Kernel {
  const { cols, bits } = shape;
  const { tokens, element = "f32", rows = rowsFor(tokens), chunk = chunksOf(bits)[0]!, subgroupSize } =
    options;
  const chunks = Math.ceil(cols / chunk);
  const threads = options.threads ?? threadsFor(chunks);
  const lookup = lookupOf(shape, { rows, threads, element });
  const { loads } = chunkLoads(shape, chunk);
  const load = (k: string) => (r: number) => loads(`row${r}`, `min(${k}, ${chunks - 1}u)`);
  const next = load(`k + ${threads}u`);
  const { code, ...start } = rowsMain(shape, {
    rows,
    tokens,
    threads,
    chunks,
    subgroupSize,
    fill: `${unrolled(rows, (r) => named(`next${r}_`, load("i")(r), "var"))}
${lookup.fill}`,
    add: addChunk(shape, {
      rows,
      tokens,
      chunk,
      lookup,
      element,
      load: unrolled(
        rows,
        (r) => next(r).map((code, l) => `let w${r}_${l} = next${r}_${l}; next${r}_${l} = ${code};`).join(" "),
      ),
    }),
  });
  const features = element === "f16" ? ["shader-f16", ...start.features] : start.features;
  return {
    name: `table ${name} ${shape.rows}×${cols} ${bits} bits ${element}`,
    features,
    workgroups: start.workgroups,
    code: `${enables(features)}${
      tableBindings(shape, { x: activationsType(cols), codes: codesType(bits, chunk) })
    }
${activations(cols)}
${lookup.declare}
${code}`,
  };
}

/**
 * A workgroup for several rows: activations are loaded once for all of them, and so are the sums that zeros are
 * multiplied by.
 *
 * An invocation takes as few columns at a time as fill a word (8 of 4 bits): neighbours then load neighbouring words,
 * and activations 32 bytes apart. With 32 columns each (`chunk`), activations lie 128 bytes apart, and every load of a
 * subgroup touches as many cache lines as it has invocations: where activations are read more often than codes, that
 * costs more than wide loads of codes gain.
 *
 * Codes are loaded a turn ahead, the first ones before the tables are filled: a small matrix is over in a few turns,
 * and is a matter of how often its loads are waited for.
 *
 * Groups must be multiples of the chunk, or one. Bindings: table.ts.
 */
export function tableRows(shape: TableShape, options: RowsOptions): Kernel {
  return rowsKernel(shape, { name: "rows", lookupOf: single, options });
}
