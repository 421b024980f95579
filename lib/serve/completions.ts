/**
 * POST /v1/completions.
 *
 * @module
 */
import { type Asked, idsOf, type Usage, type Whole, type Writer } from "./answer.ts";
import type { Piece } from "./choice.ts";
import type { Engine } from "./engine.ts";
import type { Fields } from "./fields.ts";
import type { TokenScore } from "./logprobs.ts";
import { assertFits, assertScored, type Limits, readCommon } from "./prompt.ts";
import { badField } from "./request_error.ts";
import type { TokenTexts } from "./token_texts.ts";

/** The likeliest tokens that may be asked for. */
const MOST_TOP = 20;

/** Tokens that are added when the request does not say: OpenAI's default. */
const DEFAULT_TOKENS = 16;

/** Reads a request. @throws {RequestError} 400 when a field is wrong or unknown. */
export function readCompletions(
  fields: Fields,
  { engine, limits }: { engine: Engine; limits: Limits },
): Asked {
  const common = readCommon(fields, engine);
  const maxTokens = fields.whole("max_tokens", { least: 0, most: limits.maxTokens }) ??
    Math.min(DEFAULT_TOKENS, limits.maxTokens);
  const top = fields.whole("logprobs", { least: 0, most: MOST_TOP });
  const echo = fields.flag("echo") ?? false;
  assertScored(common, top);
  const prompts = readPrompts(fields, engine);
  fields.only("best_of", common.n);
  fields.only("suffix", "");
  fields.end();
  if (maxTokens === 0 && !echo) throw badField("max_tokens", "0 adds nothing: it needs echo");
  for (const { ids } of prompts) assertFits(ids, { engine, maxTokens, param: "prompt" });
  return {
    ...common,
    maxTokens,
    top,
    prompts: prompts.map(({ ids, text }) => ({ ids, ...echo && { echo: text() } })),
  };
}

interface Prompt {
  readonly ids: number[];
  readonly text: () => string;
}

/** A text, ids, or a list of texts or of lists of ids. */
function readPrompts(fields: Fields, engine: Engine): Prompt[] {
  const given = fields.any("prompt");
  const specialTokens = fields.flag("add_special_tokens") ?? true;
  const { tokenizer, config: { vocab_size: vocabulary } } = engine.model;
  const wrong = () =>
    badField("prompt", "expected a text, a list of texts, a list of token ids, or a list of such lists");
  const isId = (value: unknown): value is number => typeof value === "number";
  const ids = (list: readonly unknown[]): Prompt => {
    const bad = list.find((id) =>
      !(Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabulary)
    );
    if (bad !== undefined) {
      throw badField(
        "prompt",
        `token ids are whole numbers from 0 to ${vocabulary - 1}, not ${JSON.stringify(bad)}`,
      );
    }
    const known = (list as number[]).filter((id) => id < tokenizer.size);
    return { ids: list as number[], text: () => tokenizer.decode(known) };
  };
  const one = (value: unknown): Prompt => {
    // Ids are taken as they are; to a text the tokenizer adds what it adds.
    if (typeof value === "string") {
      return {
        ids: tokenizer.encode(value, { specialTokens }),
        text: () => value,
      };
    }
    if (Array.isArray(value) && value.every(isId)) return ids(value);
    throw wrong();
  };
  if (!Array.isArray(given)) return [one(given)];
  if (given.length === 0) throw wrong();
  return given.every(isId) ? [one(given)] : given.map(one);
}

/** Logprobs as completions have them: lists with an entry a token. */
interface Logprobs {
  tokens: string[];
  token_logprobs: (number | null)[];
  top_logprobs: (Record<string, number> | null)[];
  text_offset: number[];
}

/** Writes answers. */
export class CompletionsWriter implements Writer {
  readonly #texts: TokenTexts;
  readonly #asked: Asked;
  readonly #head: { id: string; object: string; created: number; model: string };
  /** Where the next token begins, in each choice's text. */
  readonly #offsets: number[] = [];

  /** @param model its name, as clients know it. */
  constructor(asked: Asked, { texts, model }: { texts: TokenTexts; model: string }) {
    this.#asked = asked;
    this.#texts = texts;
    const created = Math.floor(Date.now() / 1000);
    this.#head = { id: `cmpl-${crypto.randomUUID()}`, object: "text_completion", created, model };
  }

  #logprobs(index: number, tokens: Piece["tokens"]): Logprobs | null {
    if (this.#asked.top === undefined) return null;
    const out: Logprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
    for (const token of tokens) {
      const { text, length } = this.#texts.of(token.id);
      out.tokens.push(text);
      out.text_offset.push(this.#offsets[index] ??= 0);
      this.#offsets[index]! += length;
      const scored = "logprob" in token ? token : undefined;
      out.token_logprobs.push(scored?.logprob ?? null);
      out.top_logprobs.push(scored ? this.#top(scored) : null);
    }
    return out;
  }

  /** By their texts; of tokens with one text the likelier. The token itself is always among them. */
  #top(token: TokenScore): Record<string, number> {
    const out: Record<string, number> = {};
    for (const { id, logprob } of [...token.top, token]) {
      const { text } = this.#texts.of(id);
      if (!Object.hasOwn(out, text)) out[text] = logprob;
    }
    return out;
  }

  #choice(index: number, { text, tokens, finished }: Piece | Whole) {
    return {
      index,
      text,
      logprobs: this.#logprobs(index, tokens),
      finish_reason: finished ?? null,
      ...idsOf(tokens, this.#asked),
    };
  }

  whole(choices: readonly Whole[], usage: Usage): unknown {
    return { ...this.#head, choices: choices.map((choice, i) => this.#choice(i, choice)), usage };
  }

  piece(index: number, piece: Piece): unknown {
    return {
      ...this.#head,
      choices: [this.#choice(index, piece)],
      ...this.#asked.includeUsage && { usage: null },
    };
  }

  usage(usage: Usage): unknown {
    return { ...this.#head, choices: [], usage };
  }
}
