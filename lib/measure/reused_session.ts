/**
 * Continuing many texts that begin alike.
 *
 * @module
 */
import type { Abortable } from "../event_loop.ts";
import type { Session } from "../model/decoder/session.ts";
import { continueIds } from "../model/generate.ts";
import { commonLength } from "../model/decoder/token_ids.ts";
import type { Model } from "../model/model.ts";

/** A sequence that keeps what a text has in common with the one before: the examples of a task. */
export class ReusedSession implements Disposable {
  readonly #model: Model;
  #session: Session | undefined;
  #held: number[] = [];

  constructor(model: Model) {
    this.#model = model;
  }

  /** Goes back to what `ids` have in common with the ids before, at most `most`, in a session with room for `length`. */
  #resume(ids: readonly number[], { most, length }: { most: number; length: number }): Session {
    let session = this.#session;
    const { max_position_embeddings: longest, rope_parameters: rope } = this.#model.config;
    // How heads turn depends on a sequence's room with these: each has its own, as when it is generated alone.
    const exact = rope?.rope_type === "dynamic" || rope?.rope_type === "longrope";
    if (!session || session.capacity < length || (exact && session.capacity !== length)) {
      this[Symbol.dispose]();
      // Growing by doubling, as most of a task's texts are alike long.
      const room = exact ? length : Math.max(256, 2 * length);
      session = this.#session = this.#model.session(Math.min(longest, room));
      this.#held = [];
    }
    session.position = commonLength(ids, this.#held, { most });
    this.#held = [...ids];
    return session;
  }

  /** The likeliest continuation of a prompt's ids, up to one of the texts that end it. */
  async continue(
    ids: readonly number[],
    options: Abortable & { until: readonly string[]; maxTokens: number },
  ): Promise<string> {
    const session = this.#resume(ids, { most: ids.length - 1, length: ids.length + options.maxTokens });
    const { position: known } = session;
    let text = "";
    const { until, maxTokens, signal } = options;
    const pieces = continueIds(this.#model, [...ids], {
      session,
      known,
      maxTokens,
      signal,
      stop: [...until],
    });
    for await (const piece of pieces) text += piece.text;
    return text;
  }

  [Symbol.dispose](): void {
    this.#session?.[Symbol.dispose]();
    this.#session = undefined;
  }
}
