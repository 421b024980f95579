/**
 * Continuing a text.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { interruptible, pause } from "../event_loop.ts";
import type { Model } from "./model.ts";
import { Sampler, type SamplingOptions } from "./decoder/sampling.ts";
import type { Session } from "./decoder/session.ts";
import type { Message } from "./tokenizer/tokenizer.ts";

/** Tokens that are chosen before the first of them is shown, where nothing is drawn. */
const AHEAD = 8;

/** How a text is continued. */
export interface GenerateOptions extends SamplingOptions {
  /** Tokens to add at most; 64 when absent. */
  maxTokens?: number;
  /** Text that ends the continuation; it is left out of the result. */
  stop?: string | string[];
  /** Is given each piece of text as it comes. */
  onText?: (piece: string) => void;
}

/** A continuation. */
export interface Generated {
  /** The continuation, without the prompt. */
  text: string;
  /** Its token ids. */
  tokens: number[];
  /** What ended it: the model's end token, a stop string, maxTokens, or the model's context. */
  stoppedBy: "eos" | "stop" | "length";
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
  let printed = 0;
  const result = { text: "", tokens: [] as number[], stoppedBy: "length" as Generated["stoppedBy"] };
  for await (const step of generateStream(model, prompt, options)) {
    result.text = step.text;
    result.tokens = step.tokens;
    result.stoppedBy = step.stoppedBy;
    options.onText?.(step.text.slice(printed));
    printed = step.text.length;
  }
  return result;
}

/**
 * The same, a step at a time: yields the continuation so far after each token. A character that is not whole yet
 * waits for its last token.
 *
 * @example
 * ```ts
 * import { generateStream, loadModel } from "any4";
 * import { assertEquals } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const lengths = [];
 * for await (const { tokens } of generateStream(model, "Once upon a time", { maxTokens: 4 })) {
 *   lengths.push(tokens.length);
 * }
 * assertEquals(lengths, [1, 2, 3, 4]);
 * ```
 */
export async function* generateStream(
  model: Model,
  prompt: string | readonly Message[],
  options: GenerateOptions = {},
): AsyncGenerator<Generated> {
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

/**
 * Continues a prompt's ids in a session, of whose KV cache the first `known` tokens are theirs: {@linkcode generateStream}
 * yields the same.
 */
export async function* continueIds(
  model: Model,
  ids: number[],
  options: GenerateOptions & { session: Session; known: number },
): AsyncGenerator<Generated> {
  const sampler = new Sampler(options);
  const { session } = options;
  const { tokenizer } = model;
  const capacity = Math.min(session.capacity, ids.length + maxTokensOf(options));
  const before = tokenizer.decode(ids).length;
  const stops = [options.stop ?? []].flat();
  const eos = endTokens(model);
  const tokens: number[] = [];
  session.position = options.known;
  let input = ids.slice(options.known);
  while (ids.length + tokens.length < capacity) {
    await pause();
    for (const next of await choose(input)) {
      if (eos.has(next)) {
        yield { text: text(true), tokens: [...tokens], stoppedBy: "eos" };
        return;
      }
      tokens.push(next);
      input = [next];
      const found = stops.map((stop) => text(true).indexOf(stop)).filter((at) => at >= 0);
      if (found.length > 0) {
        yield { text: text(true).slice(0, Math.min(...found)), tokens: [...tokens], stoppedBy: "stop" };
        return;
      }
      yield { text: text(ids.length + tokens.length === capacity), tokens: [...tokens], stoppedBy: "length" };
    }
  }

  /** The next tokens: what depends on no draw is chosen some steps at a time. */
  async function choose(input: number[]): Promise<number[]> {
    if (sampler.wanted > 1) return [sampler.next(await session.likeliest(input, sampler.wanted))];
    return await session.greedy(input, Math.min(AHEAD, capacity - ids.length - tokens.length));
  }

  /** The text so far: decoded together with the prompt, since a tokenizer may strip what stands first. */
  function text(whole: boolean): string {
    const after = tokenizer.decode([...ids, ...tokens]).slice(before);
    return whole ? after : after.replace(/\uFFFD+$/, "");
  }
}

/** What ends a sequence: config.json's tokens, and those that generation_config.json adds, as chat models need it. */
function endTokens({ config, generationConfig }: Model): Set<number> {
  const added = [generationConfig?.eos_token_id ?? []].flat().filter((id) => typeof id === "number");
  return new Set([...config.eos_token_id, ...added]);
}
