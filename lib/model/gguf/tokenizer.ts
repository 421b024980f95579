/**
 * tokenizer.json and tokenizer_config.json of a GGUF file.
 *
 * @module
 */
import { scoreMerges } from "../tokenizer/score_merges.ts";
import type { TokenizerFiles } from "../tokenizer/tokenizer.ts";
import type { Metadata } from "./metadata.ts";
import { type PreTokenizer, preTokenizer, preTokenizerNames } from "./pre_tokenizers.ts";

/** Kinds of tokens, as llama.cpp numbers them. */
const [NORMAL, UNKNOWN, CONTROL, USER_DEFINED] = [1, 2, 3, 4];

/** A file's vocabulary. */
interface Vocabulary {
  readonly tokens: readonly string[];
  readonly ids: ReadonlyMap<string, number>;
  readonly metadata: Metadata;
}

/**
 * Builds both files of a vocabulary of byte-level BPE ("gpt2") or SentencePiece BPE ("llama").
 *
 * @throws {CheckpointError} when the vocabulary is missing, malformed or of another kind.
 */
export function ggufTokenizer(metadata: Metadata): TokenizerFiles {
  const model = metadata.text("tokenizer.ggml.model");
  const tokens = metadata.texts("tokenizer.ggml.tokens");
  if (tokens === undefined) throw metadata.fail("tokenizer.ggml.tokens", "is missing");
  // Of equal tokens the first is meant.
  const ids = new Map(tokens.map((token, id) => [token, id] as const).reverse());
  const vocabulary = { tokens, ids, metadata };
  if (model === "llama") return files(vocabulary, sentencePiece(vocabulary), true);
  if (model === "gpt2") {
    const pre = byteLevelWords(metadata);
    return files(vocabulary, byteLevel(vocabulary, pre), pre.bos);
  }
  throw metadata.fail("tokenizer.ggml.model", `must be "llama" or "gpt2", current value is "${model}"`);
}

/** The parts of tokenizer.json that depend on the kind. */
type Parts = Record<"normalizer" | "pre_tokenizer" | "decoder" | "model", unknown>;

/** The pattern of words. Without one in the file, llama.cpp's default applies. */
function byteLevelWords(metadata: Metadata): PreTokenizer {
  const name = metadata.text("tokenizer.ggml.pre") ?? "default";
  const found = preTokenizer(name);
  if (found) return found;
  const known = preTokenizerNames().map((name) => `"${name}"`).join(", ");
  throw metadata.fail("tokenizer.ggml.pre", `must be one of ${known}, current value is "${name}"`);
}

/** Words by patterns, their bytes as printable characters, merged by rank. */
function byteLevel({ ids, metadata }: Vocabulary, { patterns, ignoreMerges }: PreTokenizer): Parts {
  const merges = metadata.texts("tokenizer.ggml.merges");
  if (merges === undefined) throw metadata.fail("tokenizer.ggml.merges", "is missing");
  const split = (pattern: string) => ({
    type: "Split",
    pattern: { Regex: pattern },
    behavior: "Isolated",
    invert: false,
  });
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    normalizer: null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [...patterns.map(split), bytes] },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      ...bpe(ids, merges.map((merge) => split2(merge, metadata))),
      // A whole word that is a token is taken as it is.
      ignore_merges: ignoreMerges,
    },
  };
}

function split2(merge: string, metadata: Metadata): [string, string] {
  const at = merge.indexOf(" ", 1);
  if (at < 0) {
    throw metadata.fail("tokenizer.ggml.merges", `must hold pairs, one is ${JSON.stringify(merge)}`);
  }
  return [merge.slice(0, at), merge.slice(at + 1)];
}

/** Spaces as "▁", characters merged to the pieces of the best score, bytes where a character is no piece. */
function sentencePiece(vocabulary: Vocabulary): Parts {
  const { ids, metadata } = vocabulary;
  const prefix = metadata.flag("tokenizer.ggml.add_space_prefix") ?? true;
  const space = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const back = { type: "Replace", pattern: { String: "▁" }, content: " " };
  const unknown = metadata.number("tokenizer.ggml.unknown_token_id") ?? 0;
  return {
    normalizer: prefix
      ? { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, space] }
      : space,
    pre_tokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [
        ...[back, { type: "ByteFallback" }, { type: "Fuse" }],
        ...prefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [],
      ],
    },
    model: {
      ...bpe(ids, mergesByScore(vocabulary)),
      unk_token: vocabulary.tokens[unknown],
      fuse_unk: true,
      byte_fallback: true,
    },
  };
}

function bpe(ids: ReadonlyMap<string, number>, merges: [string, string][]): Record<string, unknown> {
  return {
    type: "BPE",
    ...{ dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null },
    ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false },
    vocab: Object.fromEntries([...ids].reverse()),
    merges,
  };
}

/** SentencePiece joins the neighbours whose piece has the best score. */
function mergesByScore({ tokens, metadata }: Vocabulary): [string, string][] {
  const scores = metadata.numbers("tokenizer.ggml.scores");
  if (scores?.length !== tokens.length) {
    throw metadata.fail("tokenizer.ggml.scores", `must be as many as tokens, ${tokens.length}`);
  }
  const kinds = metadata.numbers("tokenizer.ggml.token_type") ?? [];
  return scoreMerges(
    tokens.map((text, id) => ({ text, score: scores[id]!, normal: (kinds[id] ?? NORMAL) === NORMAL })),
  );
}

function files(vocabulary: Vocabulary, parts: Parts, bosByDefault: boolean): TokenizerFiles {
  const { tokens, metadata } = vocabulary;
  const special = (name: string) => {
    const id = metadata.number(`tokenizer.ggml.${name}_token_id`);
    return id === undefined ? undefined : tokens[id];
  };
  const [bos, eos] = [special("bos"), special("eos")];
  const add = {
    bos: bos !== undefined && (metadata.flag("tokenizer.ggml.add_bos_token") ?? bosByDefault),
    eos: eos !== undefined && (metadata.flag("tokenizer.ggml.add_eos_token") ?? false),
  };
  const chat_template = chatTemplates(metadata);
  return {
    "tokenizer.json": {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: addedTokens(vocabulary),
      normalizer: parts.normalizer,
      pre_tokenizer: parts.pre_tokenizer,
      post_processor: postProcessor(vocabulary, {
        first: add.bos ? bos : undefined,
        last: add.eos ? eos : undefined,
      }),
      decoder: parts.decoder,
      model: parts.model,
    },
    "tokenizer_config.json": {
      tokenizer_class: "PreTrainedTokenizerFast",
      clean_up_tokenization_spaces: false,
      ...(bos === undefined ? {} : { bos_token: bos }),
      ...(eos === undefined ? {} : { eos_token: eos }),
      ...(special("unknown") === undefined ? {} : { unk_token: special("unknown") }),
      ...(special("padding") === undefined ? {} : { pad_token: special("padding") }),
      ...(chat_template === undefined ? {} : { chat_template }),
    },
  };
}

/** The template of conversations, or a list of named ones where a file has several. */
function chatTemplates(metadata: Metadata): string | { name: string; template: string }[] | undefined {
  const main = metadata.text("tokenizer.chat_template");
  const named = (metadata.texts("tokenizer.chat_templates") ?? []).flatMap((name) => {
    const template = metadata.text(`tokenizer.chat_template.${name}`);
    return template === undefined ? [] : { name, template };
  });
  if (named.length === 0) return main;
  return main === undefined ? named : [{ name: "default", template: main }, ...named];
}

/** Tokens that are found in a text before anything else is done with it. */
function addedTokens({ tokens, metadata }: Vocabulary): Record<string, unknown>[] {
  const kinds = metadata.numbers("tokenizer.ggml.token_type") ?? [];
  return tokens.flatMap((content, id) => {
    const kind = kinds[id];
    if (content === "" || (kind !== UNKNOWN && kind !== CONTROL && kind !== USER_DEFINED)) return [];
    const how = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content, ...how, special: kind !== USER_DEFINED }];
  });
}

/** Puts the tokens that begin and end a sequence around it. */
function postProcessor({ ids }: Vocabulary, { first, last }: { first?: string; last?: string }): unknown {
  if (first === undefined && last === undefined) return null;
  const one = (sequence: string, type_id: number) => [
    ...first === undefined ? [] : [{ SpecialToken: { id: first, type_id } }],
    { Sequence: { id: sequence, type_id } },
    ...last === undefined ? [] : [{ SpecialToken: { id: last, type_id } }],
  ];
  const used = [first, last].filter((token) => token !== undefined);
  return {
    type: "TemplateProcessing",
    single: one("A", 0),
    pair: [...one("A", 0), ...one("B", 1)],
    special_tokens: Object.fromEntries(used.map((id) => [id, { id, ids: [ids.get(id)], tokens: [id] }])),
  };
}
