/**
 * The backend in WASM: SIMD kernels over shared memory, on every core.
 *
 * @module
 */
import { TensorError } from "../../errors.ts";
import { quantizeBy, type QuantizeOptions } from "../../learn/quantize.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import { isPacked, type PackedMatrix } from "../../matrix/packed_matrix.ts";
import type { AttentionPlace, Backend, KvCache, KvShape, NormOptions, Tensor, Weight } from "../backend.ts";
import { checkIds, checkLinear, checkRoom } from "../check.ts";
import { Block, breathe } from "./block.ts";
import type { Activations } from "./levels.ts";
import { readBandwidth } from "./limits.ts";
import { LinearRunner } from "./linear.ts";
import type { Arena } from "./memory.ts";
import type { Pool } from "./pool.ts";
import { WasmSteps } from "./quantize_steps.ts";
import { Scratch } from "./scratch.ts";
import { blockOf, takeShared } from "./shared.ts";
import { STORED } from "./stored.ts";
import { largePart, vectorOf, type WasmWeight, type WeightImage, weightImage } from "./weight_image.ts";

interface WasmTensor extends Tensor {
  readonly block: Block;
}

interface WasmCache extends KvCache {
  readonly headDim: number;
  /** A layer's keys and values: [at most capacity, kvHeads · headDim], grown as tokens come. */
  readonly layers: { k?: Block; v?: Block }[];
}

/** Cosines and sines of some positions, [tokens, half] each, in the scratch. */
interface Turns {
  readonly position: number;
  readonly tokens: number;
  readonly frequencies: Float32Array;
  readonly cos: number;
  readonly sin: number;
}

/** How a backend computes. */
export interface WasmOptions {
  /** Multiplications that are worth another thread; 16384 when absent. */
  worthwhile?: number;
  /** See BackendOptions; "int16" when absent. */
  activations?: Activations;
}

const address = (tensor: Tensor) => (tensor as WasmTensor).block.address;

/** Kernels read whole vectors, and may read one beyond the end. */
const padded = (values: number) => 4 * values + 64;

/** Columns that one thread reads of every row, at least: short stretches cost more than they share out. */
const STRETCH = 256;

/** The WASM backend. */
export class WasmBackend implements Backend {
  readonly name = "wasm";
  readonly #pool: Pool;
  /** Where activations are. */
  readonly #home: Arena;
  readonly #scratch: Scratch;
  readonly #linear: LinearRunner;
  readonly #worthwhile: number;
  readonly #activations: Activations;
  /** Each matrix lies in memory once, however many models share it, as long as it lives. */
  readonly #weights = new WeakMap<Matrix | PackedMatrix, WasmWeight>();
  #turns: Turns | undefined;

  /** Takes the threads that it runs on, and disposes of them in the end. */
  constructor(pool: Pool, options: WasmOptions = {}) {
    this.#pool = pool;
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

  get description(): string {
    const { threads } = this.#pool;
    return `${threads} thread${threads === 1 ? "" : "s"}`;
  }

  get bytes(): number {
    return this.#pool.bytes;
  }

  weight(matrix: Matrix | PackedMatrix): Weight {
    const known = this.#weights.get(matrix);
    if (known) return known;
    const { image, arena, shared } = this.#layout(matrix);
    const block = new Block(arena, image.bytes);
    image.write(block.arena.memory.buffer, block.address);
    const { rows, cols } = matrix;
    const weight: WasmWeight = {
      rows,
      cols,
      block,
      shared,
      data: image.dataAt ?? block.address + image.data,
      dtype: image.dtype,
      bits: isPacked(matrix) ? matrix.bits : 0,
      groupSize: isPacked(matrix) ? matrix.groupSize : 0,
      quick: image.quick,
      rounded: image.rounded,
    };
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

  room(bytes: number): Uint8Array {
    return takeShared(this.#pool, bytes);
  }

  tensor(rows: number, cols: number): Tensor {
    const tensor: WasmTensor = { rows, cols, block: new Block(this.#home, padded(rows * cols)) };
    return tensor;
  }

  cache(shape: KvShape): KvCache {
    const layers = Array.from({ length: shape.layers }, () => ({}));
    const cache: WasmCache = { capacity: shape.capacity, headDim: shape.headDim, layers };
    return cache;
  }

  embed(out: Tensor, table: Weight, ids: ArrayLike<number>): void {
    const { block, data, dtype, cols } = dense(table);
    checkIds(ids, table);
    const { arena } = block;
    const list = this.#scratch.take(arena, "ids", padded(ids.length));
    new Int32Array(arena.memory.buffer, list, ids.length).set(ids);
    const target = this.#scratch.output(arena, (out as WasmTensor).block);
    this.#pool.run(
      arena,
      "embed",
      [target, data, list, cols, STORED[dtype].id],
      ids.length,
      this.#grain(cols),
    );
    this.#scratch.copyBack(arena, (out as WasmTensor).block, 4 * out.rows * cols);
  }

  rmsNorm(out: Tensor, x: Tensor, options: NormOptions): void {
    if (options.add) this.add(x, options.add);
    const weight = this.#scratch.input(this.#home, "norm", vectorOf(dense(options.weight)));
    const args = [address(out), address(x), weight, x.cols, options.epsilon];
    this.#pool.run(this.#home, "rmsNorm", args, x.rows, this.#grain(2 * x.cols));
  }

  linear(out: Tensor, x: Tensor, options: { weight: Weight; bias?: Weight }): void {
    checkLinear(out, x, options.weight);
    const weight = options.weight as WasmWeight;
    const bias = options.bias && dense(options.bias);
    this.#linear.run((out as WasmTensor).block, (x as WasmTensor).block, { weight, bias, tokens: x.rows });
  }

  rope(x: Tensor, options: { position: number; frequencies: Float32Array }): void {
    const half = options.frequencies.length;
    const { cos, sin } = this.#turn({ ...options, tokens: x.rows });
    this.#pool.run(this.#home, "rope", [address(x), cos, sin, x.cols, half], x.rows, this.#grain(4 * x.cols));
  }

  /** The turns of some tokens: the same for all layers, so kept from call to call. */
  #turn(asked: { position: number; tokens: number; frequencies: Float32Array }): Turns {
    const { position, tokens, frequencies } = asked;
    const kept = this.#turns;
    if (kept?.position === position && kept.tokens === tokens && kept.frequencies === frequencies) {
      return kept;
    }
    const half = frequencies.length;
    const cos = this.#scratch.take(this.#home, "turns", 2 * padded(tokens * half));
    const sin = cos + 4 * tokens * half;
    const turns = new Float32Array(this.#home.memory.buffer, cos, 2 * tokens * half);
    for (let t = 0, i = 0; t < tokens; t++) {
      for (const frequency of frequencies) {
        // The angle is rounded to float32, as every reference implementation has it.
        const angle = Math.fround((position + t) * frequency);
        turns[i] = Math.cos(angle);
        turns[tokens * half + i++] = Math.sin(angle);
      }
    }
    return this.#turns = { position, tokens, frequencies, cos, sin };
  }

  attention(out: Tensor, qkv: { q: Tensor; k: Tensor; v: Tensor }, options: AttentionPlace): void {
    const cache = options.cache as WasmCache;
    const { position, frequencies } = options;
    if (frequencies) { for (const x of [qkv.q, qkv.k]) this.rope(x, { position, frequencies }); }
    const { headDim } = cache;
    const { q, k, v } = qkv;
    const total = position + q.rows;
    checkRoom(cache, total);
    const layer = cache.layers[options.layer]!;
    for (const [name, x] of [["k", k], ["v", v]] as const) {
      const kept = layer[name] = this.#grown(layer[name], { cache, total, position, cols: x.cols });
      const bytes = 4 * x.cols;
      const memory = new Uint8Array(this.#home.memory.buffer);
      memory.copyWithin(kept.address + position * bytes, address(x), address(x) + x.rows * bytes);
    }
    const [heads, kvHeads] = [q.cols / headDim, k.cols / headDim];
    const args = [address(out), address(q), layer.k!.address, layer.v!.address, heads, kvHeads, headDim];
    this.#pool.run(
      this.#home,
      "attention",
      [...args, position],
      q.rows * heads,
      this.#grain(2 * headDim * total),
    );
  }

  /** A layer's keys or values with room for `total` tokens; those before `position` are kept. */
  #grown(
    block: Block | undefined,
    need: { cache: WasmCache; total: number; position: number; cols: number },
  ): Block {
    const { cache, total, position, cols } = need;
    if (block && block.bytes >= padded(total * cols)) return block;
    const room = Math.min(cache.capacity, Math.max(total, 2 * position));
    const larger = new Block(this.#home, padded(room * cols));
    if (block) {
      const memory = new Uint8Array(this.#home.memory.buffer);
      memory.copyWithin(larger.address, block.address, block.address + 4 * position * cols);
      block.free();
    }
    return larger;
  }

  swiglu(out: Tensor, gate: Tensor, up: Tensor): void {
    const fours = Math.ceil(out.rows * out.cols / 4);
    this.#pool.run(this.#home, "swiglu", [address(out), address(gate), address(up)], fours, this.#grain(64));
  }

  add(x: Tensor, y: Tensor): void {
    const fours = Math.ceil(x.rows * x.cols / 4);
    this.#pool.run(this.#home, "add", [address(x), address(y)], fours, this.#grain(16));
  }

  /** Items that are worth another thread, by the multiplications of each. */
  #grain(work: number): number {
    return Math.ceil(this.#worthwhile / work);
  }

  async read(x: Tensor): Promise<Float32Array> {
    const values = new Float32Array(this.#home.memory.buffer, address(x), x.rows * x.cols).slice();
    await breathe();
    return values;
  }

  async columnSums(x: Tensor): Promise<Float64Array> {
    const { rows, cols } = x;
    const target = this.#scratch.take(this.#home, "columns", 8 * 3 * cols);
    const sums = new Float64Array(this.#home.memory.buffer, target, 3 * cols).fill(0);
    const grain = Math.max(STRETCH, this.#grain(3 * rows));
    this.#pool.run(this.#home, "columnSums", [target, address(x), rows, cols], cols, grain);
    const copy = sums.slice();
    await breathe();
    return copy;
  }

  seconds(run: () => void): Promise<number> {
    const start = performance.now();
    run();
    return Promise.resolve((performance.now() - start) / 1000);
  }

  bandwidth(): Promise<number> {
    return readBandwidth(this.#pool);
  }

  quantize(matrix: Matrix, options: QuantizeOptions): PackedMatrix {
    return quantizeBy(new WasmSteps(this.#pool), { matrix, options });
  }

  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]();
  }
}

function dense(weight: Weight): WasmWeight {
  const known = weight as WasmWeight;
  if (known.bits > 0) throw new TensorError("Cannot use a packed matrix here: only a linear takes one");
  return known;
}
