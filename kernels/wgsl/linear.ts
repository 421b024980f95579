/**
 * Shared parts of all kernels of Linears: a weight or some of its rows, and the columns of `out` that it computes.
 *
 * @module
 */
import { type Kernel, line, unrolled, workgroupIndex } from "./kernel.ts";
import { subgroups, tree } from "./reduction.ts";

/** Sizes of a weight, or of a part of its rows where one binding cannot hold all. */
export interface LinearShape {
  /** Rows of this part. */
  readonly rows: number;
  /** Columns. */
  readonly cols: number;
  /** The column of `out` that this part's first row is. */
  readonly firstRow: number;
  /** Columns of `out`. */
  readonly outCols: number;
  /** Whether there is a bias. */
  readonly bias: boolean;
}

/** WGSL that writes a value, with its bias, to token `t`'s row `row`. */
export function write(shape: LinearShape, place: { t: string; row: string; value: string }): string {
  const { outCols, firstRow, bias } = shape;
  const added = bias ? ` + bias[${firstRow}u + ${place.row}]` : "";
  return `out[${place.t} * ${outCols}u + ${firstRow}u + ${place.row}] = ${place.value}${added};`;
}

/**
 * Threads that share a row's chunks: a power of two of 32 … 128, and no more than there are chunks, if those are 32.
 * More rows in flight hide latency as well as more threads a row, and are added up sooner.
 */
export function threadsFor(chunks: number): number {
  return chunks >= 128 ? 128 : chunks >= 64 ? 64 : 32;
}

/** Rows of a workgroup where nobody says: the sums of many tokens would not stay in registers. */
export function rowsFor(tokens: number): number {
  return tokens > 4 ? 2 : 4;
}

/** How a workgroup multiplies a few rows by all tokens. */
export interface RowsPlan {
  /** Rows of a workgroup. */
  readonly rows: number;
  /** Tokens. */
  readonly tokens: number;
  /** Invocations of a workgroup. */
  readonly threads: number;
  /** Chunks of columns; invocations take turns at them. */
  readonly chunks: number;
  /** Least size of the device's subgroups; without them when absent. */
  readonly subgroupSize?: number;
  /** WGSL run once before, by all invocations `i`, `row` being the first row. */
  readonly fill?: string;
  /**
   * WGSL that adds chunk `k` of rows row0, row1, … (none beyond the last) times all tokens to the invocation's own sums
   * a0_0, a0_1, … (row, token).
   */
  readonly add: string;
}

/**
 * A workgroup for a few rows: its invocations share the columns, so that neighbours read what lies side by side, then
 * add up what they have, and write it.
 *
 * @returns the kernel's text from its entry point on, what that needs, and how it is started.
 */
export function rowsMain(
  shape: LinearShape,
  plan: RowsPlan,
): { code: string; features: readonly string[]; workgroups: Kernel["workgroups"] } {
  const { rows, tokens, threads, chunks, subgroupSize, fill = "", add } = plan;
  const values = Array.from({ length: rows * tokens }, (_, j) => `a${j % rows}_${Math.floor(j / rows)}`);
  const sums = subgroupSize ? subgroups(values, { threads, least: subgroupSize }) : tree(values, { threads });
  const count = Math.ceil(shape.rows / rows);
  return {
    features: sums.features,
    workgroups: () => line(count),
    code: `${sums.declare}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32${sums.parameters},
) {
  let row = ${workgroupIndex} * ${rows}u;
  ${unrolled(rows, (r) => `let row${r} = min(row + ${r}u, ${shape.rows - 1}u);`)}
  ${unrolled(values.length, (j) => `var ${values[j]} = 0.0;`)}
  ${fill}
  for (var k = i; k < ${chunks}u; k += ${threads}u) {
    ${add}
  }
  ${sums.reduce}
  for (var j = i; j < ${values.length}u; j += ${threads}u) {
    let r = row + j % ${rows}u;
    if (r < ${shape.rows}u) {
      ${write(shape, { t: `(j / ${rows}u)`, row: "r", value: sums.total("j") })}
    }
  }
}`,
  };
}
