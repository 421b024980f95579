/**
 * POST /tokenize and /detokenize, GET /tokenizer_info: the tokenizer for clients that have none, as vLLM and llama.cpp have them.
 *
 * @module
 */
import { encodeMessages } from "./chat.ts";
import type { Engine } from "./engine.ts";
import { type Fields, isObject } from "./fields.ts";
import { badField } from "./request_error.ts";

/** The ids of `prompt` (vLLM), `content` (llama.cpp) or `messages`. To a prompt alone special tokens are added when nothing is said. */
export function tokenize(fields: Fields, engine: Engine): unknown {
  const { tokenizer } = engine.model;
  const [prompt, content] = [fields.text("prompt"), fields.text("content")];
  const messages = fields.any("messages");
  const given = [prompt, content, messages].filter((one) => one !== undefined);
  if (given.length !== 1) throw badField("prompt", "expected one of prompt, content and messages");
  const [add, older] = [fields.flag("add_special_tokens"), fields.flag("add_special")];
  const pieces = fields.flag("with_pieces") ?? fields.flag("return_token_strs") ?? false;
  fields.end();
  const specialTokens = add ?? older ?? prompt !== undefined;
  const isMessage = (one: unknown) =>
    isObject(one) && typeof one.role === "string" && typeof one.content === "string";
  if (messages !== undefined && !(Array.isArray(messages) && messages.every(isMessage))) {
    throw badField("messages", "expected a list of messages with a role and a text");
  }
  const ids = messages !== undefined
    ? encodeMessages(messages as { role: string; content: string }[], engine)
    : tokenizer.encode((prompt ?? content)!, { specialTokens });
  return {
    tokens: ids,
    count: ids.length,
    max_model_len: engine.context,
    ...pieces && { token_strs: ids.map((id) => tokenizer.token(id) ?? "") },
  };
}

/** The text of `tokens`, special tokens as they are written, under both names that clients look for. */
export function detokenize(fields: Fields, { model: { tokenizer } }: Engine): unknown {
  const tokens = fields.any("tokens");
  fields.end();
  const isId = (id: unknown) =>
    Number.isInteger(id) && (id as number) >= 0 && (id as number) < tokenizer.size;
  if (!Array.isArray(tokens) || !tokens.every(isId)) {
    throw badField("tokens", `expected a list of whole numbers from 0 to ${tokenizer.size - 1}`);
  }
  const prompt = tokenizer.decode(tokens, { specialTokens: true });
  return { prompt, content: prompt };
}

/** Its special tokens as text, and its chat template. */
export function tokenizerInfo({ model: { tokenizer, config }, context }: Engine): unknown {
  const text = (id: number | null | undefined) =>
    id === null || id === undefined ? null : tokenizer.token(id) ?? null;
  return {
    tokenizer_class: "TokenizersBackend",
    bos_token: text(config.bos_token_id),
    eos_token: text(config.eos_token_id[0]),
    pad_token: null,
    vocab_size: tokenizer.size,
    model_max_length: context,
    chat_template: tokenizer.chatTemplate ?? null,
  };
}
