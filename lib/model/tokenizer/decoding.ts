/**
 * Tokens to text, one token at a time: the decoders of tokenizer.json (huggingface/tokenizers, src/decoders) as stages
 * that hold back what later tokens may still change, and nothing else.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { tokenBytes } from "./byte_level.ts";
import { isObject, type Json, list, object, text, whole } from "./fields.ts";
import { onigurumaPattern } from "./pattern.ts";

/** A step between tokens and text. Takes one piece of text and returns those that are settled. */
interface Stage {
  push(piece: string): string[];
  /** Nothing more will come: what was held back. */
  flush(): string[];
}

/** Makes a stage; `fused` says that all it will see is one token, in pieces. */
type MakeStage = (fused: boolean) => Stage;

/** A compiled decoder: each text needs stages of its own. */
export type MakeStages = () => Stage[];

const unchanged = () => [];

/** A stage that changes each piece by itself. */
const each = (change: (piece: string, index: number) => string): Stage => {
  let index = 0;
  return { push: (piece) => [change(piece, index++)], flush: unchanged };
};

/** A stage that has to see all pieces of the one token. */
const wholeToken = (change: (token: string) => string): Stage => {
  const pieces: string[] = [];
  return {
    push(piece) {
      pieces.push(piece);
      return [];
    },
    flush: () => pieces.length === 0 ? [] : [change(pieces.join(""))],
  };
};

const oneOrWhole = (fused: boolean, change: (token: string, index: number) => string): Stage =>
  fused ? wholeToken((token) => change(token, 0)) : each(change);

/** Bytes of byte-level tokens; those of an unfinished character wait. */
function byteLevel(): Stage {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return {
    push: (token) => [decoder.decode(tokenBytes(token), { stream: true })],
    flush: () => [decoder.decode()],
  };
}

const BYTE_TOKEN = /^<0x(?:[0-9a-f]{2}|\+[0-9a-f])>$/i;

/** Tokens such as "<0xE2>": a run of them is a text if all of it is UTF-8, else each is U+FFFD. */
function byteFallback(): Stage {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let run: number[] = [];
  const flush = () => {
    if (run.length === 0) return [];
    const bytes = Uint8Array.from(run);
    run = [];
    try {
      return [decoder.decode(bytes)];
    } catch {
      return Array.from(bytes, () => "\uFFFD");
    }
  };
  return {
    push(token) {
      if (!BYTE_TOKEN.test(token)) return [...flush(), token];
      run.push(parseInt(token.slice(3, 5), 16));
      return [];
    },
    flush,
  };
}

/** Takes characters off a token's start and end: at most so many, and only those. */
function strip(config: Json): MakeStage {
  const content = text(config, "content");
  const [start, stop] = [whole(config, "start"), whole(config, "stop")];
  const cut = (token: string) => {
    const characters = [...token];
    let from = 0;
    while (from < Math.min(start, characters.length) && characters[from] === content) from++;
    let to = characters.length;
    while (to > 0 && characters.length - to < stop && characters[to - 1] === content) to--;
    return characters.slice(from, Math.max(from, to)).join("");
  };
  return (fused) => {
    if (!fused || stop > 0) return oneOrWhole(fused, cut);
    let left = start;
    return each((piece) => {
      let at = 0;
      while (left > 0 && at < piece.length && piece.startsWith(content, at)) {
        at += content.length;
        left--;
      }
      if (at < piece.length) left = 0;
      return piece.slice(at);
    });
  };
}

function replace(config: Json): MakeStage {
  const pattern = onigurumaPattern(object(config, "pattern"));
  const content = text(config, "content");
  const given = (config.pattern as Json).String;
  const single = typeof given === "string" && [...given].length === 1;
  const change = (token: string) => token.replaceAll(pattern, () => content);
  return (fused) => single ? each(change) : oneOrWhole(fused, change);
}

/** "▁" is a space, but in the first token it is none, where spaces were put first. */
function metaspace(config: Json): MakeStage {
  const replacement = text(config, "replacement", "▁");
  const never = config.prepend_scheme === "never" || config.add_prefix_space === false;
  const change = (token: string, index: number) =>
    token.replaceAll(replacement, index === 0 && !never ? "" : " ");
  return (fused) => each((piece, index) => change(piece, fused ? 0 : index));
}

function wordPiece(config: Json): MakeStage {
  const prefix = text(config, "prefix", "##");
  const cleanup = config.cleanup !== false;
  return (fused) =>
    oneOrWhole(fused, (token, index) => {
      if (index > 0) token = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      return cleanup ? cleanUp(token, true) : token;
    });
}

/** A suffix ends a word: it is a space but in the last token. */
function bpeDecoder(config: Json): MakeStage {
  const suffix = text(config, "suffix", "</w>");
  const change = (token: string, by: string) => suffix === "" ? token : token.replaceAll(suffix, by);
  return (fused) => {
    if (fused) return wholeToken((token) => change(token, ""));
    let held: string | undefined;
    return {
      push(token) {
        const before = held;
        held = token;
        return before === undefined ? [] : [change(before, " ")];
      },
      flush: () => held === undefined ? [] : [change(held, "")],
    };
  };
}

const CLEANED = [" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"] as const;

/** What transformers' clean_up_tokenization does, or, `more`, the tokenizers library's. */
export function cleanUp(text: string, more = false): string {
  for (const pattern of CLEANED) {
    text = text.replaceAll(pattern, pattern.trim());
    if (more && pattern === " 'm") text = text.replaceAll(" do not", " don't");
  }
  return text;
}

/** Cleaning up of a whole text. Inside of a word, behind its second letter, no pattern can begin or end. */
export function cleanUpStage(): Stage {
  let held = "";
  return {
    push(piece) {
      held += piece;
      let at = held.length - 1;
      while (at > 1 && !/^[\p{L}\p{N}]{3}$/u.test(held.slice(at - 2, at + 1))) at--;
      if (at <= 1) return [];
      const settled = held.slice(0, at);
      held = held.slice(at);
      return [cleanUp(settled)];
    },
    flush: () => [cleanUp(held)],
  };
}

const KINDS: Readonly<Record<string, (config: Json) => MakeStage>> = {
  ByteLevel: () => byteLevel,
  ByteFallback: () => (fused) => fused ? each((piece) => piece) : byteFallback(),
  Fuse: () => () => each((piece) => piece),
  Strip: strip,
  Replace: replace,
  Metaspace: metaspace,
  WordPiece: wordPiece,
  BPEDecoder: bpeDecoder,
};

/**
 * Compiles tokenizer.json's decoder; without one, tokens are joined with spaces.
 *
 * @throws {CheckpointError} when it is malformed or of an unknown type.
 */
export function compileDecoder(decoder: unknown): MakeStages {
  if (decoder === null || decoder === undefined) {
    return () => [each((token, index) => index === 0 ? token : ` ${token}`)];
  }
  const makers: { make: MakeStage; fused: boolean }[] = [];
  let fused = false;
  const compile = (config: unknown, depth: number) => {
    if (!isObject(config) || depth > 16) throw new CheckpointError("its decoder is malformed");
    const type = text(config, "type");
    if (type === "Sequence") {
      for (const one of list(config, "decoders")) compile(one, depth + 1);
      return;
    }
    const kind = Object.hasOwn(KINDS, type) ? KINDS[type]! : undefined;
    if (!kind) throw new CheckpointError(`its decoder type "${type}" is not supported`);
    makers.push({ make: kind(config), fused });
    fused ||= type === "ByteLevel" || type === "Fuse";
  };
  compile(decoder, 0);
  return () => makers.map(({ make, fused }) => make(fused));
}

/** The text of tokens as they come. What a later token can still change is held back. */
export class TextStream {
  readonly #stages: Stage[];
  readonly #tokenOf: (id: number) => string | undefined;

  /**
   * Starts an empty text.
   *
   * @param tokenOf a token by its id; undefined for one that is left out.
   * @internal
   */
  constructor(stages: Stage[], tokenOf: (id: number) => string | undefined) {
    this.#stages = stages;
    this.#tokenOf = tokenOf;
  }

  /** Takes a token's id and returns the text that is new and settled, often "" in the middle of a character. */
  push(id: number): string {
    const token = this.#tokenOf(id);
    return token === undefined ? "" : this.#run([token], 0);
  }

  /** Ends the text and returns what was held back. */
  flush(): string {
    let settled = "";
    for (const [at, stage] of this.#stages.entries()) settled += this.#run(stage.flush(), at + 1);
    return settled;
  }

  #run(pieces: string[], from: number): string {
    for (let at = from; at < this.#stages.length && pieces.length > 0; at++) {
      const stage = this.#stages[at]!;
      pieces = pieces.length === 1 ? stage.push(pieces[0]!) : pieces.flatMap((piece) => stage.push(piece));
    }
    return pieces.length === 1 ? pieces[0]! : pieces.join("");
  }
}
