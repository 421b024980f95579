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
  KvCache,
  KvShape,
  NormOptions,
  RopeOptions,
  Tensor,
  Weight,
} from "./backend.ts";
import { checkGram, checkIds, checkLinear, checkValues, layerOf } from "./check.ts";
import { matmul } from "./matmul.ts";

interface PlainTensor extends Tensor {
  readonly data: Float32Array;
}

interface PlainCache extends KvCache {
  readonly headDim: number;
  /** A layer's keys and values: [at most capacity, kvHeads · headDim], grown as tokens come. */
  readonly layers: { k: Float32Array; v: Float32Array }[];
}

/** Rows of a packed matrix that are dequantized at a time, to stay in the cache while they are multiplied. */
const ROWS_AT_ONCE = 32;

const values = (tensor: Tensor) => (tensor as PlainTensor).data;

function dense(weight: Weight): Float32Array {
  const matrix = weight as Matrix | PackedMatrix;
  if (isPacked(matrix)) {
    throw new TensorError(`Cannot use a packed ${matrix.format} matrix here: only a linear takes one`);
  }
  return matrix.data;
}

function grown(array: Float32Array, length: number): Float32Array {
  const larger = new Float32Array(length);
  larger.set(array);
  return larger;
}

/** The plain TypeScript backend. */
export class PlainBackend implements Backend {
  readonly name = "plain";
  readonly description = "1 thread";
  #block = new Float32Array(0);
  #codes = new Uint8Array(0);
  #scores = new Float64Array(0);

  weight(matrix: Matrix | PackedMatrix): Weight {
    if (isPacked(matrix)) return matrix;
    // Its data may be made anew at each look.
    const dense: Matrix = { rows: matrix.rows, cols: matrix.cols, data: matrix.data };
    return dense;
  }

  tensor(rows: number, cols: number): Tensor {
    const tensor: PlainTensor = { rows, cols, data: new Float32Array(rows * cols) };
    return tensor;
  }

  cache(shape: KvShape): KvCache {
    const nothing = new Float32Array(0);
    const cache: PlainCache = {
      capacity: shape.capacity,
      headDim: shape.headDim,
      layers: Array.from({ length: shape.layers }, () => ({ k: nothing, v: nothing })),
    };
    return cache;
  }

  write(x: Tensor, data: Float32Array): void {
    checkValues(x, data);
    values(x).set(data);
  }

  embed(out: Tensor, table: Weight, ids: ArrayLike<number>): void {
    const rows = dense(table);
    checkIds(ids, table);
    for (let t = 0; t < ids.length; t++) {
      const id = ids[t]!;
      values(out).set(rows.subarray(id * table.cols, (id + 1) * table.cols), t * table.cols);
    }
  }

  rmsNorm(out: Tensor, x: Tensor, options: NormOptions): void {
    if (options.add) this.add(x, options.add);
    const [o, v, w] = [values(out), values(x), dense(options.weight)];
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
    const [o, v, w] = [values(out), values(x), dense(options.weight)];
    const bias = options.bias && dense(options.bias);
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

  linear(out: Tensor, x: Tensor, options: { weight: Weight; bias?: Weight }): void {
    const matrix = options.weight as Matrix | PackedMatrix;
    const { rows, cols } = matrix;
    checkLinear(out, x, matrix);
    const target = { data: values(out), stride: rows, m: x.rows, k: cols };
    if (isPacked(matrix)) {
      if (this.#block.length < ROWS_AT_ONCE * cols) this.#block = new Float32Array(ROWS_AT_ONCE * cols);
      if (this.#codes.length < cols) this.#codes = new Uint8Array(cols);
      for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
        const to = Math.min(from + ROWS_AT_ONCE, rows);
        dequantizeRows(matrix, { from, to, codes: this.#codes }, this.#block);
        matmul(values(x), this.#block, { ...target, offset: from, n: to - from });
      }
    } else {
      matmul(values(x), matrix.data, { ...target, offset: 0, n: rows });
    }
    if (options.bias) {
      const [o, bias] = [values(out), dense(options.bias)];
      for (let i = 0; i < o.length; i++) o[i]! += bias[i % rows]!;
    }
  }

  rope(x: Tensor, options: RopeOptions): void {
    const { position, frequencies, magnitude = 1 } = options;
    const half = frequencies.length;
    const headDim = options.headDim ?? 2 * half;
    const v = values(x);
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
    const cache = options.cache as PlainCache;
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
    keys.set(values(k), position * k.cols);
    vals.set(values(v), position * v.cols);
    if (this.#scores.length < total) {
      this.#scores = new Float64Array(Math.max(total, 2 * this.#scores.length));
    }
    const scores = this.#scores;
    const [queries, result] = [values(q), values(out)];
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
    const [o, v, up] = [values(out), values(x), options.up && values(options.up)];
    const f = activationOf(options.activation);
    for (let i = 0; i < o.length; i++) o[i] = f(v[i]!) * (up?.[i] ?? 1);
  }

  add(x: Tensor, y: Tensor): void {
    const [a, b] = [values(x), values(y)];
    for (let i = 0; i < a.length; i++) a[i]! += b[i]!;
  }

  scale(x: Tensor, by: number): void {
    const v = values(x);
    for (let i = 0; i < v.length; i++) v[i]! *= by;
  }

  softcap(x: Tensor, cap: number): void {
    const v = values(x);
    for (let i = 0; i < v.length; i++) v[i] = cap * Math.tanh(v[i]! / cap);
  }

  columns(out: Tensor, x: Tensor, piece: Columns): void {
    const { from, width = out.cols, stride = 0 } = piece;
    for (let t = 0; t < out.rows; t++) {
      for (let c = 0; c < out.cols; c += width) {
        const start = t * x.cols + from + c / width * stride;
        values(out).set(values(x).subarray(start, start + width), t * out.cols + c);
      }
    }
  }

  gather(out: Tensor, x: Tensor, rows: ArrayLike<number>): void {
    for (let i = 0; i < rows.length; i++) {
      values(out).set(values(x).subarray(rows[i]! * x.cols, (rows[i]! + 1) * x.cols), i * x.cols);
    }
  }

  scatterAdd(out: Tensor, x: Tensor, to: { rows: ArrayLike<number>; weights: ArrayLike<number> }): void {
    const [o, v] = [values(out), values(x)];
    for (let i = 0; i < to.rows.length; i++) {
      for (let c = 0; c < x.cols; c++) o[to.rows[i]! * x.cols + c]! += to.weights[i]! * v[i * x.cols + c]!;
    }
  }

  first(x: Tensor, rows: number): Tensor {
    const part: PlainTensor = { rows, cols: x.cols, data: values(x).subarray(0, rows * x.cols) };
    return part;
  }

  read(x: Tensor): Promise<Float32Array> {
    return Promise.resolve(values(x).slice());
  }

  columnSums(x: Tensor): Promise<Float64Array> {
    const { rows, cols } = x;
    const v = values(x);
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
    const [s, v] = [values(sum), values(x)];
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

  /** What `console.log` writes of it. */
  [inspect](): string {
    return `PlainBackend: ${this.description}`;
  }
}
