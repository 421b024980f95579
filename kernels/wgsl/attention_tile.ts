/**
 * Shared parts of the kernels of attention that take 32 queries and 32 keys at a time, and of their gradients.
 *
 * A thread holds 4 queries × 2 keys of the scores, whose factors pass through workgroup memory 32 features at a time; and of
 * the sums of vectors that scores weigh, those of 4 rows and every 16th vector of features. Rows past the last are read as the
 * last. The kernel's text has `i`, `across`, `down`; `row0` and `base`, the first query and key of a tile; `queryAt` and
 * `keyAt`, where the heads begin in their rows; and `all`, the number of keys.
 *
 * @module
 */
import type { AttentionShape } from "./attention_decode.ts";
import { unrolled } from "./kernel.ts";

/** Invocations of a workgroup: 8 rows of 16. */
export const THREADS = 128;

/** Threads that share a query. */
export const ACROSS = 16;

/** Queries of a thread. */
export const EACH = 4;

/** Queries and keys of a tile. */
export const TILE = 32;

/** Vectors of features that are in workgroup memory at a time. */
const CHUNK = 8;

/** From a row in workgroup memory to the next: not a power of two, so that rows start in different banks. */
export const STRIDE = TILE + 1;

/** Rows whose vectors are asked for before the first is needed. */
const AHEAD = 4;

/** 0, 1, …, n − 1. */
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** WGSL of the k-th vector of features of a thread. */
const column = (k: number) => `across + ${k * ACROSS}u`;

/** WGSL of a thread's numbers, in `main`. */
export const PLACES = `let across = i % ${ACROSS}u;
  let down = i / ${ACROSS}u * ${EACH}u;`;

/** WGSL of the workgroup memory. */
export const MEMORY = `var<workgroup> queryPart: array<vec4f, ${CHUNK * STRIDE}>; // [CHUNK, TILE]
var<workgroup> keyPart: array<vec4f, ${CHUNK * STRIDE}>; // [CHUNK, TILE]
var<workgroup> weights: array<f32, ${TILE * STRIDE}>; // [TILE queries, TILE keys]`;

/** The texts of a shape. */
export class AttentionTile {
  /** Vectors of a head. */
  readonly #vectors: number;
  /** Whether heads are whole vectors of four. */
  readonly #fours: boolean;
  readonly #headDim: number;
  readonly #columns: readonly number[];
  /** WGSL type of queries, keys, values and their gradients. */
  readonly values: string;
  /** What a head takes of a row, in elements of that type. */
  readonly head: number;
  /** What a row of queries takes. */
  readonly #queryRow: number;
  /** What a row of keys takes. */
  readonly #keyRow: number;

  /** @param shape the heads. */
  constructor({ heads, kvHeads, headDim }: AttentionShape) {
    this.#fours = headDim % 4 === 0;
    this.#vectors = Math.ceil(headDim / 4);
    this.#headDim = headDim;
    this.#columns = upTo(Math.ceil(this.#vectors / ACROSS));
    this.values = this.#fours ? "array<vec4f>" : "array<f32>";
    this.head = this.#fours ? headDim / 4 : headDim;
    this.#queryRow = heads * this.head;
    this.#keyRow = kvHeads * this.head;
  }

  /** WGSL of a function of a binding: the d-th vector of a head whose values start at `at`; past the head's end it is 0. */
  reader(name: string, array: string): string {
    const [vectors, headDim] = [this.#vectors, this.#headDim];
    const values = upTo(4).map((j) =>
      `if (4u * d + ${j}u < ${headDim}u) { v.${"xyzw"[j]} = ${array}[at + 4u * d + ${j}u]; }`
    );
    const body = !this.#fours
      ? `var v = vec4f();
  ${values.join("\n  ")}
  return v;`
      : vectors % CHUNK === 0
      ? `return ${array}[at + d];`
      : `if (d >= ${vectors}u) { return vec4f(); }
  return ${array}[at + d];`;
    return `fn ${name}(at: u32, d: u32) -> vec4f {
  ${body}
}`;
  }

  /** WGSL of the sums `name0` … `name3` of products of 4 queries and 2 keys, which two readers read. */
  products(name: string, [query, key]: readonly [string, string]): string {
    return `${unrolled(EACH, (j) => `    var ${name}${j} = vec2f();`)}
    for (var chunk = 0u; chunk < ${this.#vectors}u; chunk += ${CHUNK}u) {
      for (var n = i; n < ${TILE * CHUNK}u; n += ${THREADS}u) {
        let r = n / ${CHUNK}u;
        let d = n % ${CHUNK}u;
        let query = min(row0 + r, step.tokens - 1u);
        let key = min(base + r, all - 1u);
        queryPart[d * ${STRIDE}u + r] = ${query}(query * ${this.#queryRow}u + queryAt, chunk + d);
        keyPart[d * ${STRIDE}u + r] = ${key}(key * ${this.#keyRow}u + keyAt, chunk + d);
      }
      workgroupBarrier();
      for (var d = 0u; d < ${CHUNK * STRIDE}u; d += ${STRIDE}u) {
        let a = keyPart[d + across];
        let b = keyPart[d + across + ${ACROSS}u];
${
      unrolled(EACH, (j) =>
        `        let q${j} = queryPart[d + down + ${j}u];
        ${name}${j} += vec2f(dot(q${j}, a), dot(q${j}, b));`)
    }
      }
      workgroupBarrier();
    }`;
  }

  /** WGSL that puts a thread's numbers of the j-th query, for its first and second key, into `weights`. */
  store(value: (j: number) => readonly [string, string]): string {
    return unrolled(EACH, (j) => {
      const [first, second] = value(j);
      return `    weights[(down + ${j}u) * ${STRIDE}u + across] = ${first};
    weights[(down + ${j}u) * ${STRIDE}u + across + ${ACROSS}u] = ${second};`;
    });
  }

  /** WGSL of `make` for each sum of 4 rows and a thread's vectors. */
  eachSum(make: (j: number, k: number) => string): string {
    return unrolled(EACH, (j) => this.#columns.map((k) => make(j, k)).join("\n"));
  }

  /** WGSL that adds to the sums `name` of queries, or keys, the vectors of a tile's keys, or queries, times `weights`. */
  accumulate(name: string, { of, reader }: { of: "keys" | "queries"; reader: string }): string {
    const columns = this.#columns;
    const { first, row, at } = this.#side(of);
    const weight = (j: number, s: number) =>
      of === "keys" ? `(down + ${j}u) * ${STRIDE}u + n + ${s}u` : `(n + ${s}u) * ${STRIDE}u + down + ${j}u`;
    return `${
      unrolled(columns.length, (k) => `    let column${k} = min(${column(k)}, ${this.#vectors - 1}u);`)
    }
    for (var n = 0u; n < ${TILE}u; n += ${AHEAD}u) {
${
      unrolled(AHEAD, (s) =>
        `      let at${s} = min(${first} + n + ${s}u, all - 1u) * ${row}u + ${at};
${columns.map((k) => `      let v${s}_${k} = ${reader}(at${s}, column${k});`).join("\n")}`)
    }
${
      unrolled(EACH * AHEAD, (js) => {
        const [j, s] = [js % EACH, Math.floor(js / EACH)];
        return `      let w${j}_${s} = weights[${weight(j, s)}];
${columns.map((k) => `      ${name}${j}_${k} += w${j}_${s} * v${s}_${k};`).join("\n")}`;
      })
    }
    }`;
  }

  /** WGSL of the first row of a tile, what a row takes and where a head begins in it. */
  #side(of: "keys" | "queries"): { first: string; row: number; at: string } {
    return of === "keys"
      ? { first: "base", row: this.#keyRow, at: "keyAt" }
      : { first: "row0", row: this.#queryRow, at: "queryAt" };
  }

  /** WGSL that writes values of a thread's queries, or keys: `make` of a place and a sum's number and part; first, `begin`. */
  write(array: string, { of, begin = () => "", make }: {
    of: "keys" | "queries";
    begin?: (j: number) => string;
    make: (place: string, sum: string) => string;
  }): string {
    const { first, row, at } = this.#side(of);
    const value = (j: number, k: number) => {
      if (this.#fours) return make(`${array}[start + ${column(k)}]`, `${j}_${k}`);
      return upTo(4).map((c) => {
        const d = `4u * (${column(k)}) + ${c}u`;
        return `if (${d} < ${this.#headDim}u) { ${
          make(`${array}[start + ${d}]`, `${j}_${k}.${"xyzw"[c]}`)
        } }`;
      }).join(" ");
    };
    const inHead = (k: number) =>
      (k + 1) * ACROSS <= this.#vectors ? "" : `if (${column(k)} < ${this.#vectors}u) `;
    return unrolled(EACH, (j) =>
      `  if (${first} + down + ${j}u < step.tokens) {
    let start = (${first} + down + ${j}u) * ${row}u + ${at};
    ${begin(j)}
${this.#columns.map((k) => `    ${inHead(k)}{ ${value(j, k)} }`).join("\n")}
  }`);
  }
}
