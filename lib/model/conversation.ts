/**
 * A conversation with a model.
 *
 * @module
 */
import { BusyError, DisposedError, OptionError } from "../errors.ts";
import type { Abortable } from "../event_loop.ts";
import { continueIds, type GeneratedPiece, type GenerateOptions, promptIds } from "./generate.ts";
import type { Model } from "./model.ts";
import type { Session } from "./decoder/session.ts";
import type { Message } from "./tokenizer/tokenizer.ts";

/** How a conversation goes. */
export interface ConversationOptions extends Omit<GenerateOptions, "onText"> {
  /** What the model is told before the first turn. */
  system?: string;
}

/**
 * Turns by turns, by the checkpoint's chat template. What the turns so far have left in the KV cache is used again: a new turn
 * costs its own tokens only.
 *
 * @example
 * ```ts
 * import { Conversation, loadModel } from "any4";
 * import { Tokenizer } from "any4/model";
 * import { assertEquals } from "@std/assert";
 * using plain = await loadModel("tinyworld");
 * // tinyworld has no chat template of its own.
 * const file = JSON.parse(Deno.readTextFileSync(`${plain.folder}/tokenizer.json`));
 * const chat_template = "{% for message in messages %}{{ message.content }}\n{% endfor %}";
 * const model = plain.with({ tokenizer: new Tokenizer(file, { chat_template }) });
 * using talk = new Conversation(model, { maxTokens: 8 });
 * let answer = "";
 * for await (const { text } of talk.say("Once upon a time")) answer += text;
 * assertEquals(talk.messages[1], { role: "assistant", content: answer });
 * ```
 */
export class Conversation implements Disposable {
  /** The turns so far, the system's first. */
  readonly messages: Message[] = [];
  readonly #model: Model;
  readonly #options: ConversationOptions;
  /** The tokens of the sequence in {@linkcode Conversation.#session}, for which its cache has keys and values. */
  #seen: number[] = [];
  #session: Session | undefined;
  /** Turns so far: each draws otherwise. */
  #turns = 0;
  #answering = false;
  #disposed = false;

  /**
   * Begins a conversation.
   *
   * @param options apply to every answer.
   */
  constructor(model: Model, options: ConversationOptions = {}) {
    this.#model = model;
    this.#options = options;
    this.reset();
  }

  /**
   * Begins anew.
   *
   * @throws {BusyError} when a turn is being answered.
   */
  reset(): void {
    this.#assertFree();
    const { system } = this.#options;
    this.messages.length = 0;
    if (system !== undefined) this.messages.push({ role: "system", content: system });
    this.#turns = 0;
  }

  /**
   * Takes a turn and answers it: yields what is new of the answer after each token.
   *
   * @throws {CheckpointError} when the checkpoint has no chat template.
   * @throws {OptionError} when the conversation no longer fits the model's context; the turn is not taken then.
   * @throws {BusyError} when the last turn is still being answered.
   * @throws {DisposedError} when the conversation or its model has been disposed of.
   */
  async *say(text: string, options: Abortable = {}): AsyncGenerator<GeneratedPiece> {
    this.#assertFree();
    this.#answering = true;
    try {
      yield* this.#answer(text, options);
    } finally {
      this.#answering = false;
    }
  }

  #assertFree(): void {
    if (this.#disposed) {
      throw new DisposedError("Cannot go on talking: the conversation has been disposed of");
    }
    if (this.#answering) throw new BusyError("Cannot go on talking: the last turn is still being answered");
  }

  async *#answer(text: string, { signal }: Abortable): AsyncGenerator<GeneratedPiece> {
    const model = this.#model;
    const turn: Message = { role: "user", content: text };
    const ids = promptIds(model, [...this.messages, turn]);
    const context = model.config.max_position_embeddings;
    if (ids.length >= context) {
      throw new OptionError(
        `Cannot answer: the conversation has ${ids.length} tokens, the model's context ${context}`,
      );
    }
    this.messages.push(turn);
    const answer: Message = { role: "assistant", content: "" };
    this.messages.push(answer);
    const session = this.#session ??= model.session(context);
    const seed = (this.#options.seed ?? 0) + this.#turns++;
    let known = 0;
    // The last token is to be predicted from, not only known.
    while (known < Math.min(this.#seen.length, ids.length - 1) && this.#seen[known] === ids[known]) known++;
    this.#seen = ids.slice(0, known);
    let last = ids.slice(known);
    for await (
      const step of continueIds(model, ids, {
        ...this.#options,
        ...signal && { signal },
        seed,
        session,
        known,
      })
    ) {
      answer.content += step.text;
      // The last token has not gone through the decoder, or is about to go again.
      this.#seen.push(...last);
      last = step.tokens;
      yield step;
    }
  }

  /** Gives back what the conversation holds. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#session?.[Symbol.dispose]();
    this.#session = undefined;
    this.#seen = [];
  }
}
