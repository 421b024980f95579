/**
 * POST /v1/chat/completions.
 *
 * @module
 */
import { CheckpointError } from "../errors.ts";
import type { Message } from "../model/tokenizer/tokenizer.ts";
import { type Asked, idsOf, type Usage, type Whole, type Writer } from "./answer.ts";
import type { Piece } from "./choice.ts";
import type { Engine } from "./engine.ts";
import { type Fields, isObject } from "./fields.ts";
import type { Scored } from "./logprobs.ts";
import { assertFits, assertScored, type Limits, readCommon } from "./prompt.ts";
import { badField, RequestError } from "./request_error.ts";
import type { TokenTexts } from "./token_texts.ts";

/** The likeliest tokens that may be asked for. */
const MOST_TOP = 20;

/** Reads a request. @throws {RequestError} 400 when a field is wrong or unknown, or the template refuses the messages. */
export function readChat(fields: Fields, { engine, limits }: { engine: Engine; limits: Limits }): Asked {
  const common = readCommon(fields, engine);
  const range = { least: 1, most: limits.maxTokens };
  const older = fields.whole("max_tokens", range);
  const asked = fields.whole("max_completion_tokens", range) ?? older;
  const wanted = fields.flag("logprobs") ?? false;
  const top = fields.whole("top_logprobs", { least: 0, most: MOST_TOP });
  if (top !== undefined && !wanted) throw badField("top_logprobs", "it needs logprobs");
  assertScored(common, wanted ? 0 : undefined);
  fields.only("tools", []);
  fields.only("tool_choice", "none");
  fields.only("modalities", ["text"]);
  const ids = encodeMessages(readMessages(fields), engine);
  fields.end();
  // Where the request does not say, an answer may be as long as there is room.
  const room = engine.context - ids.length + 1;
  const maxTokens = asked ?? Math.max(1, Math.min(room, limits.maxTokens));
  assertFits(ids, { engine, maxTokens, param: "messages" });
  return { ...common, maxTokens, prompts: [{ ids }], ...wanted && { top: top ?? 0 } };
}

function readMessages(fields: Fields): Message[] {
  const given = fields.any("messages");
  if (!Array.isArray(given) || given.length === 0) throw badField("messages", "expected a list of messages");
  return given.map((message: unknown, i) => {
    if (!isObject(message) || typeof message.role !== "string") {
      throw badField(`messages.${i}`, "expected an object with a role and content");
    }
    return { ...message, role: message.role, content: readContent(message.content, `messages.${i}.content`) };
  });
}

/** A text, or a list of parts that are texts. */
function readContent(content: unknown, param: string): string {
  if (typeof content === "string") return content;
  const parts = Array.isArray(content) ? content as unknown[] : [];
  const texts = parts.map((part) => isObject(part) && part.type === "text" ? part.text : undefined);
  if (parts.length > 0 && texts.every((text) => typeof text === "string")) return texts.join("");
  throw badField(param, "expected a text, or a list of parts of the type text");
}

/** The ids of a conversation by the checkpoint's template. @throws {RequestError} 400 when there is none, or it refuses. */
export function encodeMessages(messages: readonly Message[], { model: { tokenizer } }: Engine): number[] {
  try {
    return tokenizer.encode(tokenizer.chat(messages), { specialTokens: false });
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new RequestError(error.message, { status: 400, param: "messages", code: "chat_template" });
  }
}

/** Writes answers. */
export class ChatWriter implements Writer {
  readonly #texts: TokenTexts;
  readonly #asked: Asked;
  readonly #head: { id: string; created: number; model: string };

  /** @param model its name, as clients know it. */
  constructor(asked: Asked, { texts, model }: { texts: TokenTexts; model: string }) {
    this.#asked = asked;
    this.#texts = texts;
    this.#head = { id: `chatcmpl-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
  }

  #logprobs(tokens: Piece["tokens"]): unknown {
    if (this.#asked.top === undefined) return null;
    const shown = ({ id, logprob }: Scored) => {
      const { text, bytes } = this.#texts.of(id);
      return { token: text, logprob, bytes };
    };
    const content = tokens.flatMap((token) =>
      "logprob" in token ? [{ ...shown(token), top_logprobs: token.top.map(shown) }] : []
    );
    return { content, refusal: null };
  }

  whole(choices: readonly Whole[], usage: Usage): unknown {
    return {
      ...this.#head,
      object: "chat.completion",
      choices: choices.map(({ text, tokens, finished }, index) => ({
        index,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: this.#logprobs(tokens),
        finish_reason: finished,
        ...idsOf(tokens, this.#asked),
      })),
      usage,
    };
  }

  #chunk(choices: unknown[], usage: Usage | null = null): unknown {
    const object = "chat.completion.chunk";
    return { ...this.#head, object, choices, ...this.#asked.includeUsage && { usage } };
  }

  begin(index: number): unknown {
    const delta = { role: "assistant", content: "" };
    return this.#chunk([{ index, delta, logprobs: null, finish_reason: null }]);
  }

  piece(index: number, { text, tokens, finished }: Piece): unknown {
    const delta = text === "" ? {} : { content: text };
    return this.#chunk([{
      index,
      delta,
      logprobs: this.#logprobs(tokens),
      finish_reason: finished ?? null,
      ...idsOf(tokens, this.#asked),
    }]);
  }

  usage(usage: Usage): unknown {
    return this.#chunk([], usage);
  }
}
