/**
 * A sequence that a decoder continues.
 *
 * @module
 */
import type { KvCache, Largest, Tensor, TokenIds, TokenPlace } from "../../compute/backend.ts";
import { OptionError } from "../../errors.ts";
import type { Decoder, Observer, Rotations, Workspace } from "./decoder.ts";
import { largest } from "./sampling.ts";
import { checkTokenIds } from "../token_ids.ts";

/** Which tokens' logits a forward pass computes. */
export type Logits = "all" | "last" | "none";

/** Tokens that go through the decoder at a time; longer inputs are cut, which changes nothing but memory. */
const CHUNK = 256;

/** A sequence in the pieces that go through a decoder at a time. */
export function* chunks(
  tokens: ArrayLike<number>,
  { backend, config }: Pick<Decoder, "backend" | "config">,
): Iterable<{ from: number; chunk: number[] }> {
  const most = Math.max(1, Math.floor((backend.mostBytes ?? Infinity) / (4 * config.vocab_size)));
  const size = Math.min(CHUNK, most);
  for (let from = 0; from < tokens.length; from += size) {
    yield { from, chunk: Array.prototype.slice.call(tokens, from, from + size) as number[] };
  }
}

/** Token ids that are chosen where the model runs before they are read. */
const AHEAD = 64;

/** How a pass goes on. */
interface RunOptions {
  readonly logits: boolean;
  readonly observe?: Observer;
  readonly everyExpert?: boolean;
}

/** One sequence in progress: its KV cache and position. Disposing of it gives back what it holds on the backend. */
export class Session implements Disposable {
  /** Tokens seen so far. */
  position = 0;
  /** Tokens that fit. */
  readonly capacity: number;
  readonly #decoder: Decoder;
  readonly #cache: KvCache;
  readonly #rotations: Rotations;
  readonly #work = new Map<number, Workspace>();
  #ids: TokenIds | undefined;

  /**
   * Starts an empty sequence.
   *
   * @param capacity tokens that it may have in all.
   */
  constructor(decoder: Decoder, capacity: number) {
    const { num_hidden_layers, num_key_value_heads, head_dim } = decoder.config;
    this.#decoder = decoder;
    this.capacity = capacity;
    this.#rotations = decoder.rotations(capacity);
    this.#cache = decoder.backend.cache({
      layers: num_hidden_layers,
      kvHeads: num_key_value_heads,
      headDim: head_dim,
      capacity,
    });
  }

  /**
   * Continues the sequence by some tokens.
   *
   * @param tokens ids of the new tokens.
   * @param options.observe is shown what Linears are multiplied with; with `everyExpert`, each expert's as if all tokens went
   * to it, which changes no logits.
   * @returns the logits: [tokens, vocab_size] for "all", [vocab_size] for "last", empty for "none".
   * @throws {OptionError} when an id is none, or the sequence would outgrow its capacity.
   */
  async forward(
    tokens: ArrayLike<number>,
    options: { logits?: Logits; observe?: Observer; everyExpert?: boolean } = {},
  ): Promise<Float32Array> {
    const { backend } = this.#decoder;
    const logits = options.logits ?? "last";
    if (logits === "last") {
      const last = await this.#last(tokens, options.observe);
      return last ? await backend.read(last) : new Float32Array(0);
    }
    this.#check(tokens);
    const vocab = this.#decoder.config.vocab_size;
    const out = new Float32Array(logits === "all" ? tokens.length * vocab : 0);
    for (const { from, chunk } of chunks(tokens, this.#decoder)) {
      const part = await this.#run(chunk, { ...options, logits: logits === "all" });
      if (part) out.set(await backend.read(part), from * vocab);
    }
    return out;
  }

  /**
   * Continues the sequence by some tokens, as {@linkcode Session.forward}, and finds the likeliest next tokens.
   *
   * @param count how many.
   * @returns their ids and logits, the likeliest first.
   */
  async likeliest(tokens: ArrayLike<number>, count: number): Promise<Largest> {
    const { backend } = this.#decoder;
    const last = await this.#last(tokens);
    if (!last) throw new OptionError("Cannot continue by no tokens");
    const few = count <= Math.min(AHEAD, this.#decoder.config.vocab_size);
    return few && backend.largest
      ? await backend.largest(last, count)
      : largest(await backend.read(last), count);
  }

  /**
   * Continues the sequence by some tokens and then by the likeliest next ones. Where the backend can choose them itself,
   * all of them take one reading.
   *
   * @param count how many next tokens are wanted; the last of them is not part of the sequence yet.
   * @returns their ids: fewer than wanted where the backend cannot choose, or there is no room for more.
   */
  async greedy(tokens: ArrayLike<number>, count: number): Promise<number[]> {
    const { backend } = this.#decoder;
    const { argmax, readIds, tokenIds } = backend;
    if (!argmax || !readIds || !tokenIds) return [...(await this.likeliest(tokens, 1)).ids];
    const room = this.capacity - this.position - tokens.length + 1;
    const ids = this.#ids ??= tokenIds.call(backend, AHEAD);
    const many = Math.max(1, Math.min(count, room, AHEAD));
    for (let at = 0; at < many; at++) {
      const logits = at === 0
        ? await this.#last(tokens)
        : await this.#run({ ids, at: at - 1 }, { logits: true });
      if (!logits) throw new OptionError("Cannot continue by no tokens");
      argmax.call(backend, { ids, at }, logits);
    }
    return await readIds.call(backend, ids, many);
  }

  /** The logits of the last token: it goes alone, so that no others are computed. */
  async #last(tokens: ArrayLike<number>, observe?: Observer): Promise<Tensor | undefined> {
    this.#check(tokens);
    const before = Array.prototype.slice.call(tokens, 0, -1) as number[];
    for (const { chunk } of chunks(before, this.#decoder)) await this.#run(chunk, { logits: false, observe });
    if (tokens.length === 0) return undefined;
    return await this.#run([tokens[tokens.length - 1]!], { logits: true, observe });
  }

  #check(tokens: ArrayLike<number>): void {
    checkTokenIds(tokens, this.#decoder.config.vocab_size);
    if (this.position + tokens.length > this.capacity) {
      throw new OptionError(
        `Cannot continue by ${tokens.length} tokens: ${this.position} of ${this.capacity} are used`,
      );
    }
  }

  async #run(chunk: number[] | TokenPlace, options: RunOptions): Promise<Tensor | undefined> {
    const length = "ids" in chunk ? 1 : chunk.length;
    let work = this.#work.get(length);
    if (!work) {
      // Two sizes are kept: the prefill's, used once or again and again, and the single token's.
      if (this.#work.size > 2) this.#forgetWork();
      this.#work.set(length, work = this.#decoder.workspace(length));
    }
    const place = { cache: this.#cache, position: this.position, rotations: this.#rotations };
    const logits = await this.#decoder.forward(chunk, work, { ...place, ...options });
    this.position += length;
    return logits;
  }

  #forgetWork(): void {
    const { backend } = this.#decoder;
    for (const work of this.#work.values()) {
      for (const tensor of Object.values(work) as (Tensor | undefined)[]) {
        if (tensor) backend.free?.(tensor);
      }
    }
    this.#work.clear();
  }

  /** Gives back what the sequence holds; it cannot be continued. */
  [Symbol.dispose](): void {
    this.#forgetWork();
    this.#decoder.backend.free?.(this.#cache);
  }
}
