/**
 * SentencePiece's tokenizer.model: what protocol buffers hold of it, as the GGUF reader takes vocabularies.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { Metadata } from "../gguf/metadata.ts";
import { ggufTokenizer, type TokenizerFiles } from "../gguf/tokenizer.ts";

/** A field of a message: its number, and its value by wire type. */
type Field =
  | { readonly number: number; readonly varint: number }
  | { readonly number: number; readonly float: number }
  | { readonly number: number; readonly bytes: Uint8Array };

/** SentencePiece's model types that are merged pair by pair (sentencepiece_model.proto). */
const BPE = 2;

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

/** The last varint of a number among a message's fields, as int32. */
function int32(message: Uint8Array, number: number): number | undefined {
  let found: number | undefined;
  for (const field of fields(message)) {
    // Negative numbers are written with 64 bits.
    if (field.number === number && "varint" in field) found = field.varint >= 2 ** 31 ? -1 : field.varint;
  }
  return found;
}

/**
 * tokenizer.json and tokenizer_config.json of a tokenizer.model of the BPE kind, as Llama 2 and Mistral have it: a BOS before,
 * no EOS behind.
 *
 * @param path the file, for messages.
 * @param config tokenizer_config.json, if there is one: what it says counts for more.
 * @throws {CheckpointError} when it is malformed, or of another kind.
 */
export function sentencePieceTokenizer(
  model: Uint8Array,
  { path, config }: { path: string; config: Record<string, unknown> },
): TokenizerFiles {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const [tokens, scores, kinds] = [[] as string[], [] as number[], [] as number[]];
  let [trainer, normalizer] = [new Uint8Array(), new Uint8Array()];
  try {
    for (const field of fields(model)) {
      if (!("bytes" in field)) continue;
      if (field.number === 2) trainer = field.bytes as Uint8Array<ArrayBuffer>;
      if (field.number === 3) normalizer = field.bytes as Uint8Array<ArrayBuffer>;
      if (field.number !== 1) continue;
      let [piece, score, kind] = ["", 0, 1];
      for (const part of fields(field.bytes)) {
        if (part.number === 1 && "bytes" in part) piece = decoder.decode(part.bytes);
        if (part.number === 2 && "float" in part) score = part.float;
        if (part.number === 3 && "varint" in part) kind = part.varint;
      }
      tokens.push(piece);
      scores.push(score);
      kinds.push(kind);
    }
    if (tokens.length === 0) throw new RangeError("it has no pieces");
    const type = int32(trainer, 3) ?? 1;
    if (type !== BPE) throw new RangeError(`its model_type must be ${BPE} (BPE), current value is ${type}`);
    const special = (number: number, otherwise: number) => {
      const id = int32(trainer, number) ?? otherwise;
      return id >= 0 && id < tokens.length ? id : undefined;
    };
    const flag = (key: string, otherwise: boolean) =>
      typeof config[key] === "boolean" ? config[key] : otherwise;
    const ids = {
      unknown: special(40, 0),
      bos: special(41, 1),
      eos: special(42, 2),
      padding: special(43, -1),
    };
    const metadata = {
      "tokenizer.ggml.model": "llama",
      "tokenizer.ggml.tokens": tokens,
      "tokenizer.ggml.scores": scores,
      "tokenizer.ggml.token_type": kinds,
      "tokenizer.ggml.add_space_prefix": int32(normalizer, 3) !== 0,
      "tokenizer.ggml.add_bos_token": flag("add_bos_token", true),
      "tokenizer.ggml.add_eos_token": flag("add_eos_token", false),
      ...Object.fromEntries(
        Object.entries(ids).filter(([, id]) => id !== undefined)
          .map(([name, id]) => [`tokenizer.ggml.${name}_token_id`, id]),
      ),
    };
    const files = ggufTokenizer(new Metadata(metadata as ConstructorParameters<typeof Metadata>[0], path));
    return { ...files, "tokenizer_config.json": { ...files["tokenizer_config.json"], ...config } };
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`Cannot use ${path}: ${(cause as Error).message}`, { cause });
  }
}
