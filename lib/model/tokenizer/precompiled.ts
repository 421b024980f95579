/**
 * SentencePiece's normalization: replacements that a model brings along, found in a double-array trie
 * (sentencepiece, src/normalizer.cc; darts-clone).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const utf8 = { encoder: new TextEncoder(), decoder: new TextDecoder("utf-8", { ignoreBOM: true }) };

/**
 * The normalizer that a character map describes.
 *
 * @param charsmap in Base64: the trie's size in bytes, its units of 32 bits, then texts that end with a zero byte.
 * @throws {CheckpointError} when it is cut off.
 */
export function precompiled(charsmap: string): (text: string) => string {
  let bytes;
  try {
    bytes = Uint8Array.fromBase64(charsmap);
  } catch (cause) {
    throw new CheckpointError("its precompiled_charsmap is not Base64", { cause });
  }
  if (bytes.length === 0) return (text) => text;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length >= 4 ? view.getUint32(0, true) : -1;
  if (size < 4 || size % 4 !== 0 || size > bytes.length - 4) {
    throw new CheckpointError("its precompiled_charsmap is cut off");
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const texts = bytes.subarray(4 + size);

  /** What the shortest entry that the text begins with becomes; the library takes that one, not the longest. */
  const lookup = (text: string): string | undefined => {
    let at = 0;
    let unit = units[0]!;
    at ^= offset(unit);
    for (const byte of utf8.encoder.encode(text)) {
      if (byte === 0) return undefined;
      at ^= byte;
      unit = units[at] ?? 0xffffffff;
      if ((unit & 0x800000ff) !== byte) return undefined;
      at ^= offset(unit);
      if ((unit >>> 8 & 1) === 1) {
        const from = (units[at] ?? 0) & 0x7fffffff;
        const end = texts.indexOf(0, from);
        return utf8.decoder.decode(texts.subarray(from, end < 0 ? texts.length : end));
      }
    }
    return undefined;
  };

  const known = new Map<string, string>();
  const one = (text: string): string | undefined => {
    let found = known.get(text);
    if (found === undefined) {
      const made = lookup(text);
      if (made === undefined) return undefined;
      if (known.size < 1 << 14) known.set(text, made);
      found = made;
    }
    return found;
  };
  return (text) => {
    let changed = "";
    for (const { segment } of graphemes.segment(text)) {
      // Short graphemes are looked up whole, then character by character.
      const whole = bytesOf(segment) < 6 ? one(segment) : undefined;
      if (whole !== undefined) changed += whole;
      else for (const character of segment) changed += one(character) ?? character;
    }
    return changed;
  };
}

/** Where a unit's children begin, relative to it. */
function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

/** A text's bytes in UTF-8; more than 6 are counted as many. */
function bytesOf(text: string): number {
  return text.length > 6 ? text.length : utf8.encoder.encode(text).length;
}
