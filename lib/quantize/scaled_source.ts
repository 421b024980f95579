/**
 * A model whose Linears' inputs are scaled and whose weights are clipped, as AWQ found best: each tensor is made so when it is
 * asked for.
 *
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { OptionError } from "../errors.ts";
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import type { ModelConfig } from "../model/decoder/config.ts";
import type { DecoderPart } from "../model/decoder/decoder.ts";
import { type Fold, foldsOf } from "../model/decoder/folds.ts";
import { type Layout, tensorsOfLayer } from "../model/decoder/layout.ts";
import type { LoadedPart, Replaced, Source } from "../model/source.ts";
import type { Tokenizer } from "../model/tokenizer/tokenizer.ts";
import { denseWeights } from "./quantize_linear.ts";
import { changed } from "./scaled_input.ts";
import type { Store } from "./store.ts";

/** A source in which the folds that a store has as "scaled", by their numbers, are done. */
export class ScaledSource implements Source {
  readonly #source: Source;
  readonly #store: Store;
  /** All folds of the model, in order. */
  readonly folds: readonly Fold[];
  /** The numbers of those that change a tensor, in order. */
  readonly #changes = new Map<string, number[]>();

  /** @param store what has been found so far, and later what is found meanwhile. */
  constructor(source: Source, store: Store) {
    this.#source = source;
    this.#store = store;
    this.folds = foldsOf(source.layout, source.config);
    for (const [i, { takers, givers }] of this.folds.entries()) {
      for (const { name } of [...takers.map(({ weight }) => weight), ...givers.map(({ place }) => place)]) {
        this.#changes.set(name, [...this.#changes.get(name) ?? [], i]);
      }
    }
  }

  get config(): ModelConfig {
    return this.#source.config;
  }

  get layout(): Layout {
    return this.#source.layout;
  }

  get tokenizer(): Tokenizer {
    return this.#source.tokenizer;
  }

  get backend(): Backend {
    return this.#source.backend;
  }

  has(tensor: string): boolean {
    return this.#source.has(tensor);
  }

  /** Whether a tensor is another than the original's. */
  changes(tensor: string): boolean {
    const found = this.#changes.get(tensor)?.some((i) => this.#store.has("scaled", String(i))) ?? false;
    return found && this.has(tensor);
  }

  /** The tensors that are others than the original's, by name. */
  *changed(): Iterable<[string, Matrix | PackedMatrix]> {
    for (const name of this.#changes.keys()) if (this.changes(name)) yield [name, this.tensor(name)!];
  }

  tensor(name: string): Matrix | PackedMatrix | undefined {
    let tensor = this.#source.tensor(name);
    for (const i of tensor ? this.#changes.get(name) ?? [] : []) {
      const scaled = this.#store.get("scaled", String(i));
      if (scaled) tensor = changed(denseWeights(tensor!, name), { name, fold: this.folds[i]!, scaled });
    }
    return tensor;
  }

  weights(linear: string): Matrix | PackedMatrix {
    return this.tensor(`${linear}.weight`) ?? this.#source.weights(linear);
  }

  rows(tensor: string, rows: readonly number[]): Matrix {
    if (this.changes(tensor)) throw new OptionError(`Cannot read rows of ${tensor}: it is scaled`);
    return this.#source.rows(tensor, rows);
  }

  storedBytes(tensor: string): number {
    return this.#source.storedBytes(tensor);
  }

  part(part: DecoderPart, replaced: Replaced = new Map()): LoadedPart {
    if (typeof part !== "number") return this.#source.part(part, replaced);
    const own = Array.from(tensorsOfLayer(this.layout, part), ({ name }) => name)
      .filter((name) => !replaced.has(name) && this.changes(name));
    return this.#source.part(
      part,
      new Map([...own.map((name) => [name, this.tensor(name)!] as const), ...replaced]),
    );
  }
}
