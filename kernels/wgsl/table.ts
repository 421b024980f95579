/**
 * Shared parts of the kernels of packed weights: the shape, the bindings, and the extraction of codes from words.
 *
 * They all compute out[t, r] = Σ_c x[t, c] · ŵ[r, c] + bias[r] with ŵ[r, c] = scale[r, g] · table[r][code[r, c]] +
 * zero[r, g], and all fold a group's scale and zero out of its sum:
 *
 * Σ_c x · ŵ = scale · Σ_c table[code] · x + zero · Σ_c x,
 *
 * so that a weight costs a look-up and a multiply-add, and Σ_c x is the same for all rows.
 *
 * Bindings: out f32 [tokens, outCols], x f32 [tokens, cols], codes, scales, codebook, and bias f32 [outCols] where the
 * shape has one. lib/compute/webgpu/weight_parts.ts lays the weights out:
 *
 * - codes: rows of ⌈cols / 32⌉ · bits words, 32 codes of b bits being a little-endian stream in b words;
 * - scales: a pair (scale, zero) for each row and group, as two halves in a word or as vec2f;
 * - codebook: 2^bits values for each row, or once for all of them, as f32 or as two halves in a word.
 *
 * @module
 */
import { addDot, bindings, type Element } from "./bindings.ts";
import { unrolled } from "./kernel.ts";
import type { LinearShape } from "./linear.ts";

/** A packed weight, or a part of its rows, as kernels see it. */
export interface TableShape extends LinearShape {
  /** Bits of a code. */
  readonly bits: 2 | 3 | 4 | 8;
  /** Columns that share a scale. */
  readonly groupSize: number;
  /** The stored type of the codebook. */
  readonly codebook: "f16" | "f32";
  /** Whether every row has a codebook of its own. */
  readonly perRow: boolean;
  /** Whether the codebook is one for all rows, and a line: table[code] = table[0] + code · (table[1] − table[0]). */
  readonly line?: boolean;
  /** The stored type of scales and zeros. */
  readonly scales: "f16" | "f32";
}

/** Groups of a row. */
export function groups({ cols, groupSize }: TableShape): number {
  return Math.ceil(cols / groupSize);
}

/** Types of the bindings that kernels differ in. */
interface BindingTypes {
  readonly x: string;
  /** A second binding of activations, after x. */
  readonly activationSums?: string;
  readonly codes: string;
  /** Whether the number of tokens is known when the kernel is started only. */
  readonly step?: boolean;
}

/** WGSL of the bindings, and of `scaleAt(i)`: (scale, zero), and `valueAt(row, code)`: the codebook's. */
export function tableBindings(shape: TableShape, types: BindingTypes): string {
  const { codebook, scales, bias } = shape;
  const { x, activationSums, codes, step } = types;
  return `${
    bindings({
      out: "array<f32>",
      x,
      ...(activationSums ? { activationSums } : {}),
      codes,
      scales: scales === "f16" ? "array<u32>" : "array<vec2f>",
      codebook: codebook === "f16" ? "array<u32>" : "array<f32>",
      ...(bias ? { bias: "array<f32>" } : {}),
      ...(step ? { step: "Step" } : {}),
    })
  }
${codebookReads(shape)}`;
}

/** WGSL of `scaleAt(i)`: (scale, zero), and of `valueAt(row, code)`: the codebook's. */
export function codebookReads({ bits, codebook, perRow, scales }: TableShape): string {
  const at = perRow ? `row * ${2 ** bits}u + code` : "code";
  return `fn scaleAt(i: u32) -> vec2f { return ${
    scales === "f16" ? "unpack2x16float(scales[i])" : "scales[i]"
  }; }
fn valueAt(row: u32, code: u32) -> f32 {
  let at = ${at};
  return ${codebook === "f16" ? "unpack2x16float(codebook[at / 2u])[at % 2u]" : "codebook[at]"};
}`;
}

/** WGSL of `count` bits from bit `offset` of a stream in `words`. Only 3-bit codes cross from a word to the next. */
export function bitsAt(
  words: readonly string[],
  { offset, count }: { offset: number; count: number },
): string {
  const [word, shift] = [offset >> 5, offset & 31];
  const low = shift === 0 ? words[word]! : `(${words[word]} >> ${shift}u)`;
  if (shift + count === 32) return low;
  const all = shift + count > 32 ? `(${low} | (${words[word + 1]} << ${32 - shift}u))` : low;
  return `(${all} & ${2 ** count - 1}u)`;
}

/** Columns whose codes are whole words, so that one load can bring them. */
export function chunksOf(bits: number): readonly number[] {
  return bits === 3 ? [32] : [8, 16, 32].filter((chunk) => chunk * bits % 32 === 0);
}

/** Whether a chunk never lies in two groups. */
export function chunkFits({ cols, groupSize }: TableShape, chunk: number): boolean {
  return groupSize % chunk === 0 || groupSize >= cols;
}

/** WGSL type of the binding `codes` where a load brings the codes of so many columns. */
export function codesType(bits: number, chunk: number): string {
  const words = chunk * bits / 32;
  // A vec3u takes the room of four words in an array: three words are loaded one by one.
  return words === 1 || words === 3 ? "array<u32>" : `array<vec${Math.min(words, 4)}u>`;
}

/** How a chunk of a row's codes is loaded. */
export interface ChunkLoads {
  /** WGSL of the loads of a row's chunk `k`. */
  readonly loads: (row: string, k: string) => string[];
  /** WGSL of its words, given that the loads are named `name`0, `name`1, … */
  readonly words: (name: string) => string[];
}

/** The loads of chunks of so many columns, of the type {@linkcode codesType}. */
export function chunkLoads({ cols, bits }: TableShape, chunk: number): ChunkLoads {
  const perChunk = chunk * bits / 32;
  const perLoad = perChunk === 3 ? 1 : Math.min(perChunk, 4);
  const numbers = Array.from({ length: perChunk / perLoad }, (_, l) => l);
  const chunks = Math.ceil(cols / 32) * 32 / chunk;
  const parts = perLoad === 1 ? [""] : [".x", ".y", ".z", ".w"].slice(0, perLoad);
  return {
    loads: (row, k) => numbers.map((l) => `codes[(${row} * ${chunks}u + ${k}) * ${numbers.length}u + ${l}u]`),
    words: (name) => numbers.flatMap((l) => parts.map((part) => `${name}${l}${part}`)),
  };
}

/** WGSL that names loads `name`0, `name`1, … */
export function named(name: string, loads: readonly string[], kind: "let" | "var" = "let"): string {
  return loads.map((load, l) => `${kind} ${name}${l} = ${load};`).join(" ");
}

/** How codes become values: each rung of the ladder has its own. */
export interface Lookup {
  /** WGSL of what it keeps in workgroup memory. */
  readonly declare: string;
  /** WGSL that fills it, run by all invocations `i`, `row` being the first of their rows. */
  readonly fill: string;
  /** WGSL of a vec4 of the element: the values of codes first … first + 3 of a chunk of the r-th row. */
  readonly four: (words: readonly string[], place: { first: number; r: number }) => string;
  /** WGSL of Σ table[code] · x from `p` = Σ four · x and `s` = Σ x, where that is not p. */
  readonly total?: (r: number, sums: { p: string; s: string }) => string;
}

/**
 * WGSL that adds chunk `k` of rows row0, row1, … times all tokens to the sums a0_0, a0_1, … (row, token).
 *
 * Four columns at a time: their activations are loaded once, used by all rows, and added up once for the zeros. Every
 * name is a scalar or a vector: an array that a loop indexes would not stay in registers.
 */
export function addChunk(
  shape: TableShape,
  options: {
    rows: number;
    tokens: number;
    chunk: number;
    lookup: Lookup;
    element: Element;
    /** WGSL that names the loads of row r w{r}_0, w{r}_1, …; they are loaded when absent. */
    load?: string;
  },
): string {
  const { rows, tokens, chunk, lookup, element } = options;
  const { loads, words } = chunkLoads(shape, chunk);
  const load = options.load ?? unrolled(rows, (r) => named(`w${r}_`, loads(`row${r}`, "k")));
  const each = (line: (r: number, t: number) => string) =>
    unrolled(rows, (r) => Array.from({ length: tokens }, (_, t) => line(r, t)).join(" "));
  const x = element === "f16" ? "h" : "x";
  const product = (r: number, t: number) => addDot(`p${r}_${t}`, ["v", `${x}${t}`], element);
  const group = shape.groupSize >= shape.cols ? "" : ` * ${groups(shape)}u + c / ${shape.groupSize}u`;
  return `let c = k * ${chunk}u;
${load}
${each((r, t) => `var p${r}_${t} = 0.0;`)}
${unrolled(tokens, (t) => `var s${t} = 0.0;`)}
${
    unrolled(chunk / 4, (q) =>
      `{
${
        unrolled(tokens, (t) =>
          `let x${t} = load4(${t}u, c + ${4 * q}u); s${t} += dot(x${t}, vec4f(1.0));${
            element === "f16" ? ` let h${t} = vec4h(x${t});` : ""
          }`)
      }
${
        unrolled(rows, (r) => {
          const products = Array.from({ length: tokens }, (_, t) => product(r, t)).join(" ");
          return `{ let v = ${lookup.four(words(`w${r}_`), { first: 4 * q, r })}; ${products} }`;
        })
      }
}`)
  }
${
    unrolled(rows, (r) => {
      const sums = Array.from({ length: tokens }, (_, t) => {
        const [p, s] = [`p${r}_${t}`, `s${t}`];
        return `a${r}_${t} += q.x * ${lookup.total?.(r, { p, s }) ?? p} + q.y * ${s};`;
      });
      return `{ let q = scaleAt(row${r}${group}); ${sums.join(" ")} }`;
    })
  }`;
}
