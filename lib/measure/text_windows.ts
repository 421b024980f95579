/**
 * Perplexity by the recipes of others: which windows of a text are predicted, and how their losses are averaged.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { interruptible } from "../event_loop.ts";
import { sha256 } from "../files/sha256.ts";
import type { Model } from "../model/model.ts";
import { PythonRandom } from "../python_random.ts";
import { corpora, type Corpus } from "./data/corpora.ts";
import type { Row } from "./data/rows.ts";
import { type DataOptions, openRows } from "./data/source.ts";
import type { Watching } from "./predictions.ts";
import { detokenizeWikitext, pagesOfWikitext } from "./wikitext.ts";

/**
 * Recipes of perplexity: "gptq" averages the loss of windows of 2,048 ids that do not overlap; "llama.cpp" predicts the second
 * half of windows of 512, each with its own first token; "words" is lm-evaluation-harness's, e^(loss per word) of whole documents.
 */
export const recipes = ["gptq", "llama.cpp", "words"] as const;

/** A recipe's name. */
export type Recipe = typeof recipes[number];

/** Some ids that are predicted together. */
export interface Window {
  /** The ids. */
  readonly ids: number[];
  /** The first id that is predicted; those before are context. */
  readonly first: number;
  /** What the loss is divided by: predicted ids, or words of the document. */
  readonly weight: number;
}

/** The windows of a text. */
export interface CorpusWindows {
  /** The windows, in order. */
  readonly windows: Window[];
  /** Ids of a window at most. */
  readonly context: number;
  /** The files that the text is from. */
  readonly files: string[];
  /** SHA-256 of all ids: the same number means the same measurement. */
  readonly hash: string;
}

/** Which windows of a text are measured. */
export interface WindowOptions extends DataOptions {
  /** "gptq" when absent. */
  recipe?: Recipe;
  /** Ids of a window; the recipe's when absent. At most the model's context. */
  context?: number;
  /** Windows at most; the text's own number when absent. */
  windows?: number;
}

/** A perplexity over windows. */
export interface WindowedPerplexity {
  /** e to the mean loss. */
  readonly perplexity: number;
  /** Its standard error, over windows. */
  readonly stderr: number;
  /** Mean loss in nats, a token or a word. */
  readonly loss: number;
  /** The mean loss's standard error, over windows. */
  readonly lossStderr: number;
  /** Predicted tokens. */
  readonly tokens: number;
  /** Windows' losses in nats, summed over each, and what they are divided by. */
  readonly losses: readonly { readonly nats: number; readonly weight: number }[];
}

/**
 * The windows of a published text.
 *
 * @param name one of {@linkcode corpora}.
 * @throws {OptionError} when there is no such text, or it gives no whole window.
 *
 * @example
 * ```ts
 * import { loadModel } from "any4";
 * import { corpusWindows } from "any4/measure";
 * import { assertEquals } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const dataDir = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${dataDir}/wikitext-2.txt`, "Once upon a time, a king lived in a castle.");
 * const { windows } = await corpusWindows(model, "wikitext-2", { dataDir, context: 4 });
 * assertEquals(windows[0], { ids: model.tokenizer.encode("Once upon a time").slice(0, 4), first: 1, weight: 3 });
 * ```
 */
export async function corpusWindows(
  model: Model,
  name: string,
  options: WindowOptions = {},
): Promise<CorpusWindows> {
  const corpus = corpora.get(name);
  if (!corpus) {
    throw new OptionError(`Cannot measure on ${name}: expected one of ${[...corpora.keys()].join(", ")}`);
  }
  const { recipe = "gptq", context: asked, windows: most = corpus.windows ?? Infinity, ...data } = options;
  const { rows, files } = await openRows(corpus, { ...data, limit: corpus.documents });
  const longest = model.config.max_position_embeddings;
  const context = Math.min(
    asked ?? (recipe === "llama.cpp" ? 512 : recipe === "gptq" ? 2048 : longest),
    longest,
  );
  if (!(context >= 2)) {
    throw new OptionError(`Cannot measure: context must be at least 2 tokens, not ${context}`);
  }
  const texts = rows.map((row) => textOf(row, { corpus, name }));
  const made = recipe === "words"
    ? wordWindows(model, texts, { context, wikitext: name === "wikitext-2" })
    : idWindows(model, texts, { corpus, context, recipe });
  const windows: Window[] = [];
  for (const window of made) {
    if (windows.length === most) break;
    windows.push(window);
  }
  if (windows.length === 0) {
    throw new OptionError(
      `Cannot measure on ${name}: ${files.join(", ")} gives no window of ${context} tokens`,
    );
  }
  const hash = sha256(windows.flatMap(({ ids, first }) => [`${first} `, Uint32Array.from(ids)]));
  return { windows, context, files, hash };
}

function textOf(row: Row, { corpus, name }: { corpus: Corpus; name: string }): string {
  const text = row[corpus.column] ?? row.text;
  if (typeof text === "string") return text;
  throw new OptionError(
    `Cannot measure on ${name}: a row has no text in its column ${corpus.column}, its columns are ` +
      Object.keys(row).join(", "),
  );
}

/** Windows of `context` ids that do not overlap; what is left at the end is dropped. */
function* idWindows(
  model: Model,
  texts: readonly string[],
  { corpus, context, recipe }: { corpus: Corpus; context: number; recipe: Recipe },
): Iterable<Window> {
  const { tokenizer } = model;
  if (corpus.join === "drawn" && texts.length > 1) {
    return yield* drawnWindows(model, texts, { context, recipe, count: corpus.windows! });
  }
  const ids = corpus.join === "ids"
    ? texts.flatMap((text) => tokenizer.encode(text))
    : tokenizer.encode(texts.join(corpus.join));
  const bos = ids[0] === model.config.bos_token_id ? ids[0] : undefined;
  for (let from = 0; from + context <= ids.length; from += context) {
    const window = ids.slice(from, from + context);
    if (recipe === "llama.cpp" && bos !== undefined) window[0] = bos;
    yield windowOf(window, recipe);
  }
}

/** Windows at random places of random documents that are long enough, as GPTQ draws them from C4. */
function* drawnWindows(
  { tokenizer }: Model,
  texts: readonly string[],
  { context, recipe, count }: { context: number; recipe: Recipe; count: number },
): Iterable<Window> {
  const random = new PythonRandom(0);
  for (let window = 0; window < count; window++) {
    let ids: number[] = [];
    // A document may have just too few: give up where none of many has enough.
    for (let tries = 0; ids.length <= context; tries++) {
      if (tries > 100 * texts.length) return;
      ids = tokenizer.encode(texts[random.integer(0, texts.length - 1)]!);
    }
    const from = random.integer(0, ids.length - context - 1);
    yield windowOf(ids.slice(from, from + context), recipe);
  }
}

function windowOf(ids: number[], recipe: Recipe): Window {
  const first = recipe === "llama.cpp" ? Math.floor(ids.length / 2) + 1 : 1;
  return { ids, first, weight: ids.length - first };
}

/** Whole documents, each id predicted once, the loss divided by words. */
function* wordWindows(
  model: Model,
  texts: readonly string[],
  { context, wikitext }: { context: number; wikitext: boolean },
): Iterable<Window> {
  const { tokenizer, config } = model;
  const prefix = config.bos_token_id ?? config.eos_token_id[0];
  if (prefix === undefined) {
    throw new OptionError(`Cannot measure by words: ${model.name} has neither a first nor a last token`);
  }
  for (const page of wikitext ? pagesOfWikitext(texts) : texts) {
    const ids = tokenizer.encode(wikitext ? detokenizeWikitext(page) : page);
    const words = page.split(/\s+/).length;
    for (let from = 0; from < ids.length; from += context) {
      const end = Math.min(from + context, ids.length);
      const before = from === 0 ? [prefix] : ids.slice(Math.max(0, end - context - 1), from);
      yield {
        ids: [...before, ...ids.slice(from, end)],
        first: before.length,
        // A document's words are counted once.
        weight: from === 0 ? words : 0,
      };
    }
  }
}

/**
 * Measures the perplexity of models on the same windows.
 *
 * @returns each model's, in their order.
 * @throws {TensorError} when logits are not finite.
 *
 * @example
 * ```ts
 * import { loadModel } from "any4";
 * import { windowedPerplexity } from "any4/measure";
 * import { assert } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const ids = model.tokenizer.encode("Once upon a time, a king lived in a castle.");
 * const windows = [{ ids, first: 1, weight: ids.length - 1 }];
 * const [measured] = await windowedPerplexity([model], windows);
 * assert(measured!.perplexity > 1 && measured!.tokens === ids.length - 1);
 * ```
 */
export async function windowedPerplexity(
  models: readonly Model[],
  /** The windows, in order. */
  windows: readonly Window[],
  options: Watching = {},
): Promise<WindowedPerplexity[]> {
  const { onProgress, signal } = options;
  const total = windows.reduce((sum, { ids }) => sum + ids.length - 1, 0);
  const scored = windows.map(({ ids, first: from }) => ({ ids, from }));
  const all: number[][] = [];
  await interruptible(async () => {
    for (const model of models) {
      using scorer = model.scorer();
      const before = total * all.length;
      const onScored = (_: number, computed: number) =>
        onProgress?.(before + computed, total * models.length);
      const found = await scorer.score(scored, { signal, onScored });
      all.push(found.map(({ loglikelihood }) => -loglikelihood));
    }
  });
  const tokens = windows.reduce((sum, { ids, first }) => sum + ids.length - first, 0);
  return all.map((nats) => {
    const losses = windows.map(({ weight }, w) => ({ nats: nats[w]!, weight }));
    const { mean: loss, stderr: lossStderr } = ratio(losses.map(({ nats, weight }) => [nats, weight]));
    const perplexity = Math.exp(loss);
    return { perplexity, stderr: perplexity * lossStderr, loss, lossStderr, tokens, losses };
  });
}

/** The difference of two models' losses on the same windows. */
export interface LossDifference {
  /** Nats a token, or a word, that the first loses more. */
  readonly loss: number;
  /** Its standard error, of the windows' differences. */
  readonly stderr: number;
}

/** The difference of two models' losses, measured on the same windows. */
export function lossDifference(one: WindowedPerplexity, other: WindowedPerplexity): LossDifference {
  const { mean: loss, stderr } = ratio(
    one.losses.map(({ nats, weight }, w) => [nats - other.losses[w]!.nats, weight]),
  );
  return { loss, stderr };
}

/** Σ a / Σ b of pairs, and its standard error (that of the mean, where all b are the same); NaN of a single pair. */
function ratio(pairs: readonly (readonly [number, number])[]): { mean: number; stderr: number } {
  const n = pairs.length;
  const weight = pairs.reduce((sum, [, b]) => sum + b, 0);
  const mean = pairs.reduce((sum, [a]) => sum + a, 0) / weight;
  const squares = pairs.reduce((sum, [a, b]) => sum + (a - mean * b) ** 2, 0);
  return { mean, stderr: Math.sqrt(squares * n / (n - 1)) / weight };
}
