/**
 * What tokenizer.json describes: from texts to ids and back (huggingface/tokenizers).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { quote } from "../../files/safetensors/messages.ts";
import { type AddedToken, AddedTokens } from "./added_tokens.ts";
import { bpe } from "./bpe.ts";
import { cleanUpStage, compileDecoder, type MakeStages, TextStream } from "./decoding.ts";
import { flag, isObject, type Json, list, object, text, whole } from "./fields.ts";
import { compileNormalizer } from "./normalizers.ts";
import { compilePostProcessor, type Surroundings } from "./post_processor.ts";
import { compilePreTokenizer, type PreTokenizer } from "./pre_tokenizers.ts";
import type { TokenModel } from "./token_model.ts";
import { unigram } from "./unigram.ts";
import { wordLevel, wordPiece } from "./word_models.ts";

/** More ids than any vocabulary has. */
const MOST_IDS = 1 << 24;

type Kind = "BPE" | "Unigram" | "WordPiece" | "WordLevel";

const MODELS: Readonly<Record<Kind, (config: Json, ids: ReadonlyMap<string, number>) => TokenModel>> = {
  BPE: bpe,
  Unigram: unigram,
  WordPiece: wordPiece,
  WordLevel: wordLevel,
};

/** What kind of model it is; older files do not say. */
function kindOf(model: Json): Kind {
  const type = model.type ??
    (Array.isArray(model.vocab)
      ? "Unigram"
      : "merges" in model
      ? "BPE"
      : "unk_token" in model
      ? "continuing_subword_prefix" in model ? "WordPiece" : "WordLevel"
      : undefined);
  if (typeof type === "string" && Object.hasOwn(MODELS, type)) return type as Kind;
  throw new CheckpointError(
    `its model type must be BPE, Unigram, WordPiece or WordLevel, current value is ${quote(String(type))}`,
  );
}

/** The model's ids by token. */
function vocabularyOf(
  model: Json,
  kind: Kind,
): { ids: Map<string, number>; tokens: (string | undefined)[] } {
  const bad = (token: unknown, what: string): never => {
    throw new CheckpointError(`its vocabulary's token ${quote(String(token))} ${what}`);
  };
  const entries = kind === "Unigram"
    ? list(model, "vocab").map((entry, id) => {
      const [piece, score] = Array.isArray(entry) ? entry : [];
      if (typeof piece !== "string" || typeof score !== "number") {
        throw new CheckpointError(`its vocabulary's entry ${id} must be a piece and a score`);
      }
      return [piece, id] as const;
    })
    : Object.entries(object(model, "vocab"));
  const ids = new Map<string, number>();
  // Of equal pieces the last is meant, but each can be decoded.
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of entries) {
    if (!token.isWellFormed()) bad(token, "has half a surrogate pair");
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= MOST_IDS) {
      bad(token, `must have an id from 0 to ${MOST_IDS - 1}`);
    }
    ids.set(token, id as number);
    tokens[id as number] = token;
  }
  if (ids.size === 0 && kind === "Unigram") throw new CheckpointError("its vocabulary is empty");
  return { ids, tokens };
}

/** Added tokens by id: the vocabulary's, else the one that they were given, else the next. */
function addedTokens(given: unknown[], vocabulary: ReadonlyMap<string, number>): Map<number, AddedToken> {
  const tokens = new Map<number, AddedToken>();
  const ids = new Map<string, number>();
  let next = 0;
  for (const id of vocabulary.values()) next = Math.max(next, id + 1);
  for (const entry of given) {
    if (!isObject(entry)) throw new CheckpointError('"added_tokens" must be a list of objects');
    const content = text(entry, "content");
    if (content === "") continue;
    const id = vocabulary.get(content) ?? ids.get(content) ?? whole(entry, "id", next);
    if (id >= MOST_IDS) throw new CheckpointError(`the added token ${quote(content)} has the id ${id}`);
    ids.set(content, id);
    next = Math.max(next, id + 1);
    const special = flag(entry, "special", false);
    tokens.set(id, {
      id,
      content,
      special,
      single_word: flag(entry, "single_word", false),
      lstrip: flag(entry, "lstrip", false),
      rstrip: flag(entry, "rstrip", false),
      normalized: flag(entry, "normalized", !special),
    });
  }
  return tokens;
}

/** A post-processor whose special tokens have their ids where they had none. */
function withIds(post: unknown, ids: ReadonlyMap<string, number>): unknown {
  if (!isObject(post) || !isObject(post.special_tokens)) return post ?? null;
  const known = Object.entries(post.special_tokens).map(([name, token]) => {
    if (!isObject(token) || token.ids !== null) return [name, token];
    const id = ids.get(name);
    if (id === undefined) {
      throw new CheckpointError(`the special token ${quote(name)} is not in the vocabulary`);
    }
    return [name, { ...token, ids: [id] }];
  });
  return { ...post, special_tokens: Object.fromEntries(known) };
}

/** A compiled tokenizer.json. */
export class TokenizerJson {
  readonly #added: AddedTokens;
  readonly #preTokenizer: PreTokenizer | undefined;
  readonly #model: TokenModel;
  readonly #around: Surroundings;
  readonly #stages: MakeStages;
  readonly #cleanUp: boolean;
  readonly #tokens: (string | undefined)[];
  readonly #special = new Set<string>();
  /** The file, in which every added token has its id. */
  readonly json: Json;

  /**
   * Compiles a parsed tokenizer.json.
   *
   * @param options.cleanUp whether decoded text is to lose spaces before punctuation, which BPE's never does.
   * @throws {CheckpointError} when it is malformed, or asks for what is not supported.
   */
  constructor(json: unknown, { cleanUp = false }: { cleanUp?: boolean } = {}) {
    if (!isObject(json)) throw new CheckpointError("it must be an object");
    const model = object(json, "model");
    const kind = kindOf(model);
    const { ids, tokens: pieces } = vocabularyOf(model, kind);
    const normalize = compileNormalizer(json.normalizer);
    const tokens = addedTokens(list(json, "added_tokens", []), ids);
    this.#model = MODELS[kind](model, ids);
    this.#added = new AddedTokens(tokens.values(), normalize);
    this.#preTokenizer = compilePreTokenizer(json.pre_tokenizer);
    this.#stages = compileDecoder(json.decoder);
    this.#cleanUp = cleanUp && kind !== "BPE";
    this.#tokens = pieces;
    for (const { id, content, special, normalized } of tokens.values()) {
      // What was found in normalized text stands for that; special tokens are shown as they are written.
      this.#tokens[id] = normalized && !special ? normalize?.(content) ?? content : content;
      if (special) this.#special.add(content);
    }
    const added = Array.from(tokens.values(), ({ content, id }) => [content, id] as const);
    const post_processor = withIds(json.post_processor, new Map([...ids, ...added]));
    this.#around = compilePostProcessor(post_processor);
    this.json = { ...json, added_tokens: [...tokens.values()], post_processor };
  }

  /** How many ids there are: one more than the largest. */
  get size(): number {
    return this.#tokens.length;
  }

  /** A token by its id. */
  token(id: number): string | undefined {
    return this.#tokens[id];
  }

  /** The ids of a text. */
  encode(text: string, { specialTokens }: { specialTokens: boolean }): number[] {
    const out: number[] = specialTokens ? [...this.#around.before] : [];
    for (const part of this.#added.split(text.toWellFormed())) {
      if (part.id !== undefined) {
        out.push(part.id);
        continue;
      }
      const words = this.#preTokenizer?.([part.text], part.start) ?? [part.text];
      for (const word of words) {
        if (word !== "") { for (const id of this.#model.encode(word)) out.push(id); }
      }
    }
    if (specialTokens) out.push(...this.#around.after);
    return out;
  }

  /** An empty text that grows token by token. */
  stream({ specialTokens }: { specialTokens: boolean }): TextStream {
    const stages = this.#stages();
    if (this.#cleanUp) stages.push(cleanUpStage());
    return new TextStream(stages, (id) => {
      const token = this.#tokens[id];
      return token !== undefined && !specialTokens && this.#special.has(token) ? undefined : token;
    });
  }
}
