/**
 * Tokens that a tokenizer's other files add to tokenizer.json, as transformers adds them
 * (tokenization_utils_base.py, tokenization_utils_tokenizers.py).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { isObject, type Json, list, optionalText } from "./fields.ts";
import { tokenText } from "./token_text.ts";

/** Special tokens that have names. */
export const NAMED_TOKENS = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
] as const;

/** What a folder has beside tokenizer.json. */
export interface SideFiles {
  /** tokenizer_config.json. */
  readonly config: Json;
  /** special_tokens_map.json. */
  readonly map?: Json;
  /** added_tokens.json. */
  readonly added?: Json;
  /** Whether tokenizer.json was there: what it puts around texts counts then, not `add_bos_token`. */
  readonly whole: boolean;
}

/** A token as tokenizer.json lists it, whose id is found later. */
interface Token extends Json {
  content: string;
  special: boolean;
}

function tokenOf(given: unknown, special?: boolean): Token | undefined {
  const content = tokenText(given);
  if (content === "") return undefined;
  const flags: Json = isObject(given) ? given : { normalized: false };
  const isSpecial = special ?? flags.special === true;
  return {
    content,
    single_word: flags.single_word === true,
    lstrip: flags.lstrip === true,
    rstrip: flags.rstrip === true,
    normalized: typeof flags.normalized === "boolean" ? flags.normalized : !isSpecial,
    special: isSpecial,
  };
}

/** The special tokens that a config names, one way or another. */
function specialTokens(config: Json): unknown[] {
  const more = config.extra_special_tokens ?? config.additional_special_tokens;
  return [
    ...NAMED_TOKENS.map((name) => config[name]),
    ...Array.isArray(more) ? more : isObject(more) ? Object.values(more) : [],
  ];
}

/** Tokens by id, of added_tokens_decoder or, where there is none, added_tokens.json. */
function declaredTokens({ config, added }: SideFiles): [number, Token][] {
  const declared: [number, Token][] = [];
  const idOf = (id: number, name: string) => {
    if (Number.isInteger(id) && id >= 0 && id < 1 << 24) return id;
    throw new CheckpointError(`the id of the added token ${JSON.stringify(name)} must be a whole number`);
  };
  if (isObject(config.added_tokens_decoder)) {
    for (const [id, given] of Object.entries(config.added_tokens_decoder)) {
      const token = tokenOf(given);
      if (token) declared.push([idOf(Number(id), token.content), token]);
    }
  } else if (added) {
    const special = new Set(specialTokens(config).map(tokenText));
    for (const [content, id] of Object.entries(added)) {
      const isSpecial = special.has(content);
      const token = tokenOf({ content, normalized: !isSpecial }, isSpecial);
      if (token) declared.push([idOf(Number(id), content), token]);
    }
  }
  return declared.sort(([a], [b]) => a - b);
}

/**
 * Adds the tokens of the other files to tokenizer.json. Where there was none, BOS and EOS stand around texts as
 * `add_bos_token` and `add_eos_token` say.
 *
 * @returns both files as they count.
 * @throws {CheckpointError} when a token's id is not the one that it gets.
 */
export function withSpecialTokens(json: Json, files: SideFiles): { json: Json; config: Json } {
  const legacy = isObject(files.config.added_tokens_decoder) ? {} : files.map ?? {};
  const config: Json = { ...files.config };
  // The older file counts for more where there is no added_tokens_decoder.
  for (const [name, value] of Object.entries(legacy)) if (value !== null) config[name] = value;
  const tokens = [...list(json, "added_tokens", [])];
  const contents = new Map<string, number>();
  for (const [at, token] of tokens.entries()) contents.set(tokenText(token), at);
  const add = (token: Token | undefined) => {
    if (!token) return;
    const at = contents.get(token.content);
    if (at === undefined) contents.set(token.content, tokens.push(token) - 1);
    else if (token.special && isObject(tokens[at]) && tokens[at].special !== true) {
      tokens[at] = { ...tokens[at], special: true };
    }
  };
  for (const [id, token] of declaredTokens({ ...files, config })) {
    const at = contents.get(token.content);
    if (at === undefined) add({ ...token, id });
    else tokens[at] = { ...(tokens[at] as Json), ...token };
  }
  for (const given of specialTokens(config)) add(tokenOf(given, true));
  return { json: { ...json, added_tokens: tokens, ...files.whole ? {} : around(json, config) }, config };
}

/** The post-processor that the config asks for, if it says anything about it. */
function around(json: Json, config: Json): Json {
  const asks = typeof config.add_bos_token === "boolean" || typeof config.add_eos_token === "boolean";
  if (!asks) return {};
  const one = (flag: string, name: string) => {
    const token = tokenText(config[name]);
    return config[flag] === true && token !== "" ? token : undefined;
  };
  const [bos, eos] = [one("add_bos_token", "bos_token"), one("add_eos_token", "eos_token")];
  if (bos === undefined && eos === undefined && !json.post_processor) return {};
  const special = (id: string | undefined) => id === undefined ? [] : [{ SpecialToken: { id, type_id: 0 } }];
  const single = [...special(bos), { Sequence: { id: "A", type_id: 0 } }, ...special(eos)];
  const used = [bos, eos].filter((token) => token !== undefined);
  return {
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: single,
      special_tokens: Object.fromEntries(used.map((id) => [id, { id, ids: null, tokens: [id] }])),
    },
  };
}

/** A template of one kind. */
export function namedTemplates(config: Json): Readonly<Record<string, string>> {
  const given = config.chat_template;
  if (Array.isArray(given)) {
    return Object.fromEntries(given.flatMap((entry) => {
      const name = isObject(entry) ? optionalText(entry, "name") : undefined;
      const template = isObject(entry) ? optionalText(entry, "template") : undefined;
      return name === undefined || template === undefined ? [] : [[name, template]];
    }));
  }
  if (isObject(given)) {
    return Object.fromEntries(
      Object.entries(given).filter(([, template]) => typeof template === "string"),
    ) as Record<
      string,
      string
    >;
  }
  return typeof given === "string" ? { default: given } : {};
}
