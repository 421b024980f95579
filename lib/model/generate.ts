/**
 * Continuing a text.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { type Abortable, interruptible, pause } from "../event_loop.ts";
import type { Model } from "./model.ts";
import { Sampler, type SamplingOptions } from "./decoder/sampling.ts";
import type { Session } from "./decoder/session.ts";
import { StopStrings } from "./stop_strings.ts";
import { Continuation } from "./tokenizer/continuation.ts";
import type { Message } from "./tokenizer/tokenizer.ts";

/** Tokens that are chosen before the first of them is shown, where nothing is drawn. */
const AHEAD = 8;

/** How a text is continued. */
export interface GenerateOptions extends SamplingOptions, Abortable {
  /** Tokens to add at most; 64 when absent. */
  maxTokens?: number;
  /** Text that ends the continuation; it is left out of the result. */
  stop?: string | string[];
  /** Is given each piece of text as it comes. */
  onText?: (piece: string) => void;
}

/** What ended a continuation: the model's end token, a stop string, or maxTokens or the model's context. */
export type StoppedBy = "eos" | "stop" | "length";

/** A continuation. */
export interface Generated {
  /** The continuation, without the prompt. */
  text: string;
  /** Its token ids. */
  tokens: number[];
  /** What ended it. */
  stoppedBy: StoppedBy;
}

/** A step of a continuation. */
export interface GeneratedPiece {
  /** The text that is new; "" while a character is not whole, or what is new may begin a stop string. */
  text: string;
  /** The new token's id; none in the step that ends a text by the model's end token. */
  tokens: number[];
  /** What ended the continuation, in its last step. */
  stoppedBy?: StoppedBy;
}

/**
 * Continues a text, or answers a conversation by the checkpoint's chat template. Greedy unless a temperature is given;
 * the same seed gives the same text.
 *
 * @param prompt the text, or the turns of the conversation so far.
 * @throws {OptionError} when an option is out of range or the prompt does not fit the model's context.
 * @throws {CheckpointError} when the prompt is a conversation and the checkpoint has no chat template.
 *
 * @example
 * ```ts
 * import { generate, loadModel } from "any4";
 * import { assertEquals } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const { tokens } = await generate(model, "Once upon a time", { maxTokens: 8 });
 * assertEquals(tokens.length, 8);
 * ```
 */
export function generate(
  model: Model,
  prompt: string | readonly Message[],
  options: GenerateOptions = {},
): Promise<Generated> {
  return interruptible(() => collect(model, prompt, options));
}

async function collect(
  model: Model,
  prompt: string | readonly Message[],
  options: GenerateOptions,
): Promise<Generated> {
  const result: Generated = { text: "", tokens: [], stoppedBy: "length" };
  for await (const { text, tokens, stoppedBy } of generateStream(model, prompt, options)) {
    result.text += text;
    result.tokens.push(...tokens);
    if (stoppedBy) result.stoppedBy = stoppedBy;
    if (text !== "") options.onText?.(text);
  }
  return result;
}

/**
 * The same, a step at a time: yields what is new after each token. All pieces together are the text that
 * {@linkcode generate} returns.
 *
 * @throws what {@linkcode generate} rejects with.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { generate, generateStream, loadModel } from "any4";
 * using model = await loadModel("tinyworld");
 * let whole = "";
 * for await (const { text } of generateStream(model, "Once upon a time", { maxTokens: 4 })) whole += text;
 * assertEquals(whole, (await generate(model, "Once upon a time", { maxTokens: 4 })).text);
 * ```
 */
export async function* generateStream(
  model: Model,
  prompt: string | readonly Message[],
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedPiece> {
  const ids = promptIds(model, prompt);
  const capacity = Math.min(model.config.max_position_embeddings, ids.length + maxTokensOf(options));
  using session = model.session(capacity);
  yield* continueIds(model, ids, { ...options, session, known: 0 });
}

function maxTokensOf({ maxTokens = 64 }: GenerateOptions): number {
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 0) {
    throw new OptionError(
      `Cannot generate: maxTokens must be a whole number of at least 0, current value is ${maxTokens}`,
    );
  }
  return maxTokens;
}

/**
 * The ids of a prompt.
 *
 * @throws {OptionError} when there are none, or more than the model's context.
 */
export function promptIds(model: Model, prompt: string | readonly Message[]): number[] {
  const { tokenizer } = model;
  const ids = typeof prompt === "string"
    ? tokenizer.encode(prompt)
    // The template puts the special tokens itself.
    : tokenizer.encode(tokenizer.chat(prompt), { specialTokens: false });
  if (ids.length === 0) {
    throw new OptionError("Cannot generate from an empty prompt: the tokenizer adds no first token");
  }
  const context = model.config.max_position_embeddings;
  if (ids.length > context) {
    throw new OptionError(
      `Cannot generate: the prompt has ${ids.length} tokens, the model's context ${context}`,
    );
  }
  return ids;
}

/** A text that comes token by token, until something ends it. */
export class StoppedText {
  readonly #text: Continuation;
  readonly #stop: StopStrings;
  readonly #ends: ReadonlySet<number>;
  readonly #most: number;
  #tokens = 0;

  /**
   * @param ids the prompt's.
   * @param options.maxTokens tokens of the text at most.
   * @throws {OptionError} when a stop string is empty.
   */
  constructor(
    model: Model,
    ids: readonly number[],
    options: { stop?: string | string[]; maxTokens: number },
  ) {
    this.#text = new Continuation(model.tokenizer, ids);
    this.#stop = new StopStrings([options.stop ?? []].flat());
    this.#ends = endTokens(model);
    this.#most = options.maxTokens;
  }

  /** Takes the next token; says what is new. */
  push(id: number): GeneratedPiece {
    const ends = this.#ends.has(id);
    const last = ++this.#tokens === this.#most || ends;
    const settled = (ends ? "" : this.#text.push(id)) + (last ? this.#text.flush() : "");
    const text = this.#stop.push(settled) + (last ? this.#stop.flush() : "");
    const stoppedBy = this.#stop.found ? "stop" : ends ? "eos" : last ? "length" : undefined;
    return { text, tokens: ends ? [] : [id], ...stoppedBy && { stoppedBy } };
  }
}

/**
 * Continues a prompt's ids in a session, of whose KV cache the first `known` tokens are theirs: {@linkcode generateStream}
 * yields the same.
 */
export async function* continueIds(
  model: Model,
  ids: number[],
  options: GenerateOptions & { session: Session; known: number },
): AsyncGenerator<GeneratedPiece> {
  const sampler = new Sampler(options);
  const { session, signal } = options;
  const capacity = Math.min(session.capacity, ids.length + maxTokensOf(options));
  const text = new StoppedText(model, ids, { stop: options.stop, maxTokens: capacity - ids.length });
  session.position = options.known;
  let input = ids.slice(options.known);
  let length = ids.length;
  while (length < capacity) {
    await pause(signal);
    for (const next of await choose(input)) {
      signal?.throwIfAborted();
      length++;
      input = [next];
      const piece = text.push(next);
      yield piece;
      if (piece.stoppedBy) return;
    }
  }

  /** The next tokens: what depends on no draw is chosen some steps at a time. */
  async function choose(input: number[]): Promise<number[]> {
    if (sampler.wanted > 1) return [sampler.next(await session.likeliest(input, sampler.wanted, { signal }))];
    return await session.greedy(input, Math.min(AHEAD, capacity - length), { signal });
  }
}

/** What ends a sequence: config.json's tokens, and those that generation_config.json adds, as chat models need it. */
export function endTokens({ config, generationConfig }: Model): Set<number> {
  const added = [generationConfig?.eos_token_id ?? []].flat().filter((id) => typeof id === "number");
  return new Set([...config.eos_token_id, ...added]);
}
