/**
 * A decoder layer whose weights change.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { dequantize, isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";
import { Decoder } from "../model/decoder/decoder.ts";
import { hasExperts, type Layout, linearNames } from "../model/decoder/layout.ts";
import { withOffset } from "../model/model.ts";
import type { Source } from "../model/source.ts";
import { Recorder } from "./recorder.ts";
import { TunedLinear, type TunedTensor, TunedVector } from "./tuned_tensor.ts";

/**
 * Checks that a layer can be gone through backwards.
 *
 * @throws {OptionError} when it has experts.
 */
export function checkLayer(layout: Layout, layer: number): void {
  if (!hasExperts(layout.layers[layer]!.mlp.inner)) return;
  throw new OptionError(
    `Cannot tune ${
      linearNames(layout, layer)[0]
    } and what is beside it: gradients of experts are not known here`,
  );
}

/** A layer with dense weights, whose output and gradients can be had for one sequence after another. */
export class Block implements Disposable {
  readonly #source: Pick<Source, "config" | "layout">;
  readonly #layer: number;
  readonly #tensor: (name: string) => Matrix | PackedMatrix | undefined;
  readonly #recorder: Recorder;
  /** Weights as the decoder wants them, by tensor name, and what was added to each value for that. */
  readonly #weights = new Map<string, { matrix: Matrix; offset: number }>();
  #decoder: Decoder;
  #tuned: ReadonlySet<string> = new Set();

  /**
   * @param source the model; its backend computes.
   * @param options.tensor finds the layer's weights by tensor name; packed ones are widened.
   * @throws {OptionError} when the layer has experts, or the backend no gradients.
   */
  constructor(
    source: Pick<Source, "config" | "layout" | "backend">,
    options: { layer: number; tensor: (name: string) => Matrix | PackedMatrix | undefined },
  ) {
    const { layer, tensor } = options;
    checkLayer(source.layout, layer);
    this.#source = source;
    this.#layer = layer;
    this.#tensor = tensor;
    this.#recorder = new Recorder(source.backend);
    this.#decoder = this.#build();
  }

  #build(): Decoder {
    const { config, layout } = this.#source;
    const find = (name: string, offset = 0) => {
      const known = this.#weights.get(name);
      if (known) return this.#recorder.weight(known.matrix);
      const tensor = this.#tensor(name);
      if (!tensor) return undefined;
      const { rows, cols } = tensor;
      const data = isPacked(tensor) ? dequantize(tensor) : tensor.data;
      const matrix = withOffset({ rows, cols, data }, offset);
      this.#weights.set(name, { matrix, offset });
      return this.#recorder.weight(matrix);
    };
    return new Decoder(config, { layout, backend: this.#recorder, find, part: this.#layer });
  }

  /** The names of its tensors. */
  names(): string[] {
    return [...this.#weights.keys()];
  }

  /**
   * What can be tuned of it, by tensor name: its packed matrices, and its norms and biases.
   *
   * @param original finds the original's weights, where codes are tuned too.
   */
  tuned(original?: (name: string) => Float32Array): Map<string, TunedTensor> {
    const tuned = new Map<string, TunedTensor>();
    for (const [name, { offset }] of this.#weights) {
      const tensor = this.#tensor(name)!;
      if (isPacked(tensor)) tuned.set(name, new TunedLinear(tensor, original?.(name)));
      else if (tensor.rows === 1) tuned.set(name, new TunedVector(tensor, offset));
    }
    return tuned;
  }

  /** Replaces values of tensors, [rows, cols] as the checkpoint has them, and begins all gradients anew. */
  set(values: Iterable<readonly [string, Float32Array]>): void {
    for (const [name, data] of values) {
      const { matrix, offset } = this.#weights.get(name)!;
      this.#recorder.forget(matrix);
      const { rows, cols } = matrix;
      this.#weights.set(name, { matrix: withOffset({ rows, cols, data }, offset), offset });
    }
    this.#decoder = this.#build();
    this.want(this.#tuned);
  }

  /** Asks for the gradients by some tensors, which begin at 0. */
  want(names: Iterable<string>): void {
    this.#tuned = new Set(names);
    this.#recorder.want(Array.from(this.#tuned, (name) => this.#weights.get(name)!.matrix));
  }

  /** The gradient by a tensor, over all that was gone back through since its values changed last. */
  async gradient(name: string): Promise<Float32Array> {
    return await this.#recorder.gradient(this.#weights.get(name)!.matrix);
  }

  /**
   * The output for a sequence.
   *
   * @param hidden [tokens, hidden_size].
   */
  async forward(hidden: Float32Array): Promise<Float32Array> {
    const { hidden_size, num_hidden_layers, num_key_value_heads, head_dim } = this.#source.config;
    const tokens = hidden.length / hidden_size;
    const recorder = this.#recorder;
    recorder.clear();
    const work = recorder.workspace(this.#decoder, tokens);
    recorder.write(work.x, hidden);
    const shape = { kvHeads: num_key_value_heads, headDim: head_dim, capacity: tokens };
    const cache = recorder.cache({ ...shape, layers: num_hidden_layers });
    const rotations = this.#decoder.rotations(tokens);
    await this.#decoder.forward([], work, { at: { cache, position: 0, rotations }, logits: false });
    recorder.free(cache);
    return await recorder.read(work.x);
  }

  /**
   * Goes back through the last {@linkcode Block.forward}.
   *
   * @param gradient by the output, [tokens, hidden_size].
   * @returns the gradient by the input.
   */
  async backward(gradient: Float32Array): Promise<Float32Array> {
    const { x } = this.#recorder.workspace(this.#decoder, gradient.length / this.#source.config.hidden_size);
    return await this.#recorder.backward({ tensor: x, gradient }, x);
  }

  /** Frees what it has on the backend. */
  [Symbol.dispose](): void {
    this.#recorder[Symbol.dispose]();
    for (const { matrix } of this.#weights.values()) this.#recorder.forget(matrix);
  }
}
