/**
 * The backend in plain TypeScript: the oracle, readable before fast. Sums are kept in float64.
 *
 * @module
 */
import { inspect } from "../display.ts";
import { TensorError } from "../errors.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { dequantizeRows, isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";
import { activationOf } from "./activation.ts";
import type {
  Activation,
  AttentionPlace,
  Backend,
  Columns,
  KvShape,
  LinearOptions,
  NormOptions,
  RopeOptions,
  RowRange,
} from "./backend.ts";
import { checkGram, checkIds, checkLinear, checkValues, layerOf } from "./check.ts";
import { KvCache, own, Tensor, Weight } from "./handle.ts";
import { matmul } from "./matmul.ts";
import { PlainGradients } from "./plain_gradients.ts";

class PlainTensor extends Tensor {
  readonly data: Float32Array;

  constructor(owner: Backend, shape: { rows: number; cols: number }, data: Float32Array) {
    super(owner, shape);
    this.data = data;
  }
}

class PlainWeight extends Weight {
  readonly matrix: Matrix | PackedMatrix;

  constructor(owner: Backend, matrix: Matrix | PackedMatrix) {
    super(owner, matrix);
    // Its data may be widened anew at each look.
    this.matrix = isPacked(matrix) ? matrix : { rows: matrix.rows, cols: matrix.cols, data: matrix.data };
  }
}

class PlainCache extends KvCache {
  readonly headDim: number;
  /** A layer's keys and values: [at most capacity, kvHeads · headDim], grown as tokens come. */
  readonly layers: { k: Float32Array; v: Float32Array }[];

  constructor(owner: Backend, { capacity, headDim, layers }: KvShape) {
    super(owner, capacity);
    this.headDim = headDim;
    const nothing = new Float32Array(0);
    this.layers = Array.from({ length: layers }, () => ({ k: nothing, v: nothing }));
  }
}

/** Rows of a packed matrix that are dequantized at a time, to stay in the cache while they are multiplied. */
const ROWS_AT_ONCE = 32;

function grown(array: Float32Array, length: number): Float32Array {
  const larger = new Float32Array(length);
  larger.set(array);
  return larger;
}

/** The plain TypeScript backend. */
export class PlainBackend implements Backend {
  readonly name = "plain";
  readonly description = "1 thread";
  readonly gradients = new PlainGradients((of) => of instanceof Weight ? this.#dense(of) : this.#values(of));
  #block = new Float32Array(0);
  #codes = new Uint8Array(0);
  #scores = new Float64Array(0);

  weight(matrix: Matrix | PackedMatrix): Weight {
    return new PlainWeight(this, matrix);
  }

  tensor(rows: number, cols: number): Tensor {
    return new PlainTensor(this, { rows, cols }, new Float32Array(rows * cols));
  }

  #values(tensor: Tensor): Float32Array {
    return own(this, tensor, PlainTensor).data;
  }

  #dense(weight: Weight): Float32Array {
    const { matrix } = own(this, weight, PlainWeight);
    if (isPacked(matrix)) {
      throw new TensorError(
        `Cannot use a packed ${matrix.format} matrix here: only linears and embeddings take one`,
      );
    }
    return matrix.data;
  }

  cache(shape: KvShape): KvCache {
    return new PlainCache(this, shape);
  }

  write(x: Tensor, data: Float32Array): void {
    checkValues(x, data);
    this.#values(x).set(data);
  }

  embed(out: Tensor, table: Weight, ids: ArrayLike<number>): void {
    const { matrix } = own(this, table, PlainWeight);
    checkIds(ids, table);
    const { cols } = table;
    for (let t = 0; t < ids.length; t++) {
      const id = ids[t]!;
      const row = this.#values(out).subarray(t * cols, (t + 1) * cols);
      if (isPacked(matrix)) {
        dequantizeRows(matrix, { from: id, to: id + 1, codes: new Uint8Array(cols) }, row);
      } else row.set(matrix.data.subarray(id * cols, (id + 1) * cols));
    }
  }

  rmsNorm(out: Tensor, x: Tensor, options: NormOptions): void {
    if (options.add) this.add(x, options.add);
    const [o, v, w] = [this.#values(out), this.#values(x), this.#dense(options.weight)];
    const n = w.length;
    for (let at = 0; at < v.length; at += n) {
      let squares = 0;
      for (let i = 0; i < n; i++) squares += v[at + i]! * v[at + i]!;
      const factor = 1 / Math.sqrt(squares / n + options.epsilon);
      for (let i = 0; i < n; i++) o[at + i] = v[at + i]! * factor * w[i]!;
    }
  }

  layerNorm(out: Tensor, x: Tensor, options: NormOptions & { bias?: Weight }): void {
    if (options.add) this.add(x, options.add);
    const [o, v, w] = [this.#values(out), this.#values(x), this.#dense(options.weight)];
    const bias = options.bias && this.#dense(options.bias);
    const n = w.length;
    for (let at = 0; at < v.length; at += n) {
      let [sum, squares] = [0, 0];
      for (let i = 0; i < n; i++) sum += v[at + i]!;
      const mean = sum / n;
      for (let i = 0; i < n; i++) squares += (v[at + i]! - mean) ** 2;
      const factor = 1 / Math.sqrt(squares / n + options.epsilon);
      for (let i = 0; i < n; i++) o[at + i] = (v[at + i]! - mean) * factor * w[i]! + (bias?.[i] ?? 0);
    }
  }

  linear(out: Tensor, x: Tensor, options: LinearOptions): void {
    const { matrix } = own(this, options.weight, PlainWeight);
    const { rows, cols } = matrix;
    checkLinear(out, x, options.weight);
    const target = { data: this.#values(out), stride: rows, m: x.rows, k: cols };
    if (isPacked(matrix)) {
      if (this.#block.length < ROWS_AT_ONCE * cols) this.#block = new Float32Array(ROWS_AT_ONCE * cols);
      if (this.#codes.length < cols) this.#codes = new Uint8Array(cols);
      for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
        const to = Math.min(from + ROWS_AT_ONCE, rows);
        dequantizeRows(matrix, { from, to, codes: this.#codes }, this.#block);
        matmul(this.#values(x), this.#block, { ...target, offset: from, n: to - from });
      }
    } else {
      matmul(this.#values(x), matrix.data, { ...target, offset: 0, n: rows });
    }
    if (options.bias) {
      const [o, bias] = [this.#values(out), this.#dense(options.bias)];
      for (let i = 0; i < o.length; i++) o[i]! += bias[i % rows]!;
    }
  }

  rope(x: Tensor, options: RopeOptions): void {
    const { position, frequencies, magnitude = 1 } = options;
    const half = frequencies.length;
    const headDim = options.headDim ?? 2 * half;
    const v = this.#values(x);
    for (let t = 0; t < x.rows; t++) {
      for (let i = 0; i < half; i++) {
        // The angle is rounded to float32, as every reference implementation has it.
        const angle = Math.fround((position + t) * frequencies[i]!);
        const [cos, sin] = [magnitude * Math.cos(angle), magnitude * Math.sin(angle)];
        for (let at = t * x.cols + i; at < (t + 1) * x.cols; at += headDim) {
          const [a, b] = [v[at]!, v[at + half]!];
          v[at] = a * cos - b * sin;
          v[at + half] = b * cos + a * sin;
        }
      }
    }
  }

  attention(out: Tensor, qkv: { q: Tensor; k: Tensor; v: Tensor }, options: AttentionPlace): void {
    const cache = own(this, options.cache, PlainCache);
    const { position, frequencies, magnitude, softcap, window = Infinity } = options;
    const { headDim } = cache;
    if (frequencies) {
      for (const x of [qkv.q, qkv.k]) this.rope(x, { position, frequencies, headDim, magnitude });
    }
    const { q, k, v } = qkv;
    const total = position + q.rows;
    const stored = layerOf(cache, { layer: options.layer, tokens: total });
    if (stored.k.length < total * k.cols) {
      const room = Math.min(cache.capacity, Math.max(total, 2 * stored.k.length / k.cols));
      stored.k = grown(stored.k, room * k.cols);
      stored.v = grown(stored.v, room * v.cols);
    }
    const { k: keys, v: vals } = stored;
    keys.set(this.#values(k), position * k.cols);
    vals.set(this.#values(v), position * v.cols);
    if (this.#scores.length < total) {
      this.#scores = new Float64Array(Math.max(total, 2 * this.#scores.length));
    }
    const scores = this.#scores;
    const [queries, result] = [this.#values(q), this.#values(out)];
    const queriesPerKey = q.cols / k.cols;
    const { scale = 1 / Math.sqrt(headDim) } = options;
    for (let t = 0; t < q.rows; t++) {
      const begin = Math.max(0, position + t + 1 - window);
      const seen = position + t + 1;
      for (let head = 0; head < q.cols / headDim; head++) {
        const from = t * q.cols + head * headDim;
        const shared = Math.floor(head / queriesPerKey) * headDim;
        let largest = -Infinity;
        for (let s = begin; s < seen; s++) {
          const key = s * k.cols + shared;
          let dot = 0;
          for (let i = 0; i < headDim; i++) dot += queries[from + i]! * keys[key + i]!;
          scores[s] = softcap ? softcap * Math.tanh(dot * scale / softcap) : dot * scale;
          if (scores[s]! > largest) largest = scores[s]!;
        }
        let sum = 0;
        for (let s = begin; s < seen; s++) sum += scores[s] = Math.exp(scores[s]! - largest);
        result.fill(0, from, from + headDim);
        for (let s = begin; s < seen; s++) {
          const share = scores[s]! / sum;
          const value = s * v.cols + shared;
          for (let i = 0; i < headDim; i++) result[from + i]! += share * vals[value + i]!;
        }
      }
    }
  }

  activate(out: Tensor, x: Tensor, options: { activation: Activation; up?: Tensor }): void {
    const [o, v, up] = [this.#values(out), this.#values(x), options.up && this.#values(options.up)];
    const f = activationOf(options.activation);
    for (let i = 0; i < o.length; i++) o[i] = f(v[i]!) * (up?.[i] ?? 1);
  }

  add(x: Tensor, y: Tensor): void {
    const [a, b] = [this.#values(x), this.#values(y)];
    for (let i = 0; i < a.length; i++) a[i]! += b[i]!;
  }

  scale(x: Tensor, by: number): void {
    const v = this.#values(x);
    for (let i = 0; i < v.length; i++) v[i]! *= by;
  }

  softcap(x: Tensor, cap: number): void {
    const v = this.#values(x);
    for (let i = 0; i < v.length; i++) v[i] = cap * Math.tanh(v[i]! / cap);
  }

  columns(out: Tensor, x: Tensor, piece: Columns): void {
    const { from, width = out.cols, stride = 0 } = piece;
    for (let t = 0; t < out.rows; t++) {
      for (let c = 0; c < out.cols; c += width) {
        const start = t * x.cols + from + c / width * stride;
        this.#values(out).set(this.#values(x).subarray(start, start + width), t * out.cols + c);
      }
    }
  }

  gather(out: Tensor, x: Tensor, rows: ArrayLike<number>): void {
    for (let i = 0; i < rows.length; i++) {
      this.#values(out).set(this.#values(x).subarray(rows[i]! * x.cols, (rows[i]! + 1) * x.cols), i * x.cols);
    }
  }

  scatterAdd(out: Tensor, x: Tensor, to: { rows: ArrayLike<number>; weights: ArrayLike<number> }): void {
    const [o, v] = [this.#values(out), this.#values(x)];
    for (let i = 0; i < to.rows.length; i++) {
      for (let c = 0; c < x.cols; c++) o[to.rows[i]! * x.cols + c]! += to.weights[i]! * v[i * x.cols + c]!;
    }
  }

  first(x: Tensor, rows: number): Tensor {
    return this.rows(x, { from: 0, count: rows });
  }

  rows(x: Tensor, { from, count }: RowRange): Tensor {
    const { cols } = x;
    const values = this.#values(x).subarray(from * cols, (from + count) * cols);
    return new PlainTensor(this, { rows: count, cols }, values);
  }

  read(x: Tensor): Promise<Float32Array> {
    return Promise.resolve(this.#values(x).slice());
  }

  columnSums(x: Tensor): Promise<Float64Array> {
    const { rows, cols } = x;
    const v = this.#values(x);
    const sums = new Float64Array(3 * cols);
    for (let t = 0; t < rows; t++) {
      for (let c = 0; c < cols; c++) {
        const value = v[t * cols + c]!;
        sums[c]! += value;
        sums[cols + c]! += Math.abs(value);
        sums[2 * cols + c]! += value * value;
      }
    }
    return Promise.resolve(sums);
  }

  gram(sum: Tensor, x: Tensor): void {
    checkGram(sum, x);
    const [s, v] = [this.#values(sum), this.#values(x)];
    const n = x.cols;
    const products = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      products.set(s.subarray(i * n, (i + 1) * n));
      for (let t = 0; t < x.rows; t++) {
        const value = v[t * n + i]!;
        for (let j = i; j < n; j++) products[j]! += value * v[t * n + j]!;
      }
      for (let j = i; j < n; j++) s[i * n + j] = s[j * n + i] = products[j]!;
    }
  }

  seconds(run: () => void): Promise<number> {
    const start = performance.now();
    run();
    return Promise.resolve((performance.now() - start) / 1000);
  }

  [Symbol.dispose](): void {}

  /** Its text for `console.log`. */
  [inspect](): string {
    return `PlainBackend: ${this.description}`;
  }
}
