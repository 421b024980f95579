/**
 * Byte-pair encoding: the pair of neighbours that was merged first in training is merged first
 * (Sennrich et al. 2016; huggingface/tokenizers, src/models/bpe).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { quote } from "../../files/safetensors/messages.ts";
import { flag, type Json, list, optionalText } from "./fields.ts";
import type { TokenModel } from "./token_model.ts";

/** Ids of words that are remembered, and the longest such word. */
const REMEMBERED = 1 << 14;
const LONGEST_REMEMBERED = 256;

/** 2^32: a rank and a position make one number that sorts by rank, then by position. */
const POSITIONS = 2 ** 32;

const utf8 = new TextEncoder();

/** The ids of merged pairs, by rank. */
interface Merges {
  /** Ranks by left · size + right. */
  readonly ranks: ReadonlyMap<number, number>;
  readonly merged: Int32Array;
  readonly size: number;
}

function readMerges(
  merges: readonly unknown[],
  { ids, prefix }: { ids: ReadonlyMap<string, number>; prefix: string },
): Merges {
  let size = 0;
  for (const id of ids.values()) size = Math.max(size, id + 1);
  const ranks = new Map<number, number>();
  const merged = new Int32Array(merges.length);
  for (const [rank, merge] of merges.entries()) {
    const [left, right, more] = typeof merge === "string"
      ? merge.split(" ")
      : Array.isArray(merge)
      ? merge
      : [];
    if (typeof left !== "string" || typeof right !== "string" || more !== undefined) {
      throw new CheckpointError(`merge ${rank} must be a pair of tokens`);
    }
    const whole = left + right.slice(prefix.length);
    const [a, b, id] = [ids.get(left), ids.get(right), ids.get(whole)];
    if (a === undefined || b === undefined || id === undefined) {
      const missing = a === undefined ? left : b === undefined ? right : whole;
      throw new CheckpointError(`merge ${rank} needs ${quote(missing)}, which is not in the vocabulary`);
    }
    ranks.set(a * size + b, rank);
    merged[rank] = id;
  }
  return { ranks, merged, size };
}

/** A heap of numbers, the smallest on top. */
class Heap {
  readonly #items: number[] = [];

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent]! <= item) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1]! < items[child]!) child++;
      if (items[child]! >= last) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return top;
  }
}

/** Merges ids in place, O(n log n). @returns how many are left. */
function mergeAll(ids: Int32Array, { ranks, merged, size }: Merges): number {
  const length = ids.length;
  const next = Int32Array.from({ length }, (_, i) => i + 1);
  const before = Int32Array.from({ length }, (_, i) => i - 1);
  const heap = new Heap();
  const consider = (left: number) => {
    const right = next[left]!;
    if (right >= length) return;
    const rank = ranks.get(ids[left]! * size + ids[right]!);
    if (rank !== undefined) heap.push(rank * POSITIONS + left);
  };
  for (let i = 0; i + 1 < length; i++) consider(i);
  for (let item; (item = heap.pop()) !== undefined;) {
    const rank = Math.floor(item / POSITIONS);
    const left = item - rank * POSITIONS;
    const right = next[left]!;
    // One of the two may have been merged since.
    if (ids[left]! < 0 || right >= length) continue;
    const now = ranks.get(ids[left]! * size + ids[right]!);
    if (now === undefined || merged[now] !== merged[rank]) continue;
    ids[left] = merged[rank]!;
    ids[right] = -1;
    const after = next[right]!;
    next[left] = after;
    if (after < length) before[after] = left;
    if (before[left]! >= 0) consider(before[left]!);
    consider(left);
  }
  let kept = 0;
  for (let i = 0; i < length; i = next[i]!) ids[kept++] = ids[i]!;
  return kept;
}

/**
 * The model that tokenizer.json describes.
 *
 * @param ids the vocabulary's ids by token.
 * @throws {CheckpointError} when a merge's tokens are not in the vocabulary, or a field is malformed.
 */
export function bpe(config: Json, ids: ReadonlyMap<string, number>): TokenModel {
  const unknownToken = optionalText(config, "unk_token");
  const prefix = optionalText(config, "continuing_subword_prefix") ?? "";
  const suffix = optionalText(config, "end_of_word_suffix") ?? "";
  const fuseUnknown = flag(config, "fuse_unk", false);
  const byteFallback = flag(config, "byte_fallback", false);
  const ignoreMerges = flag(config, "ignore_merges", false);
  const merges = readMerges(list(config, "merges", []), { ids, prefix });
  const unknown = unknownToken === undefined ? undefined : ids.get(unknownToken);
  const bytes = byteFallback
    ? Array.from(
      { length: 256 },
      (_, byte) => ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
    )
    : undefined;
  const remembered = new Map<string, readonly number[]>();

  /** The ids of a word's characters. */
  function characters(word: string): number[] {
    const out: number[] = [];
    let pending: number | undefined;
    let at = 0;
    for (const character of word) {
      const from = at;
      at += character.length;
      const text = (from > 0 ? prefix : "") + character + (at === word.length ? suffix : "");
      const id = ids.get(text);
      if (id !== undefined) {
        if (pending !== undefined) out.push(pending);
        pending = undefined;
        out.push(id);
        continue;
      }
      const fallback = bytes && Array.from(utf8.encode(text), (byte) => bytes[byte]);
      if (fallback && !fallback.includes(undefined)) {
        out.push(...fallback as number[]);
        continue;
      }
      if (unknownToken === undefined) continue;
      if (unknown === undefined) {
        throw new CheckpointError(`its unk_token ${quote(unknownToken)} is not in the vocabulary`);
      }
      if (pending !== undefined && !fuseUnknown) out.push(pending);
      pending = unknown;
    }
    if (pending !== undefined) out.push(pending);
    return out;
  }

  function wordIds(word: string): readonly number[] {
    if (ignoreMerges) {
      const whole = ids.get(word);
      if (whole !== undefined) return [whole];
    }
    const letters = Int32Array.from(characters(word));
    return Array.from(letters.subarray(0, mergeAll(letters, merges)));
  }

  return {
    encode(word) {
      const known = remembered.get(word);
      if (known) return known;
      const found = wordIds(word);
      if (word.length < LONGEST_REMEMBERED) {
        if (remembered.size >= REMEMBERED) remembered.clear();
        remembered.set(word, found);
      }
      return found;
    },
  };
}
