/**
 * Unigram language models: of all ways to cut a word into pieces the likeliest (Kudo 2018; huggingface/tokenizers,
 * src/models/unigram).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { flag, type Json, list } from "./fields.ts";
import type { TokenModel } from "./token_model.ts";

/** How much less likely than the least likely piece an unknown character is. */
const UNKNOWN_PENALTY = 10;

const utf8 = new TextEncoder();

/**
 * The model that tokenizer.json describes.
 *
 * @param ids the vocabulary's ids by piece.
 * @throws {CheckpointError} when a field is malformed.
 */
export function unigram(config: Json, ids: ReadonlyMap<string, number>): TokenModel {
  const pieces = list(config, "vocab") as [string, number][];
  const scores = pieces.map(([, score]) => score);
  const least = scores.reduce((a, b) => Math.min(a, b), Infinity);
  const unknown = config.unk_id ?? undefined;
  if (unknown !== undefined && !(Number.isInteger(unknown) && scores[unknown as number] !== undefined)) {
    throw new CheckpointError(`"unk_id" must be one of its ${pieces.length} ids`);
  }
  const byteFallback = flag(config, "byte_fallback", false);

  // A trie over UTF-16 units: the node behind a node by a unit.
  const children = new Map<number, number>();
  const pieceAt: (number | undefined)[] = [undefined];
  for (const [piece, id] of ids) {
    let node = 0;
    for (let at = 0; at < piece.length; at++) {
      const key = node * 65536 + piece.charCodeAt(at);
      let child = children.get(key);
      if (child === undefined) {
        child = pieceAt.length;
        pieceAt.push(undefined);
        children.set(key, child);
      }
      node = child;
    }
    if (node > 0) pieceAt[node] = id;
  }

  /** The best cut: pieces' ends and ids, from the last to the first; undefined ids are unknown characters. */
  function cut(word: string): { from: number; to: number; id: number | undefined }[] {
    const { length } = word;
    const best = new Float64Array(length + 1).fill(-Infinity);
    const starts = new Int32Array(length + 1).fill(-1);
    const chosen = new Int32Array(length + 1).fill(-1);
    best[0] = 0;
    for (let from = 0; from < length;) {
      const width = word.codePointAt(from)! > 0xffff ? 2 : 1;
      const offer = (to: number, { id, score }: { id: number; score: number }) => {
        const total = score + best[from]!;
        if (starts[to]! >= 0 && !(total > best[to]!)) return;
        [best[to], starts[to], chosen[to]] = [total, from, id];
      };
      let single = false;
      let node: number | undefined = 0;
      for (let to = from; to < length;) {
        node = children.get(node * 65536 + word.charCodeAt(to++));
        if (node === undefined) break;
        const id = pieceAt[node];
        if (id === undefined) continue;
        offer(to, { id, score: scores[id]! });
        single ||= to - from === width;
      }
      if (!single) offer(from + width, { id: -1, score: least - UNKNOWN_PENALTY });
      from += width;
    }
    const found = [];
    for (let to = length; to > 0; to = starts[to]!) {
      found.push({ from: starts[to]!, to, id: chosen[to]! < 0 ? undefined : chosen[to]! });
    }
    return found;
  }

  return {
    encode(word) {
      const out: number[] = [];
      const found = cut(word).reverse();
      for (let at = 0; at < found.length; at++) {
        const { id, from } = found[at]!;
        if (id !== undefined && id !== unknown) {
          out.push(id);
          continue;
        }
        // Neighbouring unknown characters are one.
        while (at + 1 < found.length && (found[at + 1]!.id ?? unknown) === unknown) at++;
        const text = word.slice(from, found[at]!.to);
        const bytes = byteFallback
          ? Array.from(
            utf8.encode(text),
            (byte) => ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
          )
          : [undefined];
        if (!bytes.includes(undefined)) out.push(...bytes as number[]);
        else if (unknown !== undefined) out.push(unknown as number);
        else throw new CheckpointError("a character is not in the vocabulary, which has no unk_id");
      }
      return out;
    },
  };
}
