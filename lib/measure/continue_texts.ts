/**
 * Continuing many texts, several at a time.
 *
 * @module
 */
import { type Abortable, pause } from "../event_loop.ts";
import { argmax, assertFinite } from "../model/decoder/sampling.ts";
import type { Session } from "../model/decoder/session.ts";
import { commonLength } from "../model/decoder/token_ids.ts";
import { continueIds, StoppedText } from "../model/generate.ts";
import type { Model } from "../model/model.ts";

/** How texts are continued. */
export interface ContinueTexts extends Abortable {
  /** Texts that end a continuation. */
  until: readonly string[];
  /** Tokens of a continuation at most. */
  maxTokens: number;
  /** Texts that are continued at a time; 8 when absent. */
  parallel?: number;
  /** Is called with the number of texts that are done. */
  onDone?: (done: number) => void;
}

/** A place for a text, whose sequence keeps what the next one has in common with it: the examples of a task. */
class Place implements Disposable {
  readonly #model: Model;
  #session: Session | undefined;
  #held: number[] = [];
  /** The text that is being continued. */
  text?: { readonly index: number; readonly stopped: StoppedText; token: number };

  constructor(model: Model) {
    this.#model = model;
  }

  /** Goes back to what `ids` have in common with the ids before, without their last, with room for `length`. */
  resume(ids: readonly number[], length: number): Session {
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
    session.position = commonLength(ids, this.#held, { most: ids.length - 1 });
    this.#held = [...ids];
    return session;
  }

  /** The sequence of the text. */
  get session(): Session {
    return this.#session!;
  }

  [Symbol.dispose](): void {
    this.#session?.[Symbol.dispose]();
    this.#session = undefined;
  }
}

/**
 * The likeliest continuations of prompts' ids, each up to one of the texts that end it. Where the backend has `rows`, several
 * share each step; no bit depends on how many.
 */
export async function continueTexts(
  model: Model,
  prompts: readonly (readonly number[])[],
  { until, maxTokens, signal, parallel = 8, onDone }: ContinueTexts,
): Promise<string[]> {
  using open = new DisposableStack();
  const batch = open.use(model.batch());
  const together = model.backend.rows ? Math.min(parallel, prompts.length) : 1;
  const places = Array.from({ length: together }, () => open.use(new Place(model)));
  const texts = prompts.map(() => "");
  let [next, done] = [0, 0];
  if (!model.backend.rows) {
    for (const [index, ids] of prompts.entries()) {
      const session = places[0]!.resume(ids, ids.length + maxTokens);
      const options = { session, known: session.position, maxTokens, signal, stop: [...until] };
      for await (const { text } of continueIds(model, [...ids], options)) texts[index] += text;
      done++;
      onDone?.(done);
    }
    return texts;
  }
  while (done < prompts.length) {
    for (const place of places) {
      if (place.text || next === prompts.length) continue;
      const [index, ids] = [next, prompts[next]!];
      next++;
      const session = place.resume(ids, ids.length + maxTokens);
      await session.forward(ids.slice(session.position, -1), { logits: "none", signal });
      const stopped = new StoppedText(model, ids, { stop: [...until], maxTokens });
      place.text = { index, stopped, token: ids.at(-1)! };
    }
    const busy = places.filter(({ text }) => text);
    await pause(signal);
    const logits = await batch.step(busy.map(({ session }) => session), busy.map(({ text }) => text!.token));
    for (const [i, place] of busy.entries()) {
      assertFinite(logits[i]!);
      const { index, stopped } = place.text!;
      const token = place.text!.token = argmax(logits[i]!);
      const { text, stoppedBy } = stopped.push(token);
      texts[index] += text;
      if (!stoppedBy) continue;
      place.text = undefined;
      done++;
      onDone?.(done);
    }
  }
  return texts;
}
