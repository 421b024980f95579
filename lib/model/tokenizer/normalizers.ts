/**
 * What is done to a text before it is split: the normalizers of tokenizer.json (huggingface/tokenizers, src/normalizers).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { toByteCharacters } from "./byte_level.ts";
import { flag, isObject, type Json, list, object, text } from "./fields.ts";
import { onigurumaPattern } from "./pattern.ts";
import { precompiled } from "./precompiled.ts";

/** Changes a text. */
export type Normalizer = (text: string) => string;

const START = /^\p{White_Space}+/u;
const END = /\p{White_Space}+$/u;

/** Lower case a character at a time, as Rust has it: a final sigma is like any other. */
const lowercase: Normalizer = (text) => {
  let lower = "";
  for (const character of text) lower += character.toLowerCase();
  return lower;
};

/** BERT's: control characters away, Chinese characters apart, no accents, lower case. */
function bert(config: Json): Normalizer {
  const lower = flag(config, "lowercase", true);
  const accents = typeof config.strip_accents === "boolean" ? config.strip_accents : lower;
  const [clean, chinese] = [flag(config, "clean_text", true), flag(config, "handle_chinese_chars", true)];
  return (text) => {
    if (clean) {
      text = text.replaceAll(/[\0\uFFFD]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu, "").replaceAll(
        /\p{White_Space}/gu,
        " ",
      );
    }
    if (chinese) {
      text = text.replaceAll(
        /[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]/gu,
        " $& ",
      );
    }
    if (accents) text = text.normalize("NFD").replaceAll(/\p{Mn}/gu, "");
    return lower ? lowercase(text) : text;
  };
}

const KINDS: Readonly<Record<string, (config: Json) => Normalizer>> = {
  NFC: () => (text) => text.normalize("NFC"),
  NFD: () => (text) => text.normalize("NFD"),
  NFKC: () => (text) => text.normalize("NFKC"),
  NFKD: () => (text) => text.normalize("NFKD"),
  Lowercase: () => lowercase,
  StripAccents: () => (text) => text.replaceAll(/\p{M}/gu, ""),
  ByteLevel: () => toByteCharacters,
  BertNormalizer: bert,
  Precompiled: (config) => precompiled(text(config, "precompiled_charsmap")),
  Prepend: (config) => {
    const prepend = text(config, "prepend");
    return (text) => text === "" ? "" : prepend + text;
  },
  Strip: (config) => {
    const [left, right] = [flag(config, "strip_left", true), flag(config, "strip_right", true)];
    return (text) => {
      if (left) text = text.replace(START, "");
      return right ? text.replace(END, "") : text;
    };
  },
  Replace: (config) => {
    const pattern = onigurumaPattern(object(config, "pattern"));
    const content = text(config, "content");
    return (text) => text.replaceAll(pattern, () => content);
  },
};

/**
 * Compiles tokenizer.json's normalizer; undefined where there is none.
 *
 * @throws {CheckpointError} when it is malformed or of an unknown type.
 */
export function compileNormalizer(normalizer: unknown, depth = 0): Normalizer | undefined {
  if (normalizer === null || normalizer === undefined) return undefined;
  if (!isObject(normalizer) || depth > 16) throw new CheckpointError("its normalizer is malformed");
  const type = text(normalizer, "type");
  if (type === "Sequence") {
    const all = list(normalizer, "normalizers").map((one) => compileNormalizer(one, depth + 1));
    return (text) => all.reduce((text, one) => one ? one(text) : text, text);
  }
  if (!Object.hasOwn(KINDS, type)) {
    throw new CheckpointError(`its normalizer type "${type}" is not supported`);
  }
  return KINDS[type]!(normalizer);
}
