/**
 * Continuing many sequences at once.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Batch } from "../model/decoder/batch.ts";
import { assertFinite } from "../model/decoder/sampling.ts";
import type { Session } from "../model/decoder/session.ts";
import { commonLength } from "../model/decoder/token_ids.ts";
import type { Model } from "../model/model.ts";
import { RequestError } from "./request_error.ts";

/** Tokens of a prompt that go through the decoder together, while other sequences wait. */
const PIECE = 64;

/** A sequence that is to be continued. */
export interface Sequence {
  /** The prompt's ids, at least one. */
  readonly ids: readonly number[];
  /** Tokens to add at most; with 0 the last token's logits are not computed. */
  readonly maxTokens: number;
  /** Its place is free within one step after this is aborted. */
  readonly signal: AbortSignal;
  /** Is given the logits of some tokens of the prompt, the first of which is number `from`; the last token's are not among them. */
  readonly score?: (from: number, logits: Float32Array) => void;
  /** Is told how many of the prompt's tokens were known. */
  readonly known?: (tokens: number) => void;
  /** Takes the logits of the next token and chooses it; undefined ends the sequence. */
  next(logits: Float32Array): number | undefined;
}

/** How much an engine does at once. */
export interface EngineOptions {
  /** Sequences that are continued at a time; 8 when absent. */
  readonly parallel?: number;
  /** Sequences that wait for a place at most; 256 when absent. */
  readonly queue?: number;
  /** Tokens of a sequence at most; the model's context, but no more than 4096, when absent. */
  readonly context?: number;
}

interface Waiting {
  readonly sequence: Sequence;
  readonly done: PromiseWithResolvers<void>;
}

/** A place for a sequence, and what its cache still has of the last one. */
interface Slot {
  session?: Session;
  /** The prompt's tokens whose keys and values are in the cache, as it was read: those of answers have other bits. */
  cached: number[];
  running?: Waiting & { generated: number };
  /** The token that goes through the decoder next, once the prompt before it has. */
  token?: number;
  /** When it was last used, in sequences. */
  used: number;
}

/**
 * Continues sequences of one model: all that have come behind their prompts share each step, in which one more piece of one prompt
 * is read. Sequences join and leave at any step, and each has the same bits whatever the others are, whichever place it has, and
 * whether the beginning of its prompt was known.
 */
export class Engine implements Disposable {
  /** Its model. */
  readonly model: Model;
  /** Tokens of a sequence at most. */
  readonly context: number;
  /** Sequences that wait at most. */
  readonly queue: number;
  readonly #batch: Batch;
  readonly #slots: Slot[];
  readonly #waiting: Waiting[] = [];
  #loop: Promise<void> | undefined;
  #used = 0;
  #turn = 0;
  #disposed = false;
  /** Steps so far, sequences in all of them together, and tokens of prompts that were known. */
  readonly counts = { steps: 0, stepped: 0, cached: 0 };

  /** Makes an engine that holds nothing until the first sequence comes. */
  constructor(model: Model, options: EngineOptions = {}) {
    const { max_position_embeddings: longest } = model.config;
    this.model = model;
    this.context = Math.min(options.context ?? 4096, longest);
    this.queue = options.queue ?? 256;
    this.#batch = model.batch();
    this.#slots = Array.from({ length: options.parallel ?? 8 }, () => ({ cached: [], used: 0 }));
  }

  /** Sequences under way, and those that wait. */
  get load(): { running: number; waiting: number } {
    return { running: this.#slots.filter(({ running }) => running).length, waiting: this.#waiting.length };
  }

  /**
   * Makes sure that some sequences find room to wait.
   *
   * @throws {RequestError} 429 when they do not; 400 when there never is so much room.
   */
  assertRoom(sequences: number): void {
    const { queue } = this;
    const places = queue + this.#slots.length;
    if (sequences > places) {
      throw new RequestError(`Cannot continue ${sequences} sequences at once: there is room for ${places}`, {
        status: 400,
        code: "too_many_sequences",
      });
    }
    const { running, waiting } = this.load;
    if (running + waiting + sequences <= places) return;
    throw new RequestError(`Cannot take more requests: ${waiting} sequences wait, at most ${queue} may`, {
      status: 429,
      code: "queue_full",
      retryAfter: 1,
    });
  }

  /**
   * Continues a sequence to its end.
   *
   * @throws the signal's reason once it is aborted.
   */
  run(sequence: Sequence): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ sequence, done });
    this.#loop ??= this.#work();
    return done.promise;
  }

  async #work(): Promise<void> {
    try {
      // Not before `run` knows that this runs.
      await Promise.resolve();
      while (!this.#disposed) {
        this.#admit();
        const busy = this.#slots.filter((slot) => slot.running);
        if (busy.length === 0) break;
        await this.#read(busy);
        await this.#step(busy);
        // Requests, answers and aborts have their turn after each step.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    } finally {
      this.#loop = undefined;
    }
  }

  /** Ends what was aborted, and gives free places to those that have waited longest. */
  #admit(): void {
    for (const slot of this.#slots) {
      if (slot.running?.sequence.signal.aborted) this.#leave(slot, slot.running.sequence.signal.reason);
    }
    for (let at = 0; at < this.#waiting.length;) {
      const { sequence: { signal }, done } = this.#waiting[at]!;
      if (signal.aborted) {
        this.#waiting.splice(at, 1);
        done.reject(signal.reason);
      } else at++;
    }
    while (this.#waiting.length > 0) {
      const free = this.#slots.filter((slot) => !slot.running);
      if (free.length === 0) return;
      this.#enter(this.#waiting.shift()!, free);
    }
  }

  /** Takes the place whose cache knows most of the prompt, else the one that was unused for longest. */
  #enter(waiting: Waiting, free: Slot[]): void {
    const { sequence } = waiting;
    const known = (slot: Slot) => sequence.score ? 0 : this.#known(slot.cached, sequence.ids);
    const slot = free.reduce((best, slot) => {
      const more = known(slot) - known(best);
      return more > 0 || (more === 0 && slot.used < best.used) ? slot : best;
    });
    const tokens = known(slot);
    slot.session ??= this.model.session(this.context);
    slot.session.position = tokens;
    slot.cached.length = tokens;
    slot.used = ++this.#used;
    slot.running = { ...waiting, generated: 0 };
    slot.token = undefined;
    this.counts.cached += tokens;
    sequence.known?.(tokens);
  }

  /** Tokens at the beginning of a prompt that a cache knows, never the last. */
  #known(cached: readonly number[], ids: readonly number[]): number {
    const same = commonLength(ids, cached, { most: ids.length - 1 });
    // Where bits depend on how a prompt is cut, it is cut at the same places again.
    return this.model.backend.rows ? same : same - same % PIECE;
  }

  /** Frees a place; what its cache has of the prompt stays. */
  #leave(slot: Slot, error?: unknown): void {
    const { done } = slot.running!;
    slot.running = undefined;
    if (error === undefined) done.resolve();
    else done.reject(error);
  }

  /** Reads one more piece of one of the prompts, each in its turn. */
  async #read(busy: readonly Slot[]): Promise<void> {
    const reading = busy.filter((slot) => slot.token === undefined);
    const slot = reading[this.#turn++ % reading.length];
    if (!slot) return;
    const { sequence } = slot.running!;
    const session = slot.session!;
    const last = sequence.ids.length - 1;
    const from = session.position;
    const piece = sequence.ids.slice(from, Math.min(from + PIECE, last));
    try {
      if (piece.length > 0) {
        const logits = await session.forward(piece, { logits: sequence.score ? "all" : "none" });
        slot.cached.push(...piece);
        sequence.score?.(from, logits);
      }
      if (session.position < last) return;
      if (sequence.maxTokens === 0) this.#leave(slot);
      else slot.token = sequence.ids[last]!;
    } catch (error) {
      this.#leave(slot, error);
    }
  }

  /** Continues all whose prompt has been read by a token. */
  async #step(busy: readonly Slot[]): Promise<void> {
    const ready = busy.filter((slot) => slot.running && slot.token !== undefined);
    if (ready.length === 0) return;
    try {
      const logits = await this.#batch.step(
        ready.map((slot) => slot.session!),
        ready.map((slot) => slot.token!),
      );
      this.counts.steps++;
      this.counts.stepped += ready.length;
      for (const [i, slot] of ready.entries()) this.#choose(slot, logits[i]!);
    } catch (error) {
      for (const slot of ready) if (slot.running) this.#leave(slot, error);
    }
  }

  #choose(slot: Slot, logits: Float32Array): void {
    const { sequence } = slot.running!;
    try {
      assertFinite(logits);
      slot.token = sequence.next(logits);
      if (slot.token === undefined || ++slot.running!.generated === sequence.maxTokens) this.#leave(slot);
    } catch (error) {
      this.#leave(slot, error);
    }
  }

  /** Ends all sequences and frees what they hold; the model stays. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    const error = new RequestError("Cannot continue: the server has ended", { status: 503, retryAfter: 1 });
    for (const { done } of this.#waiting.splice(0)) done.reject(error);
    for (const slot of this.#slots) {
      if (slot.running) this.#leave(slot, error);
      slot.session?.[Symbol.dispose]();
    }
    this.#batch[Symbol.dispose]();
  }
}
