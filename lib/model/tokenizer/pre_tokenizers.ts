/**
 * How a text is split into words: the pre-tokenizers of tokenizer.json (huggingface/tokenizers, src/pre_tokenizers).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { toByteCharacters } from "./byte_level.ts";
import { flag, isObject, type Json, list, object, text, whole } from "./fields.ts";
import { onigurumaPattern } from "./pattern.ts";

/** Splits pieces further; `first` says that the first piece stands at the very start of the text. */
export type PreTokenizer = (pieces: string[], first: boolean) => string[];

type Behavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";

/** OpenAI's words (gpt-2, encoder.py), with Unicode's white space. */
export const GPT2_WORDS = String
  .raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** The parts of a text: what a pattern matches, and what stands between. */
function segments(text: string, { pattern, invert }: { pattern: RegExp; invert: boolean }) {
  const parts: { part: string; match: boolean }[] = [];
  let from = 0;
  for (const { 0: { length }, index } of text.matchAll(pattern)) {
    if (index > from) parts.push({ part: text.slice(from, index), match: invert });
    if (length > 0) parts.push({ part: text.slice(index, index + length), match: !invert });
    from = index + length;
  }
  if (from < text.length) parts.push({ part: text.slice(from), match: invert });
  return parts;
}

/** Splits a text at what a pattern matches. */
function split(text: string, how: { pattern: RegExp; invert: boolean; behavior: Behavior }): string[] {
  const { behavior } = how;
  if (behavior === "Isolated" && !how.invert) return isolated(text, how.pattern);
  const parts = segments(text, how);
  if (behavior === "Isolated") return parts.map(({ part }) => part);
  if (behavior === "Removed") return parts.flatMap(({ part, match }) => match ? [] : [part]);
  const words: string[] = [];
  if (behavior === "MergedWithNext") parts.reverse();
  let before: boolean | undefined;
  for (const { part, match } of parts) {
    const last = words.length - 1;
    const merges = behavior === "Contiguous" ? match === before : match && before === false;
    if (!merges || last < 0) words.push(part);
    else words[last] = behavior === "MergedWithNext" ? part + words[last]! : words[last]! + part;
    before = match;
  }
  return behavior === "MergedWithNext" ? words.reverse() : words;
}

function isolated(text: string, pattern: RegExp): string[] {
  const words: string[] = [];
  let from = 0;
  for (const { 0: word, index } of text.matchAll(pattern)) {
    if (index > from) words.push(text.slice(from, index));
    if (word !== "") words.push(word);
    from = index + word.length;
  }
  if (from < text.length) words.push(text.slice(from));
  return words;
}

const splitter = (
  pattern: RegExp,
  { behavior, invert = false }: { behavior: Behavior; invert?: boolean },
) => {
  const how = { pattern, behavior, invert };
  return (pieces: string[]) =>
    pieces.length === 1 ? split(pieces[0]!, how) : pieces.flatMap((piece) => split(piece, how));
};

const BEHAVIORS: readonly Behavior[] = [
  "Removed",
  "Isolated",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
];

function behaviorOf(config: Json, otherwise?: string): Behavior {
  const given = text(config, "behavior", otherwise).toLowerCase().replaceAll("_", "");
  const behavior = BEHAVIORS.find((one) => one.toLowerCase() === given);
  if (!behavior) throw new CheckpointError(`"behavior" must be one of ${BEHAVIORS.join(", ")}`);
  return behavior;
}

function byteLevel(config: Json): PreTokenizer {
  const prefix = flag(config, "add_prefix_space", true);
  const words = flag(config, "use_regex", true)
    ? splitter(onigurumaPattern({ Regex: GPT2_WORDS }), { behavior: "Isolated" })
    : (pieces: string[]) => pieces;
  return (pieces) => {
    if (prefix) pieces = pieces.map((piece) => piece.startsWith(" ") ? piece : ` ${piece}`);
    return words(pieces).map(toByteCharacters);
  };
}

function metaspace(config: Json): PreTokenizer {
  const replacement = text(config, "replacement", "▁");
  const always = config.add_prefix_space === false ? "never" : "always";
  const scheme = text(config, "prepend_scheme", always).toLowerCase();
  if (!["always", "first", "never"].includes(scheme)) {
    throw new CheckpointError(`"prepend_scheme" must be always, first or never`);
  }
  const words = flag(config, "split", true)
    ? splitter(onigurumaPattern({ String: replacement }), { behavior: "MergedWithNext" })
    : (pieces: string[]) => pieces;
  return (pieces, first) =>
    words(pieces.map((piece, i) => {
      const spaced = piece.replaceAll(" ", () => replacement);
      const prepends = scheme === "always" || (scheme === "first" && first && i === 0);
      return prepends && !spaced.startsWith(replacement) ? replacement + spaced : spaced;
    }));
}

/** Words, and what stands between them and white space, as Rust has them. */
const WORDS_AND_MARKS =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d\p{White_Space}]+/gu;

const PUNCTUATION = /[\p{P}!-/:-@[-`{-~]/gu;

const KINDS: Readonly<Record<string, (config: Json) => PreTokenizer>> = {
  ByteLevel: byteLevel,
  Metaspace: metaspace,
  Split: (config) =>
    splitter(onigurumaPattern(object(config, "pattern")), {
      behavior: behaviorOf(config),
      invert: flag(config, "invert", false),
    }),
  Whitespace: () => splitter(WORDS_AND_MARKS, { behavior: "Removed", invert: true }),
  WhitespaceSplit: () => splitter(/\p{White_Space}/gu, { behavior: "Removed" }),
  Punctuation: (config) => splitter(PUNCTUATION, { behavior: behaviorOf(config, "Isolated") }),
  Digits: (config) =>
    splitter(/\p{N}/gu, { behavior: flag(config, "individual_digits", false) ? "Isolated" : "Contiguous" }),
  CharDelimiterSplit: (config) =>
    splitter(onigurumaPattern({ String: text(config, "delimiter") }), { behavior: "Removed" }),
  BertPreTokenizer: () => {
    const words = splitter(/\p{White_Space}/gu, { behavior: "Removed" });
    const marks = splitter(PUNCTUATION, { behavior: "Isolated" });
    return (pieces) => marks(words(pieces));
  },
  FixedLength: (config) => {
    const length = Math.max(1, whole(config, "length", 5));
    return (pieces) =>
      pieces.flatMap((piece) => {
        const characters = [...piece];
        return Array.from(
          { length: Math.ceil(characters.length / length) },
          (_, i) => characters.slice(i * length, (i + 1) * length).join(""),
        );
      });
  },
};

/**
 * Compiles tokenizer.json's pre-tokenizer; undefined where there is none.
 *
 * @throws {CheckpointError} when it is malformed or of an unknown type.
 */
export function compilePreTokenizer(config: unknown, depth = 0): PreTokenizer | undefined {
  if (config === null || config === undefined) return undefined;
  if (!isObject(config) || depth > 16) throw new CheckpointError("its pre_tokenizer is malformed");
  const type = text(config, "type");
  if (type === "Sequence") {
    const all = list(config, "pretokenizers").map((one) => compilePreTokenizer(one, depth + 1));
    return (pieces, first) => all.reduce((pieces, one) => one ? one(pieces, first) : pieces, pieces);
  }
  if (!Object.hasOwn(KINDS, type)) {
    throw new CheckpointError(`its pre_tokenizer type "${type}" is not supported`);
  }
  return KINDS[type]!(config);
}
