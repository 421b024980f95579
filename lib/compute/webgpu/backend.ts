/**
 * The backend on WebGPU: every operation of the decoder is a WGSL kernel, and activations stay on the device.
 *
 * @module
 */
import { inspect } from "../../display.ts";
import { activate } from "../../../kernels/wgsl/activate.ts";
import { add } from "../../../kernels/wgsl/add.ts";
import { attentionCombine } from "../../../kernels/wgsl/attention_combine.ts";
import { attentionDecode } from "../../../kernels/wgsl/attention_decode.ts";
import { attentionPrefill } from "../../../kernels/wgsl/attention_prefill.ts";
import { columnSums } from "../../../kernels/wgsl/column_sums.ts";
import { columns } from "../../../kernels/wgsl/columns.ts";
import { copy } from "../../../kernels/wgsl/copy.ts";
import { embed } from "../../../kernels/wgsl/embed.ts";
import { embedPacked } from "../../../kernels/wgsl/embed_packed.ts";
import { gram } from "../../../kernels/wgsl/gram.ts";
import type { Kernel } from "../../../kernels/wgsl/kernel.ts";
import { layerNorm } from "../../../kernels/wgsl/layer_norm.ts";
import { addOutliers, embedOutliers } from "../../../kernels/wgsl/outliers.ts";
import { rmsNorm } from "../../../kernels/wgsl/rms_norm.ts";
import { rope } from "../../../kernels/wgsl/rope.ts";
import { ropeStore } from "../../../kernels/wgsl/rope_store.ts";
import { scale } from "../../../kernels/wgsl/scale.ts";
import { scatterAdd } from "../../../kernels/wgsl/scatter_add.ts";
import { storeKv } from "../../../kernels/wgsl/store_kv.ts";
import { topK, type TopKPass } from "../../../kernels/wgsl/top_k.ts";
import { TensorError } from "../../errors.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import type { PackedMatrix } from "../../matrix/packed_matrix.ts";
import type {
  Activation,
  ActivationType,
  AttentionPlace,
  Backend,
  Columns,
  KvShape,
  Largest,
  LinearOptions,
  LinearProduct,
  NormOptions,
  RopeOptions,
  TokenPlace,
} from "../backend.ts";
import { checkGram, checkIds, checkLinear, checkValues, layerOf } from "../check.ts";
import { KvCache, own, Tensor, TokenIds, Weight } from "../handle.ts";
import { type Pool, sharedPool } from "../wasm/pool.ts";
import { WasmSteps } from "../wasm/quantize_steps.ts";
import { Commands, type Slice } from "./commands.ts";
import { Device, type DeviceOptions } from "./device.ts";
import { LinearRunner } from "./linear.ts";
import { WebGpuGradients } from "./gradients.ts";
import { type Allocation, Memory } from "./memory.ts";
import { Tuner, winnersFile } from "./tuner.ts";
import { type GpuWeight, Weights } from "./weights.ts";

/** Options of the WebGPU backend. */
export interface WebGpuOptions extends DeviceOptions {
  /**
   * Time the kernels that could do a product when one of its shape first comes, and remember the fastest on disk; when
   * false, what is remembered or documented as the default is taken. True where the GPU is a real one, when absent.
   */
  tune?: boolean;
  /** The rounding of activations in products with few tokens; none when absent. */
  activations?: ActivationType;
  /** The file of the fastest kernels; `any4/kernels.json` in the user's cache folder when absent. */
  tunedFile?: string;
}

class GpuTensor extends Tensor {
  readonly room: Allocation;

  constructor(owner: Backend, shape: { rows: number; cols: number }, room: Allocation) {
    super(owner, shape);
    this.room = room;
  }
}

class GpuHandle extends Weight {
  readonly weight: GpuWeight;

  constructor(owner: Backend, weight: GpuWeight) {
    super(owner, weight);
    this.weight = weight;
  }
}

class GpuCache extends KvCache {
  readonly headDim: number;
  /** A layer's keys and values: [at most capacity, kvHeads · headDim], grown as tokens come. */
  layers: { k?: Allocation; v?: Allocation }[];

  constructor(owner: Backend, { capacity, headDim, layers }: KvShape) {
    super(owner, capacity);
    this.headDim = headDim;
    this.layers = Array.from({ length: layers }, () => ({}));
  }
}

class GpuIds extends TokenIds {
  readonly room: Allocation;

  constructor(owner: Backend, length: number, room: Allocation) {
    super(owner, length);
    this.room = room;
  }
}

/** Bytes between token ids, each of which a kernel sees alone. */
const ID_STRIDE = 256;

/** Bytes of the largest values, and of where they stand. */
const LARGEST = 1024;

/** Bytes that are copied to see how fast that goes: more than caches hold. */
const COPIED = 512 << 20;

/** Tokens that a cache has room for at least. */
const LEAST = 256;

/** Keys from which on an attention of few tokens is split among workgroups, and how many each should have. */
const SPLIT = 1024;
const EACH = 512;
const MOST_PARTS = 16;

/** Tokens up to which each attends in workgroups of its own. */
const FEW = 4;

/** The WebGPU backend. */
export class WebGpuBackend implements Backend {
  readonly name = "webgpu";
  /** The device. */
  readonly device: Device;
  readonly gradients: WebGpuGradients;
  readonly #memory: Memory;
  readonly #commands: Commands;
  readonly #weights: Weights;
  readonly #linear: LinearRunner;
  /** Kernels by their task, so that a decode step generates no text. */
  readonly #kernels = new Map<string, readonly Kernel[]>();
  readonly #passes = new Map<string, readonly TopKPass[]>();
  readonly #frequencies = new WeakMap<Float32Array, Allocation>();
  /** Buffers for what lives from one kernel to the next only. */
  readonly #scratch = new Map<string, Allocation>();
  /** The steps of quantization. */
  #pool: Pool | undefined;

  private constructor(
    device: Device,
    { tuner, activations }: { tuner: Tuner; activations?: ActivationType },
  ) {
    this.device = device;
    const memory = this.#memory = new Memory(device);
    const commands = this.#commands = new Commands(device, memory);
    this.#weights = new Weights({ memory, commands, mostBytes: device.mostBytes });
    this.#linear = new LinearRunner({ device, commands, memory, tuner, activations });
    this.gradients = new WebGpuGradients({
      commands,
      room: (tensor) => this.#roomOf(tensor),
      vector: (weight) => this.#vector(weight),
      take: (purpose, bytes) => this.#take(purpose, bytes),
    });
  }

  /**
   * Opens a device.
   *
   * @throws {DeviceError} when there is none, or none that is wanted.
   */
  static async open(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
    const device = await Device.open(options);
    const tuner = new Tuner(device, {
      tune: options.tune ?? !device.software,
      file: options.tunedFile ?? winnersFile(),
    });
    return new WebGpuBackend(device, { tuner, activations: options.activations });
  }

  /** Bytes on the device: weights, activations, caches, and what is kept for the next ones. */
  get bytes(): number {
    return this.#memory.bytes;
  }

  get description(): string {
    const { description, software } = this.device;
    return software ? `${description}, in software` : description;
  }

  get mostBytes(): number {
    return this.device.mostBytes;
  }

  weight(matrix: Matrix | PackedMatrix): Weight {
    return new GpuHandle(this, this.#weights.of(matrix));
  }

  forget(matrix: Matrix | PackedMatrix): void {
    this.#weights.forget(matrix);
  }

  tensor(rows: number, cols: number): Tensor {
    const tensor = new GpuTensor(this, { rows, cols }, this.#memory.take(4 * rows * cols));
    this.#memory.tie(tensor.room, tensor);
    return tensor;
  }

  cache(shape: KvShape): KvCache {
    return new GpuCache(this, shape);
  }

  #roomOf(tensor: Tensor): Allocation {
    return own(this, tensor, GpuTensor).room;
  }

  /** A weight that is not packed. */
  #dense(handle: Weight): GpuWeight {
    const { weight } = own(this, handle, GpuHandle);
    if (weight.packed) {
      throw new TensorError("Cannot use a packed matrix here: only linears and embeddings take one");
    }
    return weight;
  }

  /** A vector's values. */
  #vector(weight: Weight): Allocation {
    return this.#dense(weight).parts[0]!.rooms[0]!;
  }

  /** The one id of a place. */
  #slice({ ids, at }: TokenPlace): Slice {
    return { room: own(this, ids, GpuIds).room, offset: at * ID_STRIDE, bytes: 4 };
  }

  free(held: Tensor | KvCache): void {
    if (held instanceof Tensor) return this.#memory.free(this.#roomOf(held));
    const cache = own(this, held, GpuCache);
    for (const layer of cache.layers) {
      for (const room of [layer.k, layer.v]) if (room) this.#memory.free(room);
    }
    cache.layers = [];
  }

  write(x: Tensor, values: Float32Array): void {
    checkValues(x, values);
    this.#commands.write(this.#roomOf(x), values);
  }

  embed(out: Tensor, table: Weight, ids: ArrayLike<number> | TokenPlace): void {
    const { weight } = own(this, table, GpuHandle);
    let from: Allocation | Slice;
    if ("ids" in ids) from = this.#slice(ids);
    else {
      checkIds(ids, table);
      from = this.#list("ids", Uint32Array.from(ids));
    }
    const tokens = out.rows;
    for (const { shape: part, rooms } of weight.parts) {
      if ("bits" in part) {
        const [kernel] = this.#kernel(`embed packed ${Object.values(part)}`, () => [embedPacked(part)]);
        this.#commands.run(kernel!, [this.#roomOf(out), ...rooms, from], { tokens });
        continue;
      }
      const { firstRow, rows, dtype } = part;
      const shape = { cols: table.cols, dtype, firstRow, rows };
      const [kernel] = this.#kernel(`embed ${Object.values(shape)}`, () => [embed(shape)]);
      this.#commands.run(kernel!, [this.#roomOf(out), rooms[0]!, from], { tokens });
    }
    if (!weight.outliers) return;
    const { cols } = weight;
    const [kernel] = this.#kernel(`embed outliers ${cols}`, () => [embedOutliers({ cols })]);
    this.#commands.run(kernel!, [this.#roomOf(out), from, ...weight.outliers], { tokens });
  }

  rmsNorm(out: Tensor, x: Tensor, options: NormOptions): void {
    const { epsilon, add } = options;
    const { cols } = options.weight;
    const shape = { cols, epsilon, add: !!add };
    const [kernel] = this.#kernel(`norm ${Object.values(shape)}`, () => [rmsNorm(shape)]);
    const bindings = [this.#roomOf(out), this.#roomOf(x), this.#vector(options.weight)];
    if (add) bindings.push(this.#roomOf(add));
    this.#commands.run(kernel!, bindings, { tokens: x.rows * x.cols / cols });
  }

  layerNorm(out: Tensor, x: Tensor, options: NormOptions & { bias?: Weight }): void {
    const { epsilon, add, bias } = options;
    const { cols } = options.weight;
    const shape = { cols, epsilon, bias: !!bias, add: !!add };
    const [kernel] = this.#kernel(`layer norm ${Object.values(shape)}`, () => [layerNorm(shape)]);
    const bindings = [this.#roomOf(out), this.#roomOf(x), this.#vector(options.weight)];
    if (bias) bindings.push(this.#vector(bias));
    if (add) bindings.push(this.#roomOf(add));
    this.#commands.run(kernel!, bindings, { tokens: x.rows * x.cols / cols });
  }

  linear(out: Tensor, x: Tensor, options: LinearOptions): void {
    this.linears(x, [{ out, ...options }]);
  }

  linears(x: Tensor, products: readonly LinearProduct[]): void {
    const tokens = x.rows;
    const all = products.map(({ out, weight, bias }) => {
      checkLinear(out, x, weight);
      return {
        out: this.#roomOf(out),
        weight: own(this, weight, GpuHandle).weight,
        bias: bias && this.#vector(bias),
      };
    });
    this.#linear.run(this.#roomOf(x), all, tokens);
    for (const { out, weight: { rows, cols, outliers } } of all) {
      if (!outliers) continue;
      const [kernel] = this.#kernel(`add outliers ${rows} ${cols}`, () => [addOutliers({ rows, cols })]);
      this.#commands.run(kernel!, [out, this.#roomOf(x), ...outliers], { tokens });
    }
  }

  rope(x: Tensor, options: RopeOptions): void {
    const { position, frequencies, headDim, magnitude } = options;
    const shape = { cols: x.cols, half: frequencies.length, headDim, magnitude };
    const [kernel] = this.#kernel(`rope ${Object.values(shape)}`, () => [rope(shape)]);
    this.#commands.run(kernel!, [this.#roomOf(x), this.#turns(frequencies)], { tokens: x.rows, position });
  }

  #turns(frequencies: Float32Array): Allocation {
    let room = this.#frequencies.get(frequencies);
    if (!room) {
      room = this.#memory.take(frequencies.byteLength);
      this.#memory.tie(room, frequencies);
      this.#commands.write(room, frequencies);
      this.#frequencies.set(frequencies, room);
    }
    return room;
  }

  attention(out: Tensor, qkv: { q: Tensor; k: Tensor; v: Tensor }, options: AttentionPlace): void {
    const cache = own(this, options.cache, GpuCache);
    const { position, frequencies, magnitude, scale, softcap, window } = options;
    const { headDim } = cache;
    const { q, k, v } = qkv;
    const tokens = q.rows;
    const total = position + tokens;
    const layer = layerOf(cache, { layer: options.layer, tokens: total });
    for (const name of ["k", "v"] as const) {
      layer[name] = this.#grown(layer[name], { cache, total, position, cols: k.cols });
    }
    const [keys, values, added] = [layer.k!, layer.v!, [this.#roomOf(k), this.#roomOf(v)]];
    const step = { tokens, position };
    const shape = { heads: q.cols / headDim, kvHeads: k.cols / headDim, headDim, scale, softcap, window };
    const name = Object.values(shape).join();
    if (frequencies) {
      const turned = { ...shape, half: frequencies.length, magnitude };
      const [store] = this.#kernel(`turn and store ${Object.values(turned)}`, () => [ropeStore(turned)]);
      const bindings = [this.#roomOf(q), keys, values, ...added, this.#turns(frequencies)];
      this.#commands.run(store!, bindings, step);
    } else {
      const [store] = this.#kernel(`store ${k.cols}`, () => [storeKv({ cols: k.cols })]);
      this.#commands.run(store!, [keys, values, ...added], step);
    }
    if (tokens > FEW) {
      const [kernel] = this.#kernel(`prefill ${name}`, () => [attentionPrefill(shape)]);
      this.#commands.run(kernel!, [this.#roomOf(out), this.#roomOf(q), keys, values], step);
      return;
    }
    // A power of two, so that few kernels do for all lengths.
    const seen = Math.min(total, window ?? total);
    const parts = seen < SPLIT ? 1 : Math.min(MOST_PARTS, 2 ** Math.floor(Math.log2(seen / EACH)));
    const [decode, combine] = this.#kernel(
      `decode ${name} ${parts}`,
      () =>
        parts === 1
          ? [attentionDecode(shape)]
          : [attentionDecode({ ...shape, parts }), attentionCombine({ ...shape, parts })],
    );
    if (!combine) {
      this.#commands.run(decode!, [this.#roomOf(out), this.#roomOf(q), keys, values], step);
      return;
    }
    const found = this.#take("found", 4 * tokens * shape.heads * parts * (headDim + 2));
    this.#commands.run(decode!, [found, this.#roomOf(q), keys, values], step);
    this.#commands.run(combine, [this.#roomOf(out), found], step);
  }

  /** A layer's keys or values with room for `total` tokens; those before `position` are kept. */
  #grown(
    room: Allocation | undefined,
    need: { cache: GpuCache; total: number; position: number; cols: number },
  ): Allocation {
    const { cache, total, position, cols } = need;
    const bytes = 4 * cols;
    if (room && room.bytes >= total * bytes) return room;
    const tokens = Math.min(cache.capacity, Math.max(total, 2 * position, LEAST));
    const larger = this.#memory.take(tokens * bytes);
    this.#memory.tie(larger, cache);
    if (room) {
      if (position > 0) this.#commands.copy(room, larger, { bytes: position * bytes });
      this.#memory.free(room);
    }
    return larger;
  }

  activate(out: Tensor, x: Tensor, options: { activation: Activation; up?: Tensor }): void {
    const { activation, up } = options;
    const shape = { cols: out.cols, activation, gated: !!up };
    const [kernel] = this.#kernel(`activate ${Object.values(shape)}`, () => [activate(shape)]);
    const bindings = [this.#roomOf(out), this.#roomOf(x), ...(up ? [this.#roomOf(up)] : [])];
    this.#commands.run(kernel!, bindings, { tokens: out.rows });
  }

  add(x: Tensor, y: Tensor): void {
    const [kernel] = this.#kernel(`add ${x.cols}`, () => [add({ cols: x.cols })]);
    this.#commands.run(kernel!, [this.#roomOf(x), this.#roomOf(y)], { tokens: x.rows });
  }

  scale(x: Tensor, by: number): void {
    const [kernel] = this.#kernel(`scale ${x.cols} ${by}`, () => [scale({ cols: x.cols, by })]);
    this.#commands.run(kernel!, [this.#roomOf(x)], { tokens: x.rows });
  }

  softcap(x: Tensor, cap: number): void {
    const [kernel] = this.#kernel(`softcap ${x.cols} ${cap}`, () => [scale({ cols: x.cols, cap })]);
    this.#commands.run(kernel!, [this.#roomOf(x)], { tokens: x.rows });
  }

  columns(out: Tensor, x: Tensor, piece: Columns): void {
    const { from, width = out.cols, stride = 0 } = piece;
    const shape = { outCols: out.cols, cols: x.cols, from, width, stride };
    const [kernel] = this.#kernel(`take ${Object.values(shape)}`, () => [columns(shape)]);
    this.#commands.run(kernel!, [this.#roomOf(out), this.#roomOf(x)], { tokens: out.rows });
  }

  gather(out: Tensor, x: Tensor, rows: ArrayLike<number>): void {
    // x is a table of as many rows as it may have.
    const shape = { cols: x.cols, dtype: "F32" as const, rows: 2 ** 32 - 1 };
    const [kernel] = this.#kernel(`gather ${x.cols}`, () => [embed(shape)]);
    const ids = this.#list("ids", Uint32Array.from(rows));
    this.#commands.run(kernel!, [this.#roomOf(out), this.#roomOf(x), ids], { tokens: rows.length });
  }

  scatterAdd(out: Tensor, x: Tensor, to: { rows: ArrayLike<number>; weights: ArrayLike<number> }): void {
    const [kernel] = this.#kernel(`scatter ${x.cols}`, () => [scatterAdd({ cols: x.cols })]);
    const rows = this.#list("ids", Uint32Array.from(to.rows));
    const weights = this.#list("weights", Float32Array.from(to.weights));
    this.#commands.run(kernel!, [this.#roomOf(out), this.#roomOf(x), rows, weights], {
      tokens: to.rows.length,
    });
  }

  /** Numbers for a kernel to read. */
  #list(purpose: string, numbers: Uint32Array | Float32Array): Allocation {
    const room = this.#take(purpose, numbers.byteLength);
    this.#commands.write(room, numbers);
    return room;
  }

  first(x: Tensor, rows: number): Tensor {
    return new GpuTensor(this, { rows, cols: x.cols }, this.#roomOf(x));
  }

  async read(x: Tensor): Promise<Float32Array> {
    return new Float32Array(await this.#read(this.#roomOf(x), 4 * x.rows * x.cols));
  }

  async columnSums(x: Tensor): Promise<Float64Array> {
    const { rows, cols } = x;
    const [kernel] = this.#kernel(`columns ${cols}`, () => [columnSums({ cols })]);
    const room = this.#take("columns", 4 * 3 * cols);
    this.#commands.run(kernel!, [room, this.#roomOf(x)], { tokens: rows });
    return Float64Array.from(new Float32Array(await this.#read(room, 4 * 3 * cols)));
  }

  gram(sum: Tensor, x: Tensor): void {
    checkGram(sum, x);
    const { rows, cols } = x;
    const [kernel] = this.#kernel(`gram ${cols}`, () => [gram({ cols })]);
    this.#commands.run(kernel!, [this.#roomOf(sum), this.#roomOf(x)], { tokens: rows });
  }

  async largest(x: Tensor, k: number): Promise<Largest> {
    const room = this.#take("largest", 2 * LARGEST);
    const [ids, values] = [0, LARGEST].map((offset) => ({ room, offset, bytes: 4 * k }));
    this.#topK(x, k, ids!, values!);
    const data = await this.#read(room, 2 * LARGEST);
    return { ids: new Uint32Array(data, 0, k), values: new Float32Array(data, LARGEST, k) };
  }

  /** The k largest values of x's only row, and where they stand. */
  #topK(x: Tensor, k: number, ids: Slice, values: Allocation | Slice): void {
    const passes = this.#passes.get(`${x.cols} ${k}`) ?? topK({ vocab: x.cols, k });
    this.#passes.set(`${x.cols} ${k}`, passes);
    let source = this.#roomOf(x);
    for (const [i, { kernel, scratch }] of passes.entries()) {
      const best = scratch > 0 ? this.#take(`best ${i}`, 4 * scratch) : undefined;
      this.#commands.run(kernel, best ? [best, source] : [ids, values, source], { tokens: 1 });
      if (best) source = best;
    }
  }

  tokenIds(length: number): TokenIds {
    const ids = new GpuIds(this, length, this.#memory.take(length * ID_STRIDE));
    this.#memory.tie(ids.room, ids);
    return ids;
  }

  argmax(place: TokenPlace, x: Tensor): void {
    this.#topK(x, 1, this.#slice(place), this.#take("value", 4));
    // The following commands are another step: there is one submission per token.
    this.#commands.submit();
  }

  async readIds(ids: TokenIds, count: number): Promise<number[]> {
    const words = new Uint32Array(await this.#read(own(this, ids, GpuIds).room, count * ID_STRIDE));
    return Array.from({ length: count }, (_, i) => words[i * ID_STRIDE / 4]!);
  }

  seconds(run: () => void): Promise<number> {
    return this.#commands.seconds(run);
  }

  async bandwidth(): Promise<number> {
    const bytes = Math.min(this.device.mostBytes, COPIED);
    const [from, to] = [this.#memory.take(bytes), this.#memory.take(bytes)];
    const kernel = copy({ words: bytes / 4 });
    let best = Infinity;
    for (let i = 0; i < 10; i++) {
      const run = () => this.#commands.run(kernel, [to, from], { tokens: 1 });
      best = Math.min(best, await this.#commands.seconds(run));
    }
    this.#memory.free(from);
    this.#memory.free(to);
    return 2 * bytes / best;
  }

  room(bytes: number): Uint8Array {
    // Weights are on the device; what is kept beside them, to be quantized, takes no more than in its file.
    return new Uint8Array(bytes);
  }

  /** Those of WASM: exact k-means needs float64, which WGSL does not have. */
  get steps(): WasmSteps {
    return new WasmSteps(this.#pool ??= sharedPool());
  }

  async #read(room: Allocation, bytes: number): Promise<ArrayBuffer> {
    const data = await this.#commands.read(room, bytes);
    await this.#linear.tune();
    return data;
  }

  #kernel(name: string, make: () => Kernel[]): readonly Kernel[] {
    let kernels = this.#kernels.get(name);
    if (!kernels) this.#kernels.set(name, kernels = make());
    return kernels;
  }

  /** A buffer of at least so many bytes for a purpose, the same as long as it is large enough. */
  #take(purpose: string, bytes: number): Allocation {
    const kept = this.#scratch.get(purpose);
    if (kept && kept.bytes >= bytes) return kept;
    if (kept) this.#memory.free(kept);
    const room = this.#memory.take(bytes);
    this.#scratch.set(purpose, room);
    return room;
  }

  /** Frees the device and everything on it. */
  [Symbol.dispose](): void {
    this.#pool?.[Symbol.dispose]();
    this.#commands[Symbol.dispose]();
    this.#memory[Symbol.dispose]();
    this.device[Symbol.dispose]();
  }

  /** Its text for `console.log`. */
  [inspect](): string {
    return `WebGpuBackend: ${this.description}`;
  }
}
