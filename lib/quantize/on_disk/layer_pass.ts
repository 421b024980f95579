/**
 * A sample on its way through a model, layer by layer, with one layer in memory.
 *
 * @module
 */
import type { Tensor } from "../../compute/backend.ts";
import type { Observer, Workspace } from "../../model/decoder/decoder.ts";
import type { LoadedPart, ModelOnDisk } from "./model_on_disk.ts";
import { chunks } from "../../model/decoder/session.ts";

/** Tokens that go through a layer at a time. */
interface Chunk {
  /** Where they start in their piece of the sample. */
  readonly position: number;
  readonly ids: readonly number[];
}

/** Where a sample is on its way. */
export interface PassState {
  /** The layer that comes next. */
  readonly layer: number;
  /** [tokens, hidden_size] what that layer is given. */
  readonly hidden: Float32Array;
}

/**
 * What a sample has become on its way. A layer sees the same pieces, in the same order, as in
 * {@linkcode Session.forward}, so whatever it computes is the same bit for bit.
 */
export class LayerPass implements Disposable {
  readonly #model: ModelOnDisk;
  /** The pieces of the sample, each a sequence of its own, in the chunks that go through a layer at a time. */
  readonly #pieces: readonly (readonly Chunk[])[];
  readonly #work = new Map<number, Workspace>();
  /** The layer that comes next. */
  layer = 0;
  /** [tokens, hidden_size] what that layer is given. */
  hidden: Float32Array;

  /**
   * Starts at the embedding, or goes on where another pass was.
   *
   * @param pieces ids of sequences, none longer than the model's context.
   */
  constructor(
    model: ModelOnDisk,
    pieces: readonly (readonly number[])[],
    from?: PassState,
  ) {
    this.#model = model;
    const { backend, checkpoint: { config } } = model;
    this.#pieces = pieces.map((piece) =>
      [...chunks(piece, { backend, config })].map(({ from: position, chunk: ids }) => ({ position, ids }))
    );
    const tokens = pieces.reduce((sum, { length }) => sum + length, 0);
    this.layer = from?.layer ?? 0;
    this.hidden = from?.hidden ?? new Float32Array(tokens * config.hidden_size);
  }

  /** Turns the tokens into what the first layer is given. */
  async embed(): Promise<void> {
    const ids = [...new Set(this.#pieces.flat().flatMap((chunk) => chunk.ids))];
    const places = new Map(ids.map((id, i) => [id, i]));
    using part = this.#model.part("embedding", { ids });
    await this.#each(part, {
      keep: true,
      tokens: (chunk) => chunk.ids.map((id) => places.get(id)!),
    });
  }

  /** Shows the next layer's Linears their inputs, and stays before it. */
  async observe(part: LoadedPart, observe: Observer, everyExpert?: boolean): Promise<void> {
    await this.#each(part, { observe, everyExpert });
  }

  /** Goes through the next layer. */
  async advance(part: LoadedPart, observe?: Observer): Promise<void> {
    await this.#each(part, { observe, keep: true });
    this.layer++;
  }

  /** Behind the last layer: shows each chunk's logits, [tokens, vocab_size], in order. */
  async logits(part: LoadedPart, show: (logits: Float32Array) => void): Promise<void> {
    await this.#each(part, { logits: show });
  }

  async #each(
    { decoder }: LoadedPart,
    options: {
      observe?: Observer;
      everyExpert?: boolean;
      keep?: boolean;
      logits?: (logits: Float32Array) => void;
      tokens?: (chunk: Chunk) => number[];
    },
  ): Promise<void> {
    const { observe, everyExpert, keep } = options;
    const { backend, config } = decoder;
    const { hidden_size: cols, num_hidden_layers, num_key_value_heads, head_dim } = config;
    let from = 0;
    for (const piece of this.#pieces) {
      const capacity = piece.reduce((sum, { ids }) => sum + ids.length, 0);
      const rotations = decoder.rotations(capacity);
      const cache = backend.cache({
        layers: num_hidden_layers,
        kvHeads: num_key_value_heads,
        headDim: head_dim,
        capacity,
      });
      for (const chunk of piece) {
        const { length } = chunk.ids;
        let work = this.#work.get(length);
        if (!work) this.#work.set(length, work = decoder.workspace(length));
        const hidden = this.hidden.subarray(from, from += length * cols);
        if (!options.tokens) backend.write(work.x, hidden);
        const tokens = options.tokens?.(chunk) ?? chunk.ids;
        const logits = await decoder.forward(tokens, work, {
          cache,
          position: chunk.position,
          rotations,
          logits: options.logits !== undefined,
          observe,
          everyExpert,
        });
        if (logits) options.logits?.(await backend.read(logits));
        if (keep) hidden.set(await backend.read(work.x));
      }
      backend.free?.(cache);
    }
  }

  /** Gives back what it holds on the backend. */
  [Symbol.dispose](): void {
    for (const work of this.#work.values()) {
      for (const tensor of Object.values(work) as (Tensor | undefined)[]) {
        if (tensor) this.#model.backend.free?.(tensor);
      }
    }
    this.#work.clear();
  }
}
