/**
 * A sample on its way through a model, layer by layer, with one layer at a time on the backend.
 *
 * @module
 */
import type { Tensor } from "../compute/backend.ts";
import type { Abortable } from "../event_loop.ts";
import { freeWorkspace, type Observer, type Workspace } from "../model/decoder/decoder.ts";
import { chunks } from "../model/decoder/session.ts";
import type { LoadedPart, Source } from "../model/source.ts";

/** Tokens that go through a layer at a time. */
interface Chunk {
  /** The position of the first one in its piece of the sample. */
  readonly position: number;
  readonly ids: readonly number[];
}

/** The sequences that go through a model, and what stops them on their way. */
export interface Pieces extends Abortable {
  /** Ids of each, none longer than the model's context. */
  readonly pieces: readonly (readonly number[])[];
}

/** The position of a sample in the model. */
export interface PassState {
  /** The layer that comes next. */
  readonly layer: number;
  /** [tokens, hidden_size] what that layer is given. */
  readonly hidden: Float32Array;
}

/** Is shown the input that some Linears share, as an {@linkcode Observer}, and the number of the piece that it belongs to. */
export type PieceObserver = (
  linears: readonly string[],
  input: Tensor,
  piece: number,
) => ReturnType<Observer>;

/** Options of a pass through a part. */
interface EachOptions {
  readonly observe?: PieceObserver;
  readonly everyExpert?: boolean;
  /** The destination of the part's output, [tokens, hidden_size]. */
  readonly out?: Float32Array;
  readonly logits?: (logits: Float32Array) => void;
  /** The rows of the embedding that a chunk is made of; its ids when absent. */
  readonly rows?: (chunk: Chunk) => number[];
}

/**
 * What a sample has become on its way. A layer sees the same pieces, in the same order, as in
 * {@linkcode Session.forward}, so it computes the same bits.
 */
export class LayerPass {
  /** The pieces of the sample, each a sequence of its own, in the chunks that go through a layer at a time. */
  readonly #pieces: readonly (readonly Chunk[])[];
  readonly #signal?: AbortSignal;
  #state: PassState;

  /** @param from where the sample is. */
  constructor(source: Source, { pieces, signal }: Pieces, from: PassState) {
    this.#signal = signal;
    this.#pieces = pieces.map((piece) =>
      [...chunks(piece, source)].map(({ from: position, chunk: ids }) => ({ position, ids }))
    );
    this.#state = from;
  }

  /** Starts before the first layer, with the tokens' embeddings. */
  static async begin(source: Source, sample: Pieces): Promise<LayerPass> {
    const { pieces } = sample;
    const { config: { hidden_size }, layout: { embedding } } = source;
    const tokens = pieces.reduce((sum, { length }) => sum + length, 0);
    const hidden = new Float32Array(tokens * hidden_size);
    const pass = new LayerPass(source, sample, { layer: 0, hidden });
    // Of a large vocabulary only the rows that the sample has are loaded.
    const ids = [...new Set(pieces.flat())];
    const places = new Map(ids.map((id, i) => [id, i]));
    using part = source.part("embedding", new Map([[embedding.name, source.rows(embedding.name, ids)]]));
    await pass.#each(part, { out: hidden, rows: (chunk) => chunk.ids.map((id) => places.get(id)!) });
    return pass;
  }

  /** The sample's position, as a copy that stays unchanged. */
  get state(): PassState {
    return this.#state;
  }

  /** The layer that comes next. */
  get layer(): number {
    return this.#state.layer;
  }

  /** Shows the next layer's Linears their inputs, and stays before it. */
  async observe(part: LoadedPart, observe: PieceObserver, everyExpert?: boolean): Promise<void> {
    await this.#each(part, { observe, everyExpert });
  }

  /** Goes through the next layer. */
  async advance(part: LoadedPart, observe?: PieceObserver): Promise<void> {
    const { layer, hidden } = this.#state;
    const out = new Float32Array(hidden.length);
    await this.#each(part, { observe, out });
    this.#state = { layer: layer + 1, hidden: out };
  }

  /** Behind the last layer: shows each chunk's logits, [tokens, vocab_size], in order. */
  async logits(part: LoadedPart, show: (logits: Float32Array) => void): Promise<void> {
    await this.#each(part, { logits: show });
  }

  async #each({ decoder }: LoadedPart, options: EachOptions): Promise<void> {
    const { observe, everyExpert, out, rows } = options;
    const { backend, config } = decoder;
    const { hidden_size: cols, num_hidden_layers, num_key_value_heads, head_dim } = config;
    const spaces = new Map<number, Workspace>();
    using open = new DisposableStack();
    open.defer(() => {
      for (const work of spaces.values()) freeWorkspace(backend, work);
    });
    let from = 0;
    for (const [number, piece] of this.#pieces.entries()) {
      const capacity = piece.reduce((sum, { ids }) => sum + ids.length, 0);
      const rotations = decoder.rotations(capacity);
      using room = new DisposableStack();
      const cache = backend.cache({
        layers: num_hidden_layers,
        kvHeads: num_key_value_heads,
        headDim: head_dim,
        capacity,
      });
      room.defer(() => backend.free?.(cache));
      for (const chunk of piece) {
        const { length } = chunk.ids;
        let work = spaces.get(length);
        if (!work) spaces.set(length, work = decoder.workspace(length));
        const [start, end] = [from, from += length * cols];
        if (!rows) backend.write(work.x, this.#state.hidden.subarray(start, end));
        const logits = await decoder.forward(rows?.(chunk) ?? chunk.ids, work, {
          at: { cache, position: chunk.position, rotations },
          logits: options.logits !== undefined,
          observe: observe && ((linears, input) => observe(linears, input, number)),
          everyExpert,
          signal: this.#signal,
        });
        if (logits) options.logits?.(await backend.read(logits));
        out?.set(await backend.read(work.x), start);
      }
    }
  }
}
