/**
 * A tokenizer.json for models that have none, but GPT-2's two files.
 *
 * @module
 */
import { tokenText } from "./token_text.ts";

/** GPT-2's files, parsed. */
export interface ByteLevelFiles {
  /** vocab.json: ids by token. */
  readonly vocab: Readonly<Record<string, number>>;
  /** merges.txt. */
  readonly merges: string;
  /** tokenizer_config.json and special_tokens_map.json; the former counts for more. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** What GPT-2's special tokens are where the files do not say. */
const END = "<|endoftext|>";

/**
 * What tokenizer.json would say: byte-level BPE (Radford et al. 2019, section 2.2), special tokens as configured, and the
 * first of them before a text where `add_bos_token` says so, as OPT's does.
 */
export function byteLevelTokenizer({ vocab, merges, config }: ByteLevelFiles): Record<string, unknown> {
  const names = ["bos_token", "eos_token", "unk_token", "pad_token"];
  const special = new Set(names.map((name) => tokenText(config[name]) || (name === "pad_token" ? "" : END)));
  const added_tokens = [...special].filter((token) => Object.hasOwn(vocab, token)).map((content) => ({
    id: vocab[content]!,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const bos = tokenText(config.bos_token) || END;
  const single: unknown[] = [{ Sequence: { id: "A", type_id: 0 } }];
  if (config.add_bos_token === true) single.unshift({ SpecialToken: { id: bos, type_id: 0 } });
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: config.add_prefix_space === true,
    trim_offsets: true,
  };
  return {
    version: "1.0",
    added_tokens,
    normalizer: null,
    pre_tokenizer: { ...byteLevel, use_regex: true },
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: single,
      special_tokens: { [bos]: { id: bos, ids: [vocab[bos]], tokens: [bos] } },
    },
    decoder: byteLevel,
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
  };
}
