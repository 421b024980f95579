/**
 * A tokenizer.json for models that have none, but vocab.json and merges.txt.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import type { Json } from "./fields.ts";
import { GPT2_WORDS } from "./pre_tokenizers.ts";

/** The two files, parsed. */
export interface ByteLevelFiles {
  /** vocab.json: ids by token. */
  readonly vocab: Json;
  /** merges.txt. */
  readonly merges: string;
  /** tokenizer_config.json and special_tokens_map.json; the former counts for more. */
  readonly config: Json;
  /** config.json's model_type, which says what class it is where the config does not. */
  readonly modelType?: string;
}

/** How a class of tokenizers splits texts, and which special tokens it has unless told otherwise. */
interface TokenizerClass {
  readonly words: string;
  readonly normalizer: Json | null;
  readonly defaults: Json;
}

const END = "<|endoftext|>";

const GPT2: TokenizerClass = {
  words: GPT2_WORDS,
  normalizer: null,
  defaults: { bos_token: END, eos_token: END, unk_token: END },
};

const QWEN2: TokenizerClass = {
  words: String
    .raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  normalizer: { type: "NFC" },
  defaults: { eos_token: END, unk_token: END, pad_token: END },
};

/** Classes whose two files these are. */
const CLASSES: Readonly<Record<string, TokenizerClass>> = {
  GPT2Tokenizer: GPT2,
  CodeGenTokenizer: GPT2,
  GPTNeoXTokenizer: GPT2,
  Qwen2Tokenizer: QWEN2,
};

function classOf(config: Json, modelType?: string): TokenizerClass {
  const given = config.tokenizer_class;
  if (typeof given === "string" && !/^(PreTrainedTokenizer|TokenizersBackend)/.test(given)) {
    const name = given.replace(/Fast$/, "");
    if (Object.hasOwn(CLASSES, name)) return CLASSES[name]!;
    const known = Object.keys(CLASSES).join(", ");
    throw new CheckpointError(
      `vocab.json and merges.txt are read for the classes ${known}, current value is ${
        JSON.stringify(given)
      }`,
    );
  }
  return /^qwen/.test(modelType ?? "") ? QWEN2 : GPT2;
}

/**
 * What tokenizer.json and tokenizer_config.json would say: byte-level BPE (Radford et al. 2019, section 2.2), words as the
 * tokenizer's class splits them.
 *
 * @throws {CheckpointError} when the class has other files.
 */
export function byteLevelTokenizer(
  { vocab, merges, config, modelType }: ByteLevelFiles,
): { json: Json; config: Json } {
  const { words, normalizer, defaults } = classOf(config, modelType);
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: config.add_prefix_space === true,
    trim_offsets: true,
    use_regex: words === GPT2_WORDS,
  };
  const split = { type: "Split", pattern: { Regex: words }, behavior: "Isolated", invert: false };
  return {
    json: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [],
      normalizer,
      pre_tokenizer: words === GPT2_WORDS
        ? byteLevel
        : { type: "Sequence", pretokenizers: [split, byteLevel] },
      post_processor: null,
      decoder: { ...byteLevel, use_regex: true },
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: "",
        end_of_word_suffix: "",
        fuse_unk: false,
        byte_fallback: false,
        vocab,
        // The first line is a version; a pair a line.
        merges: merges.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#version")),
      },
    },
    config: { ...defaults, ...config },
  };
}
