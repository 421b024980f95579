/**
 * Packed weights, eighth rung: a subgroup for a few rows, tables in its registers, activations in workgroup memory.
 *
 * @module
 */
import { activations, activationsType, addDot } from "./bindings.ts";
import { enables, type Kernel, line, unrolled, workgroupIndex } from "./kernel.ts";
import { write } from "./linear.ts";
import {
  bitsAt,
  chunkLoads,
  codesType,
  groups,
  type Lookup,
  tableBindings,
  type TableShape,
} from "./table.ts";
import { IN_PLACE, inPlace, linear } from "./table_line.ts";

/** Columns that an invocation takes at a time. */
const CHUNK = 32;

/** Fours of activations between chunks: eight, and one against bank conflicts. */
const STRIDE = 9;

/** Lanes that rows of a workgroup are counted by; where subgroups are smaller or larger, they take turns or rest. */
const LANES = 32;

/** Subgroups of fewer lanes cannot add up a chunk. */
const LEAST_LANES = 8;

/** Parameters of the kernel; a tuner chooses all but tokens. */
export interface TeamOptions {
  /** Tokens, 1 … 8. */
  readonly tokens: number;
  /** Least size of the device's subgroups. */
  readonly subgroupSize: number;
  /** Rows of a team. */
  readonly rows: number;
  /** Subgroups of a team, which share its columns. */
  readonly split: number;
  /** Invocations of a workgroup. */
  readonly threads: number;
  /** Bytes of workgroup memory. */
  readonly workgroupBytes: number;
}

/** Whether a kernel can be made for a weight: its subgroups hold a table, or it needs none. */
export function fitsTeams({ bits, line }: Pick<TableShape, "bits" | "line">, subgroupSize: number): boolean {
  return subgroupSize >= LEAST_LANES && (!!line || 2 ** bits <= subgroupSize);
}

/** Codes that one look-up gives the values of: pairs of 2 bits where they are halves, two of which fit a register. */
function codesAtOnce({ bits, codebook }: TableShape, { subgroupSize }: TeamOptions): 1 | 2 {
  return bits === 2 && codebook === "f16" && subgroupSize >= 16 ? 2 : 1;
}

/** A lane keeps what one look-up in each row's table gives, as often as that table goes into the subgroup. */
function inRegisters(shape: TableShape, options: TeamOptions): Lookup {
  const { bits, perRow } = shape;
  const per = codesAtOnce(shape, options);
  const value = (r: number, j: number) =>
    `valueAt(${perRow ? `row${r}` : "0u"}, lane / ${2 ** (bits * j)}u % ${2 ** bits}u)`;
  const entry = (r: number) =>
    per === 1 ? value(r, 0) : `pack2x16float(vec2f(${value(r, 0)}, ${value(r, 1)}))`;
  return {
    declare: "",
    fill: unrolled(perRow ? options.rows : 1, (r) => `let table${r} = ${entry(r)};`),
    four(words, { first, r }) {
      const looked = Array.from({ length: 4 / per }, (_, n) => {
        const codes = bitsAt(words, { offset: (first + n * per) * bits, count: per * bits });
        const found = `subgroupShuffle(table${perRow ? r : 0}, ${codes})`;
        return per === 1 ? found : `unpack2x16float(${found})`;
      });
      return `vec4f(${looked.join(", ")})`;
    },
  };
}

/** Chunks whose activations lie in workgroup memory at a time: as many as there is room for, in equal parts. */
function staged(chunks: number, { tokens, rows, threads, workgroupBytes }: TeamOptions): number {
  const left = workgroupBytes - 4 * threads / LEAST_LANES * rows * tokens;
  const most = Math.floor(left / (tokens * (16 * STRIDE + 4))) - 1;
  return Math.ceil(chunks / Math.ceil(chunks / most));
}

/**
 * The invocations of a subgroup share the columns of a few rows, 32 neighbouring ones each: a load brings up to 16 bytes of
 * codes, and a scale is applied once for 32 weights. Activations, which invocations would read 128 bytes apart, are laid out in
 * workgroup memory first, once for all rows of the workgroup, with their sums for the zeros. Codes and scales are loaded a turn
 * ahead, values come from other lanes' registers, and a subgroup adds up without a barrier.
 *
 * At most 4 bits, or a line. Groups must be multiples of 32, or one. Bindings: table.ts.
 */
export function tableTeams(shape: TableShape, options: TeamOptions): Kernel {
  const { cols, bits } = shape;
  const { tokens, rows, threads, split } = options;
  const workgroupRows = threads / LANES / split * rows;
  const inPlaces = !!shape.line && bits === 4;
  const lookup = shape.line
    ? (inPlaces ? inPlace : linear)(shape, { rows, threads, element: "f32" })
    : inRegisters(shape, options);
  const chunks = Math.ceil(cols / CHUNK);
  const part = staged(chunks, options);
  // A chunk of zeros stands behind those of each token.
  const places = part + 1;
  const { loads, words } = chunkLoads(shape, CHUNK);
  const group = shape.groupSize >= cols ? "" : ` * ${groups(shape)}u + at * ${CHUNK}u / ${shape.groupSize}u`;
  const eachRow = (make: (r: number) => string) => unrolled(rows, make);
  const eachToken = (make: (t: number) => string) => unrolled(tokens, make);
  const each = (make: (r: number, t: number) => string) => eachRow((r) => eachToken((t) => make(r, t)));
  const load = (r: number) =>
    loads(`row${r}`, "at").map((code, l) => `next${r}_${l} = ${code};`).concat(
      `scale${r} = scaleAt(row${r}${group});`,
    ).join(" ");
  const take = (r: number) =>
    loads("", "").map((_, l) => `let w${r}_${l} = next${r}_${l};`).concat(`let q${r} = scale${r};`).join(" ");
  const type = codesType(bits, CHUNK).slice("array<".length, -1);
  const features = ["subgroups"];
  return {
    name: `table teams ${shape.rows}×${cols} ${bits} bits, ${rows} rows of ${threads}`,
    features,
    workgroups: () => line(Math.ceil(shape.rows / workgroupRows)),
    code: `${enables(features)}${
      tableBindings(shape, { x: activationsType(cols), codes: codesType(bits, CHUNK) })
    }
${activations(cols)}
var<workgroup> xs: array<array<vec4f, ${STRIDE}>, ${tokens * places}>;
var<workgroup> sums: array<f32, ${tokens * places}>;
var<workgroup> shares: array<array<f32, ${rows * tokens}>, ${threads / LEAST_LANES}>;
${lookup.declare}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
  @builtin(local_invocation_index) i: u32, @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) count: u32, @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_size) size: u32,
) {
  let firstRow = ${workgroupIndex} * ${workgroupRows}u;
  let member = subgroup % ${split}u;
  for (var turn = 0u; turn < ${workgroupRows}u; turn += count / ${split}u * ${rows}u) {
    let within = turn + subgroup / ${split}u * ${rows}u;
    let row = firstRow + within;
    ${eachRow((r) => `let row${r} = min(row + ${r}u, ${shape.rows - 1}u);`)}
    ${each((r, t) => `var a${r}_${t} = 0.0;`)}
    ${
      eachRow((r) =>
        `var scale${r}: vec2f; ${loads("", "").map((_, l) => `var next${r}_${l}: ${type};`).join(" ")}`
      )
    }
    ${lookup.fill}
    for (var start = 0u; start < ${chunks}u; start += ${part}u) {
      { let at = min(start + member * size + lane, ${chunks - 1}u); ${eachRow(load)} }
      for (var k0 = 0u; k0 < ${tokens * places}u; k0 += ${threads / 8}u) {
        let k = k0 + i / 8u;
        let t = min(k / ${places}u, ${tokens - 1}u);
        let chunk = start + k - t * ${places}u;
        let c = chunk * ${CHUNK}u + i % 8u * 4u;
        let is = chunk < min(start + ${part}u, ${chunks}u);
        let x = select(vec4f(), load4(t, select(0u, c, is)), is);
        var sum = dot(x, vec4f(1.0));
        sum += subgroupShuffleXor(sum, 1u);
        sum += subgroupShuffleXor(sum, 2u);
        sum += subgroupShuffleXor(sum, 4u);
        if (k < ${tokens * places}u) {
          xs[k][i % 8u] = x${inPlaces ? ` * ${IN_PLACE}` : ""};
          if (i % 8u == 0u) { sums[k] = sum; }
        }
      }
      workgroupBarrier();
      for (var first = member * size; first < ${part}u; first += ${split}u * size) {
        let k = min(first + lane, ${part}u);
        ${eachRow(take)}
        { let at = min(start + first + ${split}u * size + lane, ${chunks - 1}u); ${eachRow(load)} }
        ${eachToken((t) => `let k${t} = ${t * places}u + k;`)}
        ${each((r, t) => `var p${r}_${t} = 0.0;`)}
        ${
      unrolled(CHUNK / 4, (q) =>
        `{ ${eachToken((t) => `let x${t} = xs[k${t}][${q}];`)}
${
          eachRow((r) =>
            `{ let v = ${lookup.four(words(`w${r}_`), { first: 4 * q, r })}; ${
              eachToken((t) => addDot(`p${r}_${t}`, ["v", `x${t}`]))
            } }`
          )
        } }`)
    }
        ${
      each((r, t) => {
        const [p, s] = [`p${r}_${t}`, `sums[k${t}]`];
        return `a${r}_${t} += q${r}.x * ${lookup.total?.(r, { p, s }) ?? p} + q${r}.y * ${s};`;
      })
    }
      }
      workgroupBarrier();
    }
    ${each((r, t) => `let g${r}_${t} = subgroupAdd(a${r}_${t});`)}
    if (lane == 0u) { ${each((r, t) => `shares[subgroup][${r * tokens + t}] = g${r}_${t};`)} }
    workgroupBarrier();
    if (member == 0u) {
      for (var j = lane; j < ${rows * tokens}u; j += size) {
        let r = j / ${tokens}u;
        if (within + r < ${workgroupRows}u && row + r < ${shape.rows}u) {
          ${
      write(shape, {
        t: `(j % ${tokens}u)`,
        row: "(row + r)",
        value: Array.from({ length: split }, (_, m) => `shares[subgroup + ${m}u][j]`).join(" + "),
      })
    }
        }
      }
    }
  }
}`,
  };
}
