/**
 * Texts that a model writes itself, to calibrate it with: they need no data, and are of what it has learned.
 *
 * @module
 */
import { dirname } from "node:path";
import { cacheFolder } from "../cache_folder.ts";
import { OptionError } from "../errors.ts";
import { tryTo } from "../files/disk.ts";
import { readObject, writeJson } from "../files/json_file.ts";
import { sha256 } from "../files/sha256.ts";
import { generate } from "../model/generate.ts";
import type { Model } from "../model/model.ts";
import { modelHash } from "../model/model_hash.ts";
import { Random } from "../random.ts";

/** Options of {@linkcode writtenSamples}. */
export interface WrittenOptions {
  /** Tokens in all, at least; 8192 when absent. */
  tokens?: number;
  /** The same seed gives the same texts; 0 when absent. */
  seed?: number;
  /** The folder that keeps them; the library's own in the user's cache when absent, null for none. */
  cache?: string | null;
  /** Is told of the tokens written. */
  onProgress?: (done: number, total: number) => void;
}

/** Tokens of a text at most. */
const LENGTH = 256;

/**
 * Has a model write texts, drawn from its own predictions, each from its beginning-of-sequence token or, where it has none, from
 * a token drawn at random (LLM-QAT, Liu and others 2023). They are kept by the model's hash.
 *
 * @throws {OptionError} when a number is out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadModel } from "any4";
 * import { writtenSamples } from "any4/quantize";
 * using model = await loadModel("tinyworld");
 * const options = { tokens: 50, cache: null };
 * assertEquals(await writtenSamples(model, options), await writtenSamples(model, options));
 * ```
 */
export async function writtenSamples(model: Model, options: WrittenOptions = {}): Promise<string[]> {
  const { tokens = 8192, seed = 0, cache = cacheFolder(), onProgress } = options;
  for (const [name, value, least] of [["tokens", tokens, 1], ["seed", seed, 0]] as const) {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new OptionError(
        `Cannot write samples: ${name} must be a whole number of at least ${least}, current value is ${value}`,
      );
    }
  }
  const path = cache &&
    `${cache}/written/${sha256([modelHash(model), `${tokens} ${seed}`]).slice(0, 16)}.json`;
  const kept = path ? readObject(path)?.texts : undefined;
  if (Array.isArray(kept)) return kept;
  const texts: string[] = [];
  for (let written = 0, i = 0; written < tokens; i++) {
    const { text, count } = await writeOne(model, new Random(seed * 2 ** 20 + i));
    written += count;
    if (text !== "") texts.push(text);
    onProgress?.(Math.min(written, tokens), tokens);
  }
  if (path) {
    tryTo(() => {
      Deno.mkdirSync(dirname(path), { recursive: true });
      writeJson(path, { texts });
    });
  }
  return texts;
}

/** One text and its tokens. */
async function writeOne(model: Model, random: Random): Promise<{ text: string; count: number }> {
  const { tokenizer, config } = model;
  let start = "";
  while (start === "" && tokenizer.encode("").length === 0) {
    start = tokenizer.decode([random.integer(config.vocab_size)]).replaceAll("\ufffd", "");
  }
  const maxTokens = Math.min(LENGTH, config.max_position_embeddings - tokenizer.encode(start).length);
  const { text, tokens } = await generate(model, start, {
    maxTokens,
    temperature: 1,
    seed: random.integer(2 ** 31),
  });
  return { text: start + text, count: tokens.length + 1 };
}
