/**
 * SentencePiece's tokenizer.model as tokenizer.json (sentencepiece_model.proto; transformers, convert_slow_tokenizer.py).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import type { Json } from "./fields.ts";
import { type Piece, scoreMerges } from "./score_merges.ts";

/** A field of a message: its number, and its value by wire type. */
type Field =
  | { readonly number: number; readonly varint: number }
  | { readonly number: number; readonly float: number }
  | { readonly number: number; readonly bytes: Uint8Array };

/** Kinds of models. */
const [UNIGRAM, BPE] = [1, 2];

/** Kinds of pieces. */
const [NORMAL, CONTROL, USER_DEFINED] = [1, 3, 4];

/** The fields of a message (protobuf.dev/programming-guides/encoding), in order. @throws {RangeError} where it is cut off. */
function* fields(message: Uint8Array): Iterable<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = view.getUint8(at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const type = tag % 8;
    if (type === 0) yield { number, varint: varint() };
    else if (type === 5) yield { number, float: view.getFloat32((at += 4) - 4, true) };
    else if (type === 1) at += 8;
    else if (type === 2) {
      const length = varint();
      if (length > message.length - at) throw new RangeError("a field is longer than its message");
      yield { number, bytes: message.subarray(at, at += length) };
    } else throw new RangeError(`a field has the unknown wire type ${type}`);
  }
}

/** The last values of a message's fields, by number. */
class Message {
  readonly #numbers = new Map<number, number>();
  readonly #bytes = new Map<number, Uint8Array>();

  constructor(message: Uint8Array) {
    for (const field of fields(message)) {
      if ("varint" in field) this.#numbers.set(field.number, field.varint);
      if ("float" in field) this.#numbers.set(field.number, field.float);
      if ("bytes" in field) this.#bytes.set(field.number, field.bytes);
    }
  }

  number(number: number, otherwise: number): number {
    return this.#numbers.get(number) ?? otherwise;
  }

  /** Negative numbers are written with 64 bits. */
  int32(number: number, otherwise: number): number {
    const value = this.number(number, otherwise);
    return value >= 2 ** 31 ? -1 : value;
  }

  flag(number: number, otherwise: boolean): boolean {
    return this.number(number, Number(otherwise)) !== 0;
  }

  text(number: number, otherwise: string): string {
    const bytes = this.#bytes.get(number);
    return bytes ? new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) : otherwise;
  }

  bytes(number: number): Uint8Array {
    return this.#bytes.get(number) ?? new Uint8Array();
  }
}

interface Kinds {
  readonly piece: Piece & { readonly kind: number };
}

function readPieces(model: Uint8Array): Kinds["piece"][] {
  const pieces = [];
  for (const field of fields(model)) {
    if (field.number !== 1 || !("bytes" in field)) continue;
    const message = new Message(field.bytes);
    const kind = message.number(3, NORMAL);
    const score = message.number(2, 0);
    if (!Number.isFinite(score)) throw new RangeError(`the score of piece ${pieces.length} is ${score}`);
    pieces.push({ text: message.text(1, ""), score, kind, normal: kind === NORMAL });
  }
  if (pieces.length === 0) throw new RangeError("it has no pieces");
  return pieces;
}

/** tokenizer.json and what tokenizer_config.json says by default. */
export interface SentencePieceFiles {
  readonly json: Json;
  readonly config: Json;
}

/**
 * tokenizer.json and tokenizer_config.json of a tokenizer.model, of the BPE kind, as Llama 2 and Mistral have it, or the
 * unigram kind: a BOS before, where there is one, and no EOS behind.
 *
 * @param path the file, for messages.
 * @param config tokenizer_config.json, if there is one: what it says counts for more.
 * @throws {CheckpointError} when it is malformed, or of another kind.
 */
export function sentencePieceTokenizer(
  model: Uint8Array,
  { path, config }: { path: string; config: Json },
): SentencePieceFiles {
  try {
    const pieces = readPieces(model);
    const whole = new Message(model);
    const [trainer, normalizer] = [new Message(whole.bytes(2)), new Message(whole.bytes(3))];
    const type = trainer.int32(3, UNIGRAM);
    if (type !== UNIGRAM && type !== BPE) {
      throw new RangeError(
        `its model_type must be ${UNIGRAM} (unigram) or ${BPE} (BPE), current value is ${type}`,
      );
    }
    const special = (number: number, otherwise: number) => {
      const id = trainer.int32(number, otherwise);
      return id >= 0 && id < pieces.length ? pieces[id]!.text : undefined;
    };
    const tokens = {
      unk_token: special(40, 0),
      bos_token: special(41, 1),
      eos_token: special(42, 2),
      pad_token: special(43, -1),
    };
    const how = { pieces, trainer, normalizer, legacy: config.legacy !== false };
    return {
      json: {
        version: "1.0",
        truncation: null,
        padding: null,
        added_tokens: addedTokens(pieces, tokens.unk_token),
        ...surface(how),
        post_processor: null,
        model: type === BPE ? bpeModel(how, tokens.unk_token) : unigramModel(how),
      },
      config: {
        tokenizer_class: "PreTrainedTokenizerFast",
        clean_up_tokenization_spaces: false,
        ...Object.fromEntries(Object.entries(tokens).filter(([, token]) => token !== undefined)),
        add_bos_token: tokens.bos_token !== undefined,
        add_eos_token: false,
      },
    };
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`Cannot use ${path}: ${(cause as Error).message}`, { cause });
  }
}

interface How {
  readonly pieces: readonly Kinds["piece"][];
  readonly trainer: Message;
  readonly normalizer: Message;
  /** Whether spaces are put before every text between added tokens, or before the first only. */
  readonly legacy: boolean;
}

/** Control and unknown pieces. */
function addedTokens(pieces: How["pieces"], unknown: string | undefined): Json[] {
  return pieces.flatMap(({ text, kind }, id) => {
    if (text === "" || (kind !== CONTROL && text !== unknown)) return [];
    const how = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content: text, ...how, special: true }];
  });
}

/** Pieces that users defined, the longest first: they are found whole, behind the space that is put first. */
function userDefined(pieces: How["pieces"]): string[] {
  return pieces.filter(({ kind, text }) => kind === USER_DEFINED && text !== "").map(({ text }) => text)
    .sort((a, b) => b.length - a.length);
}

/** Normalizer, pre-tokenizer and decoder. */
function surface({ pieces, trainer, normalizer, legacy }: How): Json {
  const [prefix, extra, escape] = [
    normalizer.flag(3, true),
    normalizer.flag(4, true),
    normalizer.flag(5, true),
  ];
  const charsmap = normalizer.bytes(2);
  const replace = (pattern: Json, content: string) => ({ type: "Replace", pattern, content });
  const normalizers = [
    ...charsmap.length > 0 ? [{ type: "Precompiled", precompiled_charsmap: charsmap.toBase64() }] : [],
    // Only spaces count; other white space is left alone.
    ...extra ? [replace({ Regex: "\\A +| +\\z" }, ""), replace({ Regex: " {2,}" }, " ")] : [],
    ...escape ? [replace({ String: " " }, "▁")] : [],
    // Metaspace puts no "▁" before one that is there.
    ...prefix && legacy ? [replace({ Regex: "\\A▁" }, "▁▁")] : [],
  ];
  const scheme = legacy ? "always" : "first";
  const whole = userDefined(pieces).map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|");
  const preTokenizers = [
    ...prefix ? [{ type: "Metaspace", replacement: "▁", prepend_scheme: scheme, split: false }] : [],
    ...whole === ""
      ? []
      : [{ type: "Split", pattern: { Regex: whole }, behavior: "Isolated", invert: false }],
  ];
  const bytes = trainer.flag(35, false);
  return {
    normalizer: normalizers.length > 0 ? { type: "Sequence", normalizers } : null,
    pre_tokenizer: preTokenizers.length > 0 ? { type: "Sequence", pretokenizers: preTokenizers } : null,
    decoder: {
      type: "Sequence",
      decoders: [
        replace({ String: "▁" }, " "),
        ...bytes ? [{ type: "ByteFallback" }] : [],
        ...bytes || prefix ? [{ type: "Fuse" }] : [],
        ...prefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [],
      ],
    },
  };
}

function bpeModel({ pieces, trainer }: How, unknown: string | undefined): Json {
  return {
    type: "BPE",
    dropout: null,
    unk_token: unknown ?? null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: trainer.flag(35, false),
    ignore_merges: userDefined(pieces).length > 0,
    // Of equal pieces the first is meant.
    vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id] as const).reverse()),
    merges: scoreMerges(pieces),
  };
}

function unigramModel({ pieces, trainer }: How): Json {
  return {
    type: "Unigram",
    unk_id: trainer.int32(40, 0),
    byte_fallback: trainer.flag(35, false),
    vocab: pieces.map(({ text, score }) => [text, score]),
  };
}
