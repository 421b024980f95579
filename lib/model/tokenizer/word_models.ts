/**
 * Models that know whole words, or words and their ends (huggingface/tokenizers, src/models/wordlevel, wordpiece).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { type Json, text, whole } from "./fields.ts";
import type { TokenModel } from "./token_model.ts";

function unknownId(config: Json, ids: ReadonlyMap<string, number>): () => number {
  const token = text(config, "unk_token", "[UNK]");
  return () => {
    const id = ids.get(token);
    if (id !== undefined) return id;
    throw new CheckpointError(`its unk_token ${JSON.stringify(token)} is not in the vocabulary`);
  };
}

/** A word is a token or unknown. */
export function wordLevel(config: Json, ids: ReadonlyMap<string, number>): TokenModel {
  const unknown = unknownId(config, ids);
  return { encode: (word) => [ids.get(word) ?? unknown()] };
}

/** A word is its longest beginning, then the longest beginning of what follows, marked by a prefix, and so on. */
export function wordPiece(config: Json, ids: ReadonlyMap<string, number>): TokenModel {
  const unknown = unknownId(config, ids);
  const prefix = text(config, "continuing_subword_prefix", "##");
  const most = whole(config, "max_input_chars_per_word", 100);
  return {
    encode(word) {
      const characters = [...word];
      if (characters.length > most) return [unknown()];
      const out: number[] = [];
      for (let from = 0; from < characters.length;) {
        let to = characters.length;
        let id: number | undefined;
        for (; to > from && id === undefined; to--) {
          id = ids.get((from > 0 ? prefix : "") + characters.slice(from, to).join(""));
        }
        if (id === undefined) return [unknown()];
        out.push(id);
        from = to + 1;
      }
      return out;
    },
  };
}
