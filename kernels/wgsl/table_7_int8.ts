/**
 * Packed weights, seventh rung: bytes times bytes.
 *
 * @module
 */
import { INT8_GROUP } from "./activations_int8.ts";
import { enables, type Kernel, unrolled } from "./kernel.ts";
import { rowsFor, rowsMain, threadsFor } from "./linear.ts";
import { bitsAt, chunkLoads, codesType, groups, named, tableBindings, type TableShape } from "./table.ts";
import { middles } from "./table_3_lut.ts";

/** Parameters of the kernel; a tuner chooses all but tokens. */
export interface Int8Options {
  /** Tokens, 1 … 8. */
  readonly tokens: number;
  /** Rows of a workgroup: 4 when absent, 2 for many tokens. */
  readonly rows?: number;
  /** Least size of the device's subgroups; without them when absent. */
  readonly subgroupSize?: number;
}

/** WGSL of how 32 codes become eight words of four signed bytes. */
interface Bytes {
  readonly declare: string;
  readonly fill: string;
  readonly four: (words: readonly string[], place: { first: number; r: number }) => string;
  /** WGSL of (value of byte 0, value of a byte's step) of a row. */
  readonly units: (r: number) => string;
}

/** 8-bit codes of a line are bytes already; signed ones by a flip of their highest bits. */
function asBytes(): Bytes {
  return {
    declare: "",
    fill:
      "let step = valueAt(0u, 1u) - valueAt(0u, 0u); let units = vec2f(valueAt(0u, 0u) + 128.0 * step, step);",
    four: (words, { first }) => `(${words[first / 4]} ^ 0x80808080u)`,
    units: () => "units",
  };
}

/** Tables rounded to bytes around their middles, of all pairs of codes, or of all fours of 2 bits. */
function byTuples(shape: TableShape, { rows, threads }: { rows: number; threads: number }): Bytes {
  const { bits, perRow } = shape;
  const per = bits === 2 ? 4 : 2;
  const entries = 2 ** (bits * per);
  const tables = perRow ? rows : 1;
  const middle = middles(shape, tables);
  const code = (j: number) => j < per ? `(e >> ${j * bits}u) & ${2 ** bits - 1}u` : "";
  const value = (j: number) =>
    j < per ? `valueAt(min(row + e / ${entries}u, ${shape.rows - 1}u), ${code(j)})` : "m.x";
  return {
    declare: `var<workgroup> lut: array<u32, ${tables * entries}>;
${middle.declare}`,
    fill: `${middle.fill}
for (var e = i; e < ${tables * entries}u; e += ${threads}u) {
  let m = middles[e / ${entries}u];
  let values = vec4f(${[0, 1, 2, 3].map(value).join(", ")}) - m.x;
  lut[e] = pack4xI8(vec4i(round(values * select(0.0, 127.0 / m.y, m.y > 0.0))));
}
workgroupBarrier();`,
    four(words, { first, r }) {
      const base = perRow && r > 0 ? `${r * entries}u + ` : "";
      const [low, high] = [0, 2].map((j) =>
        `lut[${base}${bitsAt(words, { offset: (first + j) * bits, count: per * bits })}]`
      );
      return per === 4 ? low! : `(${low} | (${high} << 16u))`;
    },
    units: (r) => `(middles[${perRow ? r : 0}] * vec2f(1.0, ${1 / 127}))`,
  };
}

/** Whether the kernel can do a shape: tables of 256 values that are no line are too large to be made bytes. */
export function fitsInt8({ bits, line, groupSize, cols }: TableShape): boolean {
  return (bits < 8 || line === true) && (groupSize % INT8_GROUP === 0 || groupSize >= cols);
}

/**
 * Four multiply-adds an instruction (dot4I8Packed): activations are bytes (activations_int8.ts), tables are rounded
 * to bytes around their middles, and Σ ŵ · x = scale · (step · Σ bytes · bytes + middle · Σ x) + zero · Σ x with the
 * true Σ x. The error is about 1 %, so nobody gets this unasked. 32 columns an invocation: activations are 32 bytes
 * of them.
 *
 * Bindings: as in table.ts, but x is two: what activations_int8.ts writes.
 */
export function tableInt8(shape: TableShape, options: Int8Options): Kernel {
  const { cols, bits } = shape;
  const { tokens, rows = rowsFor(tokens), subgroupSize } = options;
  const chunks = Math.ceil(cols / 32);
  const threads = threadsFor(chunks);
  const bytes = bits === 8 ? asBytes() : byTuples(shape, { rows, threads });
  const { loads, words } = chunkLoads(shape, 32);
  const group = shape.groupSize >= cols ? "" : ` * ${groups(shape)}u + 32u * k / ${shape.groupSize}u`;
  const eight = [0, 1, 2, 3, 4, 5, 6, 7];
  const load = unrolled(
    tokens,
    (t) =>
      `let x${t}_0 = x[${2 * t * chunks}u + 2u * k]; let x${t}_1 = x[${2 * t * chunks}u + 2u * k + 1u];
let s${t} = activationSums[${t * chunks}u + k];`,
  );
  const multiply = unrolled(rows, (r) =>
    `{
${named("w", loads(`row${r}`, "k"))}
${eight.map((j) => `let b${j} = ${bytes.four(words("w"), { first: 4 * j, r })};`).join("\n")}
let q = scaleAt(row${r}${group});
let u = ${bytes.units(r)};
${
      unrolled(tokens, (t) => {
        const dot = eight.map((j) => `dot4I8Packed(b${j}, x${t}_${j >> 2}.${"xyzw"[j & 3]})`).join(" + ");
        return `a${r}_${t} += q.x * (u.y * s${t}.x * f32(${dot}) + u.x * s${t}.y) + q.y * s${t}.y;`;
      })
    }
}`);
  const { code, ...start } = rowsMain(shape, {
    rows,
    tokens,
    threads,
    chunks,
    subgroupSize,
    fill: bytes.fill,
    add: `${load}\n${multiply}`,
  });
  return {
    name: `table int8 ${shape.rows}×${cols} ${bits} bits`,
    ...start,
    code: `${enables(start.features)}${
      tableBindings(shape, { x: "array<vec4u>", activationSums: "array<vec2f>", codes: codesType(bits, 32) })
    }
${bytes.declare}
${code}`,
  };
}
