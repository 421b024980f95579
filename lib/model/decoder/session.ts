/**
 * A sequence that a decoder continues.
 *
 * @module
 */
import { inspect } from "../../display.ts";
import type { KvCache, Largest, RowsAs, Tensor, TokenIds, TokenPlace } from "../../compute/backend.ts";
import { BusyError, DisposedError, OptionError, TensorError } from "../../errors.ts";
import type { Abortable } from "../../event_loop.ts";
import { allFinite } from "../../matrix/finite.ts";
import {
  type Decoder,
  freeWorkspace,
  type Observer,
  type Rotations,
  type SequencePlace,
  type Workspace,
} from "./decoder.ts";
import { largest } from "./sampling.ts";
import { checkTokenIds } from "./token_ids.ts";

/** Which tokens' logits a forward pass computes. */
export type Logits = "all" | "last" | "none";

/** Tokens that go through the decoder at a time; longer inputs are cut, which changes nothing but memory. */
const CHUNK_TOKENS = 256;

/** A sequence in the pieces that go through a decoder at a time. */
export function* chunks(
  tokens: ArrayLike<number>,
  { backend, config }: Pick<Decoder, "backend" | "config">,
): Iterable<{ from: number; chunk: number[] }> {
  const most = Math.max(1, Math.floor((backend.mostBytes ?? Infinity) / (4 * config.vocab_size)));
  const size = Math.min(CHUNK_TOKENS, most);
  for (let from = 0; from < tokens.length; from += size) {
    yield { from, chunk: Array.prototype.slice.call(tokens, from, from + size) as number[] };
  }
}

/** Token ids that are chosen where the model runs before they are read. */
const AHEAD_TOKENS = 64;

/** How a sequence is continued. */
export interface ContinueOptions extends Abortable {
  /** Is shown what Linears are multiplied with. */
  readonly observe?: Observer;
  /** Show it each expert's input as if all tokens went to it, which changes no logits. */
  readonly everyExpert?: boolean;
}

/**
 * One sequence in progress: its KV cache and position. It is continued by one call at a time. Disposing of it frees what it
 * holds on the backend; a call that is under way then ends with an error.
 */
export class Session implements Disposable {
  /** Tokens that fit. */
  readonly capacity: number;
  readonly #decoder: Decoder;
  readonly #cache: KvCache;
  readonly #rotations: Rotations;
  readonly #work = new Map<number, Workspace>();
  #ids: TokenIds | undefined;
  #position = 0;
  #busy = false;
  #disposed = false;

  /**
   * Starts an empty sequence.
   *
   * @param capacity tokens that it may have in all.
   * @throws {OptionError} when that is not a whole number of at least 0.
   */
  constructor(decoder: Decoder, capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 0) {
      throw new OptionError(
        `Cannot start a sequence: its capacity must be a whole number of at least 0, current value is ${capacity}`,
      );
    }
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

  /** Tokens seen so far. Set it to go back: what came behind is forgotten. */
  get position(): number {
    return this.#position;
  }

  /**
   * @throws {OptionError} when there are not so many tokens.
   * @throws {DisposedError} when the sequence has been disposed of.
   * @throws {BusyError} when a call is continuing it.
   */
  set position(position: number) {
    this.#assertFree();
    if (!Number.isSafeInteger(position) || position < 0 || position > this.#position) {
      throw new OptionError(
        `Cannot go back to position ${position}: expected a whole number of 0 to ${this.#position}`,
      );
    }
    this.#position = position;
  }

  /**
   * Continues the sequence by some tokens.
   *
   * @param tokens ids of the new tokens.
   * @returns the logits: [tokens, vocab_size] for "all", [vocab_size] for "last", empty for "none".
   * @throws {OptionError} when the sequence would outgrow its capacity, or an id is none of the vocabulary's.
   * @throws {TensorError} when logits are not finite, naming where the first such number is.
   * @throws {DisposedError} when the sequence, its model or its backend has been disposed of.
   * @throws {BusyError} when another call is continuing it.
   */
  forward(
    tokens: ArrayLike<number>,
    options: ContinueOptions & { logits?: Logits } = {},
  ): Promise<Float32Array> {
    const { logits = "last", ...pass } = options;
    return this.#alone(async () => {
      const { backend, config } = this.#decoder;
      if (logits === "last") {
        const last = await this.#last(tokens, pass);
        return last ? await this.#finite(await backend.read(last), tokens) : new Float32Array(0);
      }
      this.#checkTokens(tokens);
      let out: Float32Array | undefined;
      for (const { from, chunk } of chunks(tokens, this.#decoder)) {
        const part = await this.#run(chunk, { ...pass, logits: logits === "all" });
        if (!part) continue;
        const values = await this.#finite(await backend.read(part), chunk);
        // What comes in one piece is not copied.
        if (chunk.length === tokens.length) return values;
        out ??= new Float32Array(tokens.length * config.vocab_size);
        out.set(values, from * config.vocab_size);
      }
      return out ?? new Float32Array(0);
    });
  }

  /**
   * Continues the sequence by some tokens, as {@linkcode Session.forward}, and finds the likeliest next tokens.
   *
   * @param count how many.
   * @returns their ids and logits, the likeliest first.
   * @throws as {@linkcode Session.forward} does.
   */
  likeliest(tokens: ArrayLike<number>, count: number, options: Abortable = {}): Promise<Largest> {
    return this.#alone(() => this.#likeliest(tokens, count, options));
  }

  async #likeliest(tokens: ArrayLike<number>, count: number, options: Abortable): Promise<Largest> {
    const { backend } = this.#decoder;
    const last = await this.#last(tokens, options);
    if (!last) throw new OptionError("Cannot continue by no tokens");
    const few = count <= Math.min(AHEAD_TOKENS, this.#decoder.config.vocab_size);
    if (!few || !backend.largest) return largest(await this.#finite(await backend.read(last), tokens), count);
    const found = await backend.largest(last, count);
    await this.#finite(found.values, tokens);
    return found;
  }

  /**
   * Continues the sequence by some tokens and then by the likeliest next ones. Where the backend can choose them itself,
   * all of them take one reading.
   *
   * @param count how many next tokens are wanted; the last of them is not part of the sequence yet.
   * @returns their ids: fewer than wanted where the backend cannot choose, or there is no room for more.
   * @throws as {@linkcode Session.forward} does.
   */
  greedy(tokens: ArrayLike<number>, count: number, options: Abortable = {}): Promise<number[]> {
    return this.#alone(() => this.#greedy(tokens, count, options));
  }

  async #greedy(tokens: ArrayLike<number>, count: number, options: Abortable): Promise<number[]> {
    const { backend } = this.#decoder;
    const { argmax, readIds, tokenIds } = backend;
    if (!argmax || !readIds || !tokenIds) return [...(await this.#likeliest(tokens, 1, options)).ids];
    const room = this.capacity - this.position - tokens.length + 1;
    const ids = this.#ids ??= tokenIds.call(backend, AHEAD_TOKENS);
    const many = Math.max(1, Math.min(count, room, AHEAD_TOKENS));
    for (let at = 0; at < many; at++) {
      const logits = at === 0
        ? await this.#last(tokens, options)
        : await this.#run({ ids, at: at - 1 }, { ...options, as: "one", logits: true });
      if (!logits) throw new OptionError("Cannot continue by no tokens");
      // The first logits of a sequence are looked at; each step's would take a reading of its own.
      if (this.position === tokens.length && backend.largest) {
        await this.#finite((await backend.largest(logits, 1)).values, tokens);
      }
      argmax.call(backend, { ids, at }, logits);
    }
    return await readIds.call(backend, ids, many);
  }

  /** The logits of the last token: it goes alone, so that no others are computed. */
  async #last(tokens: ArrayLike<number>, options: ContinueOptions): Promise<Tensor | undefined> {
    this.#checkTokens(tokens);
    const before = Array.prototype.slice.call(tokens, 0, -1) as number[];
    for (const { chunk } of chunks(before, this.#decoder)) {
      await this.#run(chunk, { ...options, logits: false });
    }
    if (tokens.length === 0) return undefined;
    return await this.#run([tokens[tokens.length - 1]!], { ...options, as: "one", logits: true });
  }

  #checkTokens(tokens: ArrayLike<number>): void {
    const { length } = tokens;
    const { vocab_size: vocab } = this.#decoder.config;
    if (this.position + length > this.capacity) {
      throw new OptionError(
        `Cannot continue by ${length} tokens: ${this.position} of ${this.capacity} are used`,
      );
    }
    checkTokenIds(tokens, { size: vocab, purpose: "continue by" });
  }

  /** Logits, or some of them, after `tokens`: themselves where they are finite. */
  async #finite(logits: Float32Array, tokens: ArrayLike<number>): Promise<Float32Array> {
    if (allFinite(logits)) return logits;
    throw new TensorError(`Cannot continue: logits are not finite; ${await this.#firstNotFinite(tokens)}`);
  }

  /** Runs the tokens that were last again, and says where the first number is that is none. */
  async #firstNotFinite(tokens: ArrayLike<number>): Promise<string> {
    const { backend } = this.#decoder;
    const again = Array.prototype.slice.call(tokens, -CHUNK_TOKENS) as number[];
    this.#position -= again.length;
    let found: string | undefined;
    await this.#run(again, {
      logits: false,
      async observe(linears, input) {
        const bad = (await backend.read(input)).find((value) => !Number.isFinite(value));
        if (bad === undefined) return;
        found = `the input of ${linears.join(", ")} has ${bad}`;
        return "stop";
      },
    });
    return found ?? "what goes into each layer's Linears is";
  }

  /**
   * Continues several sequences of one model by a token each, in one pass: their Linears share products, and each sequence has
   * the bits that it has when it is continued alone.
   *
   * @param tokens the new token of each.
   * @param options.work a workspace for exactly as many tokens.
   * @returns the logits, [sequences, vocab_size]: they are not looked at, as {@linkcode Session.forward} looks at them.
   * @throws as {@linkcode Session.forward} does otherwise; all sequences stay where they were.
   * @internal
   */
  static async together(
    sessions: readonly Session[],
    tokens: readonly number[],
    { work }: { work: Workspace },
  ): Promise<Float32Array> {
    for (const [i, session] of sessions.entries()) {
      session.#assertFree();
      session.#checkTokens([tokens[i]!]);
    }
    const [first] = sessions;
    const all = sessions.reduceRight<() => Promise<Float32Array>>(
      (inner, session) => () => session.#alone(inner),
      async () => {
        const decoder = first!.#decoder;
        const at = sessions.map((session) => ({ ...session.#place, tokens: 1 }));
        const logits = await decoder.forward(tokens, work, { at, as: "one", logits: true });
        const values = await decoder.backend.read(logits!);
        for (const session of sessions) session.#position++;
        return values;
      },
    );
    return await all();
  }

  /** Lets work on the sequence run, alone, and frees what it holds if it has been disposed of meanwhile. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    this.#assertFree();
    this.#busy = true;
    try {
      const result = await work();
      this.#assertHeld();
      return result;
    } finally {
      this.#busy = false;
      if (this.#disposed) this.#free();
    }
  }

  #assertFree(): void {
    this.#assertHeld();
    if (this.#busy) throw new BusyError("Cannot continue the sequence: another call is continuing it");
  }

  #assertHeld(): void {
    if (this.#disposed) {
      throw new DisposedError("Cannot continue the sequence: it has been disposed of");
    }
  }

  async #run(
    chunk: number[] | TokenPlace,
    // Wherever a prompt is cut, its tokens have the same bits: as of many.
    { as = "many", ...options }: ContinueOptions & { logits: boolean; as?: RowsAs },
  ): Promise<Tensor | undefined> {
    this.#assertHeld();
    const length = "ids" in chunk ? 1 : chunk.length;
    let work = this.#work.get(length);
    if (!work) {
      // Two sizes are kept: the prefill's, used once or again and again, and the single token's.
      if (this.#work.size > 2) this.#forgetWork();
      this.#work.set(length, work = this.#decoder.workspace(length));
    }
    const logits = await this.#decoder.forward(chunk, work, { at: this.#place, as, ...options });
    this.#position += length;
    return logits;
  }

  get #place(): SequencePlace {
    return { cache: this.#cache, position: this.#position, rotations: this.#rotations };
  }

  #forgetWork(): void {
    for (const work of this.#work.values()) freeWorkspace(this.#decoder.backend, work);
    this.#work.clear();
  }

  #free(): void {
    this.#forgetWork();
    this.#decoder.backend.free?.(this.#cache);
  }

  /** Frees what the sequence holds, at the end of the call that is continuing it; it cannot be continued. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (!this.#busy) this.#free();
  }

  /** What `console.log` writes of it. */
  [inspect](): string {
    return `Session: ${this.position} of ${this.capacity} tokens`;
  }
}
