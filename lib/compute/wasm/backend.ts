/**
 * The backend in WASM: SIMD kernels over shared memory, on every core.
 *
 * @module
 */
import { inspect } from "../../display.ts";
import { DisposedError, TensorError } from "../../errors.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import { isPacked, type PackedMatrix } from "../../matrix/packed_matrix.ts";
import {
  type Activation,
  activationNames,
  type AttentionPlace,
  type Backend,
  type Columns,
  type KvShape,
  type LinearOptions,
  type LinearProduct,
  type LogitPlace,
  type LogProbability,
  type NormOptions,
  type RopeOptions,
  type RowRange,
} from "../backend.ts";
import { checkGram, checkIds, checkLinear, checkValues, layerOf } from "../check.ts";
import { KvCache, own, Tensor, Weight } from "../handle.ts";
import { attend, CachedLayer } from "./attention.ts";
import { Block, breathe } from "./block.ts";
import type { WasmActivationType } from "./rounded_codebooks.ts";
import { readBandwidth } from "./bandwidth.ts";
import { WasmGradients } from "./gradients.ts";
import { relaxedSimd } from "./kernels.js";
import { LinearRunner } from "./linear.ts";
import type { Arena } from "./memory.ts";
import type { KernelRun, Pool } from "./pool.ts";
import { WasmSteps } from "./quantize_steps.ts";
import { type Place, Scratch } from "./scratch.ts";
import { blockOf, takeShared } from "./shared.ts";
import { STORED } from "./stored.ts";
import {
  largePart,
  outlierAddresses,
  vectorOf,
  type WasmWeight,
  type WeightImage,
  weightImage,
} from "./weight_image.ts";

class WasmTensor extends Tensor {
  readonly block: Block;
  /** Bytes of the block before it. */
  readonly offset: number;

  constructor(owner: Backend, shape: { rows: number; cols: number }, block: Block, offset = 0) {
    super(owner, shape);
    this.block = block;
    this.offset = offset;
  }
}

class WasmHandle extends Weight {
  readonly weight: WasmWeight;

  constructor(owner: Backend, weight: WasmWeight) {
    super(owner, weight);
    this.weight = weight;
  }
}

class WasmCache extends KvCache {
  readonly headDim: number;
  layers: CachedLayer[];

  constructor(owner: Backend, shape: KvShape, arena: Arena) {
    super(owner, shape.capacity);
    this.headDim = shape.headDim;
    this.layers = Array.from({ length: shape.layers }, () => new CachedLayer(arena, shape));
  }
}

/** Cosines and sines of the first positions, [positions, half] each. */
interface Turns {
  readonly positions: number;
  readonly magnitude: number;
  readonly block: Block;
}

/** Options of a backend. */
export interface WasmOptions {
  /** Multiplications that are worth another thread; 16384 when absent. */
  worthwhile?: number;
  /** See BackendOptions; "int16" when absent. */
  activations?: WasmActivationType;
}

/** Kernels read whole vectors, and may read one beyond the end. */
const padded = (values: number) => 4 * values + 64;

/** Columns that one thread reads of every row, at least: short stretches cost more than they share out. */
const LEAST_COLUMNS = 256;

/** Columns of a panel: see panels.ts of the kernels. */
const PANEL = 8;

/** Tokens whose outer products are summed at a time: two panels of them stay in the first-level cache. */
const PACKED = 512;

/** The WASM backend. */
export class WasmBackend implements Backend {
  readonly name = "wasm";
  readonly #threads: Pool;
  #disposed = false;
  /** Addresses of activations. */
  readonly #home: Arena;
  readonly #scratch: Scratch;
  readonly #linear: LinearRunner;
  readonly #worthwhile: number;
  readonly #activations: WasmActivationType;
  /** Each matrix lies in memory once, however many models share it, as long as it lives. */
  readonly #weights = new WeakMap<Matrix | PackedMatrix, WasmHandle>();
  /** The turns of all positions so far, the same for all layers of the same frequencies. */
  readonly #turns = new WeakMap<Float32Array, Turns>();

  /** Takes the threads that it runs on, and disposes of them in the end. */
  constructor(pool: Pool, options: WasmOptions = {}) {
    this.#threads = pool;
    this.#worthwhile = options.worthwhile ?? 1 << 14;
    this.#activations = options.activations ?? "int16";
    this.#home = pool.arena();
    this.#scratch = new Scratch();
    this.#linear = new LinearRunner({
      pool,
      scratch: this.#scratch,
      worthwhile: this.#worthwhile,
      activations: this.#activations,
    });
  }

  /**
   * The threads, which all operations need.
   *
   * @throws {DisposedError} when the backend has been disposed of.
   */
  get #pool(): Pool {
    this.#assertOpen();
    return this.#threads;
  }

  #assertOpen(): void {
    if (this.#disposed) throw new DisposedError("Cannot compute: the backend has been disposed of");
  }

  get description(): string {
    const { threads } = this.#threads;
    return `${threads} thread${threads === 1 ? "" : "s"}, ${relaxedSimd ? "relaxed SIMD" : "SIMD"}`;
  }

  get bytes(): number {
    return this.#threads.bytes;
  }

  weight(matrix: Matrix | PackedMatrix): Weight {
    const known = this.#weights.get(matrix);
    if (known) return known;
    const { image, arena, shared } = this.#layout(matrix);
    const block = new Block(arena, image.bytes);
    image.write(block.arena.memory.buffer, block.address);
    const { rows, cols } = matrix;
    const weight = new WasmHandle(this, {
      rows,
      cols,
      block,
      shared,
      get data() {
        // Also what lies beside the block is the weight's only as long as that is held.
        const { address } = block;
        return image.dataAt ?? address + image.data;
      },
      dtype: image.dtype,
      bits: isPacked(matrix) ? matrix.bits : 0,
      groupSize: isPacked(matrix) ? matrix.groupSize : 0,
      quick: image.quick,
      rounded: image.rounded,
      outliers: image.outliers,
    });
    this.#weights.set(matrix, weight);
    return weight;
  }

  /** A matrix's image, beside its codes or values where they are in this backend's memory, else with a copy of them. */
  #layout(matrix: Matrix | PackedMatrix): { image: WeightImage; arena: Arena; shared?: Block } {
    const activations = this.#activations;
    const large = largePart(matrix);
    const shared = large && blockOf(large);
    if (shared && this.#pool.owns(shared.arena)) {
      const image = weightImage(matrix, { activations, dataAt: large.byteOffset });
      if (shared.arena.hasRoom(image.bytes)) return { image, arena: shared.arena, shared };
    }
    const image = weightImage(matrix, { activations });
    return { image, arena: this.#pool.arena(image.bytes) };
  }

  forget(matrix: Matrix | PackedMatrix): void {
    this.#weights.get(matrix)?.weight.block.free();
    this.#weights.delete(matrix);
  }

  free(held: Tensor | KvCache): void {
    if (held instanceof Tensor) return this.#block(held).free();
    const cache = own(this, held, WasmCache);
    for (const layer of cache.layers) layer.free();
    cache.layers = [];
  }

  room(bytes: number): Uint8Array {
    return takeShared(this.#pool, bytes);
  }

  tensor(rows: number, cols: number): Tensor {
    return new WasmTensor(this, { rows, cols }, new Block(this.#pool.arena(), padded(rows * cols)));
  }

  #block(tensor: Tensor): Block {
    return own(this, tensor, WasmTensor).block;
  }

  #at(tensor: Tensor): number {
    return this.#place(tensor).address;
  }

  /** Where its values are. */
  #place(tensor: Tensor): Place {
    const { block, offset } = own(this, tensor, WasmTensor);
    return { arena: block.arena, address: block.address + offset, bytes: block.bytes - offset };
  }

  #dense(handle: Weight): WasmWeight {
    const { weight } = own(this, handle, WasmHandle);
    if (weight.bits > 0) {
      throw new TensorError("Cannot use a packed matrix here: only linears and embeddings take one");
    }
    return weight;
  }

  cache(shape: KvShape): KvCache {
    return new WasmCache(this, shape, this.#home);
  }

  write(x: Tensor, values: Float32Array): void {
    checkValues(x, values);
    new Float32Array(this.#home.memory.buffer, this.#at(x), values.length).set(values);
  }

  embed(out: Tensor, table: Weight, ids: ArrayLike<number>): void {
    const { weight } = own(this, table, WasmHandle);
    const { block, data, dtype, cols, bits, outliers } = weight;
    checkIds(ids, table);
    const { arena } = block;
    const list = this.#scratch.take(arena, "ids", padded(ids.length));
    new Int32Array(arena.memory.buffer, list, ids.length).set(ids);
    const target = this.#scratch.output(arena, this.#place(out));
    if (bits > 0) {
      this.#pool.run(arena, "embedPacked", [target, block.address, list], ids.length, this.#grain(4 * cols));
      if (outliers) {
        const args = [target, list, ...outlierAddresses(weight, outliers), cols];
        this.#pool.run(arena, "embedOutliers", args, ids.length, this.#grain(cols));
      }
    } else {
      const args = [target, data, list, cols, STORED[dtype].id];
      this.#pool.run(arena, "embed", args, ids.length, this.#grain(cols));
    }
    this.#scratch.copyBack(arena, this.#place(out), 4 * out.rows * cols);
  }

  rmsNorm(out: Tensor, x: Tensor, options: NormOptions): void {
    const added = options.add ? this.#at(options.add) : 0;
    const weight = this.#scratch.input(this.#home, "norm", vectorOf(this.#dense(options.weight)));
    const { cols } = options.weight;
    const args = [this.#at(out), this.#at(x), added, weight, cols, options.epsilon];
    this.#pool.run(this.#home, "rmsNorm", args, x.rows * x.cols / cols, this.#grain(2 * cols));
  }

  layerNorm(out: Tensor, x: Tensor, options: NormOptions & { bias?: Weight }): void {
    const added = options.add ? this.#at(options.add) : 0;
    const input = (name: string, weight: Weight) =>
      this.#scratch.input(this.#home, name, vectorOf(this.#dense(weight)));
    const weight = input("norm", options.weight);
    const bias = options.bias ? input("norm's bias", options.bias) : 0;
    const { cols } = options.weight;
    const args = [this.#at(out), this.#at(x), added, weight, bias, cols, options.epsilon];
    this.#pool.run(this.#home, "layerNorm", args, x.rows * x.cols / cols, this.#grain(3 * cols));
  }

  linear(out: Tensor, x: Tensor, options: LinearOptions): void {
    this.linears(x, [{ out, ...options }]);
  }

  linears(x: Tensor, products: readonly LinearProduct[]): void {
    this.#assertOpen();
    const all = products.map(({ out, weight, bias }) => {
      checkLinear(out, x, weight);
      return {
        out: this.#place(out),
        weight: own(this, weight, WasmHandle).weight,
        bias: bias && this.#dense(bias),
      };
    });
    this.#linear.run(this.#place(x), all, { tokens: x.rows, as: products[0]?.as });
  }

  rope(x: Tensor, options: RopeOptions): void {
    this.#pool.runAll(this.#home, [this.#turned(x, options)]);
  }

  #turned(x: Tensor, options: RopeOptions): KernelRun {
    const half = options.frequencies.length;
    const { cos, sin } = this.#turn(options, x.rows);
    const args = [this.#at(x), cos, sin, x.cols, half, options.headDim ?? 2 * half];
    return { name: "rope", args, count: x.rows, grain: this.#grain(4 * x.cols) };
  }

  /** Where the cosines and the sines of some tokens' angles are. */
  #turn({ position, frequencies, magnitude = 1 }: RopeOptions, tokens: number): { cos: number; sin: number } {
    let turns = this.#turns.get(frequencies);
    const [half, end] = [frequencies.length, position + tokens];
    if (!turns || turns.positions < end || turns.magnitude !== magnitude) {
      turns?.block.free();
      const positions = Math.max(end, 2 * (turns?.positions ?? 0));
      turns = { positions, magnitude, block: new Block(this.#home, padded(2 * positions * half)) };
      const { address } = turns.block;
      const values = new Float32Array(this.#home.memory.buffer, address, 2 * positions * half);
      for (let at = 0, i = 0; at < positions; at++) {
        for (const frequency of frequencies) {
          // The angle is rounded to float32, as every reference implementation has it.
          const angle = Math.fround(at * frequency);
          values[i] = magnitude * Math.cos(angle);
          values[positions * half + i++] = magnitude * Math.sin(angle);
        }
      }
      this.#turns.set(frequencies, turns);
    }
    const cos = turns.block.address + 4 * position * half;
    return { cos, sin: cos + 4 * turns.positions * half };
  }

  attention(out: Tensor, qkv: { q: Tensor; k: Tensor; v: Tensor }, options: AttentionPlace): void {
    const cache = own(this, options.cache, WasmCache);
    const { position, frequencies, magnitude } = options;
    const { headDim } = cache;
    const { q, k, v } = qkv;
    const total = position + q.rows;
    const [heads, kvHeads] = [q.cols / headDim, k.cols / headDim];
    const layer = layerOf(cache, { layer: options.layer, tokens: total }).reserve({ total, position });
    const kept = (name: string, to: number, x: Tensor): KernelRun => {
      const args = [to, this.#at(x), kvHeads, headDim, layer.room, position];
      return { name, args, count: x.rows, grain: this.#grain(4 * x.cols) };
    };
    const turn = frequencies && { position, frequencies, headDim, magnitude };
    const turned = turn ? [this.#turned(q, turn), this.#turned(k, turn)] : [];
    this.#pool.runAll(this.#home, [...turned, kept("storeValues", layer.v, v)]);
    this.#pool.runAll(this.#home, [kept("storeKeys", layer.k, k)]);
    const { scale = 1 / Math.sqrt(headDim), softcap = 0, window = total } = options;
    const run = { ...layer, heads, kvHeads, headDim, position, scale, softcap, window };
    attend({ ...run, out: this.#at(out), q: this.#at(q), tokens: q.rows }, {
      pool: this.#pool,
      scratch: this.#scratch,
      grain: (work) => this.#grain(work),
    });
  }

  activate(out: Tensor, x: Tensor, options: { activation: Activation; up?: Tensor }): void {
    const fours = Math.ceil(out.rows * out.cols / 4);
    const kind = activationNames.indexOf(options.activation);
    const args = [this.#at(out), this.#at(x), options.up ? this.#at(options.up) : 0, kind];
    this.#pool.run(this.#home, "activate", args, fours, this.#grain(64));
  }

  add(x: Tensor, y: Tensor): void {
    const fours = Math.ceil(x.rows * x.cols / 4);
    this.#pool.run(this.#home, "add", [this.#at(x), this.#at(y)], fours, this.#grain(16));
  }

  scale(x: Tensor, by: number): void {
    const fours = Math.ceil(x.rows * x.cols / 4);
    this.#pool.run(this.#home, "scale", [this.#at(x), by], fours, this.#grain(16));
  }

  softcap(x: Tensor, cap: number): void {
    const fours = Math.ceil(x.rows * x.cols / 4);
    this.#pool.run(this.#home, "softcap", [this.#at(x), cap], fours, this.#grain(64));
  }

  columns(out: Tensor, x: Tensor, piece: Columns): void {
    const { from, width = out.cols, stride = 0 } = piece;
    const args = [this.#at(out), this.#at(x), out.cols, x.cols, from, width, stride];
    this.#pool.run(this.#home, "columns", args, out.rows, this.#grain(4 * out.cols));
  }

  gather(out: Tensor, x: Tensor, rows: ArrayLike<number>): void {
    const list = this.#list("ids", Int32Array.from(rows));
    const args = [this.#at(out), this.#at(x), list, x.cols, STORED.F32.id];
    this.#pool.run(this.#home, "embed", args, rows.length, this.#grain(x.cols));
  }

  scatterAdd(out: Tensor, x: Tensor, to: { rows: ArrayLike<number>; weights: ArrayLike<number> }): void {
    const rows = this.#list("ids", Int32Array.from(to.rows));
    const weights = this.#list("weights", Float32Array.from(to.weights));
    const args = [this.#at(out), this.#at(x), rows, weights, x.cols];
    this.#pool.run(this.#home, "scatterAdd", args, to.rows.length, this.#grain(x.cols));
  }

  /** Where numbers are that a kernel reads. */
  #list(purpose: string, numbers: Int32Array | Float32Array): number {
    const list = this.#scratch.take(this.#home, purpose, padded(numbers.length));
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    new Uint8Array(this.#home.memory.buffer, list, bytes.length).set(bytes);
    return list;
  }

  first(x: Tensor, rows: number): Tensor {
    return this.rows(x, { from: 0, count: rows });
  }

  rows(x: Tensor, { from, count }: RowRange): Tensor {
    const { block, offset } = own(this, x, WasmTensor);
    return new WasmTensor(this, { rows: count, cols: x.cols }, block, offset + 4 * from * x.cols);
  }

  /** Items that are worth another thread, by the multiplications of each. */
  #grain(work: number): number {
    return Math.ceil(this.#worthwhile / work);
  }

  async read(x: Tensor): Promise<Float32Array> {
    const values = new Float32Array(this.#home.memory.buffer, this.#at(x), x.rows * x.cols).slice();
    await breathe();
    return values;
  }

  async columnSums(x: Tensor): Promise<Float64Array> {
    const { rows, cols } = x;
    const target = this.#scratch.take(this.#home, "columns", 8 * 3 * cols);
    const sums = new Float64Array(this.#home.memory.buffer, target, 3 * cols).fill(0);
    const grain = Math.max(LEAST_COLUMNS, this.#grain(3 * rows));
    this.#pool.run(this.#home, "columnSums", [target, this.#at(x), rows, cols], cols, grain);
    const copy = sums.slice();
    await breathe();
    return copy;
  }

  async logProbabilities(logits: Tensor, places: readonly LogitPlace[]): Promise<LogProbability[]> {
    const { rows, cols } = logits;
    const target = this.#scratch.take(this.#home, "log sums", 24 * rows);
    this.#pool.run(this.#home, "logSums", [target, this.#at(logits), cols], rows, this.#grain(8 * cols));
    const { buffer } = this.#home.memory;
    const values = new Float32Array(buffer, this.#at(logits), rows * cols);
    const [sums, words] = [
      new Float64Array(buffer, target, 3 * rows),
      new Int32Array(buffer, target, 6 * rows),
    ];
    const found = places.map(({ row, id }) => ({
      logProbability: values[row * cols + id]! - (sums[3 * row]! + Math.log(sums[3 * row + 1]!)),
      likeliest: words[6 * row + 4] === id,
    }));
    await breathe();
    return found;
  }

  gram(sum: Tensor, x: Tensor): void {
    checkGram(sum, x);
    const { rows, cols } = x;
    const panels = Math.ceil(cols / PANEL);
    const packed = this.#scratch.take(this.#home, "panels", 4 * PACKED * panels * PANEL);
    for (let t = 0; t < rows; t += PACKED) {
      const tokens = Math.min(PACKED, rows - t);
      const part = this.#at(x) + 4 * t * cols;
      this.#pool.run(this.#home, "packPanels", [packed, part, tokens, cols], tokens, this.#grain(cols));
      // Panels of rows become shorter towards the end: small parts keep all threads busy to the last.
      const grain = Math.max(1, Math.min(panels >> 5, this.#grain(PANEL * cols * tokens)));
      this.#pool.run(this.#home, "gram", [this.#at(sum), packed, tokens, cols], panels, grain);
    }
  }

  seconds(run: () => void): Promise<number> {
    const start = performance.now();
    run();
    return Promise.resolve((performance.now() - start) / 1000);
  }

  bandwidth(): Promise<number> {
    return readBandwidth(this.#pool);
  }

  get gradients(): WasmGradients {
    return new WasmGradients({
      pool: this.#pool,
      scratch: this.#scratch,
      worthwhile: this.#worthwhile,
      at: (tensor) => this.#at(tensor),
      vector: (weight) => this.#scratch.input(this.#home, "norm", vectorOf(this.#dense(weight))),
    });
  }

  get steps(): WasmSteps {
    return new WasmSteps(this.#pool);
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#threads[Symbol.dispose]();
  }

  /** Its text for `console.log`. */
  [inspect](): string {
    return `WasmBackend: ${this.description}`;
  }
}
