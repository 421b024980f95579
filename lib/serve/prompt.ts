/**
 * What both endpoints read of a request.
 *
 * @module
 */
import type { Asked } from "./answer.ts";
import { readChoosing } from "./choosing.ts";
import type { Engine } from "./engine.ts";
import type { Fields } from "./fields.ts";
import { badField, RequestError } from "./request_error.ts";

/** Continuations of a prompt at most. */
const MOST_CHOICES = 128;

/** What a server allows. */
export interface Limits {
  /** Tokens that a request may add to a prompt. */
  readonly maxTokens: number;
}

/** Reads what both have in common. @throws {RequestError} 400 when a field is out of range. */
export function readCommon(fields: Fields, engine: Engine): Omit<Asked, "prompts" | "maxTokens" | "top"> {
  // Names of the client's users, and what is kept of requests: neither changes an answer.
  for (const name of ["user", "metadata", "safety_identifier", "prompt_cache_key"]) fields.any(name);
  fields.only("store", false);
  fields.only("response_format", { type: "text" });
  const stream = fields.flag("stream") ?? false;
  const options = fields.object("stream_options");
  if (options && !stream) {
    throw new RequestError("Cannot use stream_options: it needs stream", {
      status: 400,
      param: "stream_options",
      code: "invalid_value",
    });
  }
  const includeUsage = options?.flag("include_usage") ?? false;
  options?.only("include_obfuscation", false);
  options?.end();
  return {
    n: fields.whole("n", { least: 1, most: MOST_CHOICES }) ?? 1,
    choosing: readChoosing(fields, { vocabulary: engine.model.config.vocab_size }),
    tokenIds: fields.flag("return_token_ids") ?? false,
    stream,
    includeUsage,
  };
}

/** Ids are those of scored tokens. @throws {RequestError} 400 when they are wanted without scores. */
export function assertScored({ tokenIds }: Pick<Asked, "tokenIds">, top: number | undefined): void {
  if (tokenIds && top === undefined) throw badField("return_token_ids", "it needs logprobs");
}

/**
 * Checks that a prompt and what is to be added to it fit.
 *
 * @throws {RequestError} 400 when they do not: nothing is cut off.
 */
export function assertFits(
  ids: readonly number[],
  { engine, maxTokens, param }: { engine: Engine; maxTokens: number; param: string },
): void {
  if (ids.length === 0) {
    throw new RequestError("Cannot continue an empty prompt: the tokenizer adds no first token", {
      status: 400,
      param,
      code: "empty_prompt",
    });
  }
  // The last token that is added needs no room: nothing is computed from it.
  if (ids.length + Math.max(0, maxTokens - 1) <= engine.context) return;
  throw new RequestError(
    `This model's maximum context length is ${engine.context} tokens. However, ${ids.length} tokens are in the ` +
      `${param} and ${maxTokens} are to be added`,
    { status: 400, param, code: "context_length_exceeded" },
  );
}
