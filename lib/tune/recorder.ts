/**
 * Backpropagation through a decoder: a backend that remembers what was computed on it.
 *
 * @module
 */
import type {
  Activation,
  AttentionPlace,
  Backend,
  Columns,
  KvCache,
  KvShape,
  LinearOptions,
  NormOptions,
  RopeOptions,
  Tensor,
  Weight,
} from "../compute/backend.ts";
import type { Gradients } from "../compute/gradients.ts";
import { OptionError } from "../errors.ts";
import { type Decoder, freeWorkspace, type Workspace } from "../model/decoder/decoder.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { dequantize, isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";

/**
 * Computes on another backend, and keeps for each operation how the gradients by its inputs follow from the one by its
 * output, so that the decoder as it is, of whatever architecture, can be gone through backwards.
 *
 * Operations may work in place and reuse tensors, as the decoder's do: a tensor's gradient is by what it holds at the time.
 */
export class Recorder implements Backend, Disposable {
  readonly name: string;
  readonly description: string;
  readonly #backend: Backend;
  readonly #gradients: Gradients;
  /** What is to be done for each operation, the last first. */
  #tape: (() => void)[] = [];
  /** Copies of what tensors hold, until something else is written to them. */
  readonly #copies = new Map<Tensor, Tensor>();
  /** The gradients by what tensors hold. */
  readonly #by = new Map<Tensor, Tensor>();
  /** What can be freed once the tape has been gone through. */
  #held: Tensor[] = [];
  readonly #shapes = new WeakMap<KvCache, KvShape>();
  readonly #matrices = new WeakMap<Weight, Matrix | PackedMatrix>();
  /** The values of Linears as activations, in as many runs of rows as fit the backend's tensors. */
  readonly #dense = new Map<Matrix | PackedMatrix, readonly Tensor[]>();
  /** The gradients by weights that were asked for. */
  readonly #wanted = new Map<Matrix, Tensor>();
  #work?: Workspace;
  /** Rotations back. */
  readonly #backwards = new WeakMap<Float32Array, Float32Array>();

  /**
   * @param backend where everything is computed.
   * @throws {OptionError} when it has no gradients.
   */
  constructor(backend: Backend) {
    this.#backend = backend;
    this.#gradients = checkGradients(backend);
    this.name = backend.name;
    this.description = backend.description;
  }

  /** Asks for the gradients by some dense weights, which begin at 0, and by no others. */
  want(matrices: Iterable<Matrix>): void {
    this.#free(this.#wanted.values());
    this.#wanted.clear();
    for (const matrix of matrices) this.#wanted.set(matrix, this.#zero(matrix.rows, matrix.cols));
  }

  /** The gradient by weights that it was asked for, [rows, cols]. */
  async gradient(matrix: Matrix): Promise<Float32Array> {
    return await this.#backend.read(this.#wanted.get(matrix)!);
  }

  /**
   * Goes back through all that was computed since the last time, and forgets it.
   *
   * @param output the result, and the gradient by it.
   * @param input what the gradient is wanted by, as it was at the start.
   * @returns the gradient by the input.
   */
  async backward(
    output: { tensor: Tensor; gradient: Float32Array },
    input: Tensor,
  ): Promise<Float32Array> {
    const { rows, cols } = output.tensor;
    const start = this.#hold(this.#backend.tensor(rows, cols));
    this.#backend.write(start, output.gradient);
    this.#by.set(output.tensor, start);
    for (const step of this.#tape.reverse()) step();
    const found = await this.#backend.read(this.#sumBy(input));
    this.clear();
    return found;
  }

  /** Forgets what was computed. */
  clear(): void {
    this.#free(this.#held);
    [this.#tape, this.#held] = [[], []];
    this.#copies.clear();
    this.#by.clear();
  }

  #free(tensors: Iterable<Tensor>): void {
    for (const tensor of tensors) this.#backend.free?.(tensor);
  }

  #hold(tensor: Tensor): Tensor {
    this.#held.push(tensor);
    return tensor;
  }

  #zero(rows: number, cols: number): Tensor {
    const tensor = this.#backend.tensor(rows, cols);
    this.#gradients.zero(tensor);
    return tensor;
  }

  /** A copy of what a tensor holds now. */
  #copy(x: Tensor): Tensor {
    const kept = this.#copies.get(x);
    if (kept) return kept;
    const copy = this.#fresh(x);
    this.#copies.set(x, copy);
    return copy;
  }

  /** A copy of what a tensor holds now that nothing else uses. */
  #fresh(x: Tensor): Tensor {
    const copy = this.#hold(this.#backend.tensor(x.rows, x.cols));
    this.#backend.columns(copy, x, { from: 0 });
    return copy;
  }

  /** The gradient by what a tensor holds, to be added to. */
  #sumBy(x: Tensor): Tensor {
    let sum = this.#by.get(x);
    if (!sum) this.#by.set(x, sum = this.#hold(this.#zero(x.rows, x.cols)));
    return sum;
  }

  /** Records an operation that overwrites `out`. What it held before did not affect the result, so its gradient begins anew. */
  #record(out: Tensor, back: (g: Tensor) => void): void {
    this.#copies.delete(out);
    this.#tape.push(() => {
      const g = this.#by.get(out);
      this.#by.delete(out);
      if (g) back(g);
    });
  }

  /** Records an operation that changes x in place. */
  #change(x: Tensor, back: (g: Tensor) => void): void {
    this.#copies.delete(x);
    this.#tape.push(() => {
      const g = this.#by.get(x);
      if (g) back(g);
    });
  }

  weight(matrix: Matrix | PackedMatrix): Weight {
    const weight = this.#backend.weight(matrix);
    this.#matrices.set(weight, matrix);
    return weight;
  }

  forget(matrix: Matrix | PackedMatrix): void {
    this.#backend.forget?.(matrix);
    const wanted = this.#wanted.get(matrix as Matrix);
    this.#free([...this.#dense.get(matrix) ?? [], ...(wanted ? [wanted] : [])]);
    this.#dense.delete(matrix);
    this.#wanted.delete(matrix as Matrix);
  }

  /** The gradient by a weight, where it is wanted. */
  #sumOf(weight: Weight | undefined): Tensor | undefined {
    const matrix = weight && this.#matrices.get(weight);
    return matrix && this.#wanted.get(matrix as Matrix);
  }

  #values(weight: Weight): readonly Tensor[] {
    const matrix = this.#matrices.get(weight)!;
    let values = this.#dense.get(matrix);
    if (!values) {
      const { rows, cols } = matrix;
      const data = isPacked(matrix) ? dequantize(matrix) : matrix.data;
      const fitting = Math.floor((this.#backend.mostBytes ?? Infinity) / (4 * cols));
      const most = Math.min(rows, Math.max(1, fitting));
      values = Array.from({ length: Math.ceil(rows / most) }, (_, i) => {
        const part = this.#backend.tensor(Math.min(most, rows - i * most), cols);
        this.#backend.write(part, data.subarray(i * most * cols, (i * most + part.rows) * cols));
        return part;
      });
      this.#dense.set(matrix, values);
    }
    return values;
  }

  /** Some columns of a gradient. */
  #some(g: Tensor, { from, cols }: { from: number; cols: number }): Tensor {
    if (cols === g.cols) return g;
    const piece = this.#hold(this.#backend.tensor(g.rows, cols));
    this.#backend.columns(piece, g, { from });
    return piece;
  }

  linear(out: Tensor, x: Tensor, options: LinearOptions): void {
    const { weight, bias } = options;
    const input = this.#copy(x);
    this.#backend.linear(out, x, options);
    this.#record(out, (g) => {
      const [byWeight, byBias] = [this.#sumOf(weight), this.#sumOf(bias)];
      if (byWeight) this.#gradients.product(byWeight, { a: g, b: input, turned: true });
      if (byBias) this.#gradients.bias(byBias, g);
      let from = 0;
      for (const b of this.#values(weight)) {
        this.#gradients.product(this.#sumBy(x), { a: this.#some(g, { from, cols: b.rows }), b });
        from += b.rows;
      }
    });
  }

  rmsNorm(out: Tensor, x: Tensor, { add, ...options }: NormOptions): void {
    this.#normalize(out, x, { ...options, add, centered: false });
  }

  layerNorm(out: Tensor, x: Tensor, options: NormOptions & { bias?: Weight }): void {
    this.#normalize(out, x, { ...options, centered: true });
  }

  #normalize(
    out: Tensor,
    x: Tensor,
    { add, centered, ...options }: NormOptions & { bias?: Weight; centered: boolean },
  ): void {
    if (add) this.add(x, add);
    const input = this.#copy(x);
    if (centered) this.#backend.layerNorm(out, x, options);
    else this.#backend.rmsNorm(out, x, options);
    const { weight, bias, epsilon } = options;
    this.#record(out, (g) => {
      const by = { x: this.#sumBy(x), weight: this.#sumOf(weight), bias: this.#sumOf(bias) };
      this.#gradients.norm(by, { x: input, weight, epsilon, centered, g });
    });
  }

  rope(x: Tensor, options: RopeOptions): void {
    this.#backend.rope(x, options);
    this.#change(x, (g) => this.#turnBack(g, options));
  }

  /** The gradient by what a rotation was given. */
  #turnBack(g: Tensor, { frequencies, ...options }: RopeOptions): void {
    const backwards = this.#backwards.get(frequencies) ?? frequencies.map((frequency) => -frequency);
    this.#backwards.set(frequencies, backwards);
    this.#backend.rope(g, { ...options, frequencies: backwards });
  }

  attention(out: Tensor, qkv: { q: Tensor; k: Tensor; v: Tensor }, options: AttentionPlace): void {
    const { cache, position, frequencies, magnitude, softcap, window } = options;
    if (position !== 0) {
      throw new OptionError(`Cannot find gradients of tokens from position ${position} on: 0 is needed`);
    }
    const { headDim } = this.#shapes.get(cache)!;
    const turn = frequencies && { position, frequencies, magnitude, headDim };
    const [q, k, v] = [this.#fresh(qkv.q), this.#fresh(qkv.k), this.#copy(qkv.v)];
    this.#backend.attention(out, qkv, options);
    if (turn) [q, k].forEach((x) => this.#backend.rope(x, turn));
    // They may have been turned in place.
    for (const x of [qkv.q, qkv.k]) this.#copies.delete(x);
    this.#record(out, (g) => {
      const scale = options.scale ?? 1 / Math.sqrt(headDim);
      const [byQ, byK] = [q, k].map((x) => this.#hold(this.#zero(x.rows, x.cols))) as [Tensor, Tensor];
      const by = { q: byQ, k: byK, v: this.#sumBy(qkv.v) };
      this.#gradients.attention(by, { q, k, v, g, headDim, scale, softcap, window });
      for (const [x, g] of [[qkv.q, byQ], [qkv.k, byK]] as const) {
        if (turn) this.#turnBack(g, turn);
        this.#backend.add(this.#sumBy(x), g);
      }
    });
  }

  activate(out: Tensor, x: Tensor, options: { activation: Activation; up?: Tensor }): void {
    const { activation, up } = options;
    const [input, other] = [this.#copy(x), up && this.#copy(up)];
    this.#backend.activate(out, x, options);
    this.#record(out, (g) => {
      const by = { x: this.#sumBy(x), up: up && this.#sumBy(up) };
      this.#gradients.activate(by, { x: input, up: other, activation, g });
    });
  }

  add(x: Tensor, y: Tensor): void {
    this.#backend.add(x, y);
    this.#change(x, (g) => this.#backend.add(this.#sumBy(y), g));
  }

  scale(x: Tensor, by: number): void {
    this.#backend.scale(x, by);
    this.#change(x, (g) => this.#backend.scale(g, by));
  }

  softcap(x: Tensor, cap: number): void {
    this.#backend.softcap(x, cap);
    const y = this.#fresh(x);
    this.#change(x, (g) => this.#gradients.softcap(g, { y, cap }));
  }

  columns(out: Tensor, x: Tensor, piece: Columns): void {
    this.#backend.columns(out, x, piece);
    this.#record(out, (g) => this.#gradients.columns(this.#sumBy(x), g, piece));
  }

  tensor(rows: number, cols: number): Tensor {
    return this.#backend.tensor(rows, cols);
  }

  /** Room for the activations of one sequence: another length's takes its place, since texts have hundreds of lengths. */
  workspace(decoder: Decoder, tokens: number): Workspace {
    if (this.#work?.x.rows === tokens) return this.#work;
    if (this.#work) freeWorkspace(this, this.#work);
    return this.#work = decoder.workspace(tokens);
  }

  cache(shape: KvShape): KvCache {
    const cache = this.#backend.cache(shape);
    this.#shapes.set(cache, shape);
    return cache;
  }

  write(x: Tensor, values: Float32Array): void {
    this.#copies.delete(x);
    this.#backend.write(x, values);
  }

  free(held: Tensor | KvCache): void {
    this.#backend.free?.(held);
  }

  read(x: Tensor): Promise<Float32Array> {
    return this.#backend.read(x);
  }

  columnSums(x: Tensor): Promise<Float64Array> {
    return this.#backend.columnSums(x);
  }

  gram(sum: Tensor, x: Tensor): void {
    this.#backend.gram(sum, x);
  }

  seconds(run: () => void): Promise<number> {
    return this.#backend.seconds(run);
  }

  embed(): never {
    throw unknown("embeddings");
  }

  gather(): never {
    throw unknown("experts");
  }

  scatterAdd(): never {
    throw unknown("experts");
  }

  first(): never {
    throw unknown("experts");
  }

  /** Frees what it keeps; the backend stays. */
  [Symbol.dispose](): void {
    this.clear();
    if (this.#work) freeWorkspace(this, this.#work);
    this.#work = undefined;
    this.#free([...this.#wanted.values(), ...[...this.#dense.values()].flat()]);
    this.#wanted.clear();
    this.#dense.clear();
  }
}

/**
 * The gradients of a backend.
 *
 * @throws {OptionError} when it has none.
 */
export function checkGradients({ name, gradients }: Backend): Gradients {
  if (gradients) return gradients;
  throw new OptionError(`Cannot find gradients on the ${name} backend: it has none`);
}

const unknown = (what: string) =>
  new OptionError(`Cannot find gradients of ${what}: they are not known here`);
