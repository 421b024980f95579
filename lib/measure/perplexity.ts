/**
 * Perplexity, and the divergence of a model's predictions from another's.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { argmax } from "../model/decoder/sampling.ts";
import { logSumExp } from "../model/decoder/log_sum_exp.ts";
import { tokenDivergence } from "../model/decoder/divergence.ts";
import type { Model } from "../model/model.ts";
import {
  type Document,
  evaluationDocuments,
  type TokenizedDocument,
  tokenizeDocuments,
} from "./documents.ts";
import { eachPrediction, type Prediction, type Rows, type Watching } from "./predictions.ts";
import { WindowSums } from "./windows.ts";

/** The text of a measurement, and its limits. */
export interface PerplexityOptions extends Watching {
  /** One text. */
  text?: string;
  /** Several texts, by kind. The library's own evaluation text when neither is given. */
  documents?: readonly Document[];
  /** The largest number of predicted tokens, shared evenly by the kinds. */
  maxTokens?: number;
  /** Tokens of context; longer texts are cut into pieces of this length. The model's own when absent. */
  context?: number;
  /** Truncate longer texts instead of cutting them into pieces. */
  truncate?: boolean;
}

/** A measured perplexity. */
export interface Perplexity {
  /** e^(mean negative log-likelihood of the predicted tokens). */
  perplexity: number;
  /** Standard error of the perplexity, over windows of at most 256 tokens; NaN of a single window. */
  perplexityStderr: number;
  /** Tokens predicted: all but each piece's first. */
  tokens: number;
  /** Mean negative log-likelihood, in nats a token. */
  loss: number;
  /** Perplexity of each kind of text. */
  kinds: Record<string, number>;
}

/** A measured perplexity, compared with another model's predictions of the same tokens. */
export interface Comparison extends Perplexity {
  /** Mean Kullback–Leibler divergence KL(reference ‖ model), in nats a token. */
  kl: number;
  /** Standard error of the divergence, as that of the perplexity. */
  klStderr: number;
  /** Share of tokens where both models' likeliest next token is the same. */
  top1: number;
}

/** A reference model's logits of some tokenized documents: for each, [tokens, vocab_size]. */
export interface Reference {
  /** The documents. */
  readonly documents: readonly TokenizedDocument[];
  /** Logits of all tokens of each document. */
  readonly logits: readonly Float32Array[];
  /** ln Σ e^logit of each token of each document, but the last. */
  readonly logSums: readonly Float64Array[];
  /** The reference's own perplexity on them. */
  readonly perplexity: Perplexity;
}

/** Tokenizes the text of a measurement. */
function measuredDocuments(model: Model, options: PerplexityOptions = {}): TokenizedDocument[] {
  const documents = options.text === undefined
    ? options.documents ?? evaluationDocuments()
    : [{ kind: "text", text: options.text }];
  return tokenizeDocuments(documents, {
    tokenizer: model.tokenizer,
    bos: model.config.bos_token_id,
    context: Math.min(options.context ?? Infinity, model.config.max_position_embeddings),
    maxTokens: options.maxTokens,
    truncate: options.truncate,
  });
}

/** Sums losses, also by kind. */
class Losses {
  readonly #all = new WindowSums();
  readonly #kinds = new Map<string, WindowSums>();

  /** Adds a prediction's; `kind`: its document's. */
  add(kind: string, { document, from, logits, logSums, vocab, next }: Prediction): void {
    const own = this.#kinds.get(kind) ?? new WindowSums();
    for (const [t, id] of next.entries()) {
      const loss = logSums[t]! - logits[t * vocab + id]!;
      for (const sums of [this.#all, own]) sums.add(loss, { document, token: from + t });
    }
    this.#kinds.set(kind, own);
  }

  result(): Perplexity {
    const { mean: loss, stderr, tokens } = this.#all;
    const kinds = [...this.#kinds].map(([kind, { mean }]) => [kind, Math.exp(mean)] as const);
    const perplexity = Math.exp(loss);
    return {
      perplexity,
      perplexityStderr: perplexity * stderr,
      tokens,
      loss,
      kinds: Object.fromEntries(kinds),
    };
  }
}

/** Sums divergences from other predictions of the same tokens, over the vocabulary that both models have. */
class Distances {
  readonly #kl = new WindowSums();
  #agreed = 0;

  add(found: Prediction, expected: Rows): void {
    const vocab = Math.min(found.vocab, expected.vocab);
    for (const t of found.next.keys()) {
      const row = ({ logits, logSums, vocab: width }: Rows) => {
        const part = logits.subarray(t * width, t * width + vocab);
        return { logits: part, logSum: width === vocab ? logSums[t]! : logSumExp(part, 0, vocab) };
      };
      const [p, q] = [row(expected), row(found)];
      this.#kl.add(tokenDivergence(p, q, { from: 0, vocab }), {
        document: found.document,
        token: found.from + t,
      });
      if (argmax(p.logits) === argmax(q.logits)) this.#agreed++;
    }
  }

  result(): Pick<Comparison, "kl" | "klStderr" | "top1"> {
    const { mean, stderr, tokens } = this.#kl;
    // Rounding can make a divergence of 0 slightly negative.
    return { kl: Math.max(mean, 0), klStderr: stderr, top1: this.#agreed / tokens };
  }
}

/**
 * Measures the perplexity of a model on a text: every token but each piece's first is predicted from those before it.
 *
 * @throws {OptionError} when an option is out of range or there are fewer than 2 tokens.
 * @throws {TensorError} when logits are not finite.
 *
 * @example
 * ```ts
 * import { loadModel, perplexity } from "any4";
 * import { assert } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const result = await perplexity(model, { text: "Once upon a time, a girl lived in a village." });
 * assert(result.tokens > 5 && result.perplexity > 1);
 * ```
 */
export async function perplexity(model: Model, options: PerplexityOptions = {}): Promise<Perplexity> {
  const documents = measuredDocuments(model, options);
  const losses = new Losses();
  await eachPrediction(
    [model],
    documents,
    ([found]) => losses.add(documents[found!.document]!.kind, found!),
    options,
  );
  return losses.result();
}

/**
 * Computes a model's logits of documents as a reference for {@linkcode compare}. They take vocab_size · 4 bytes per token;
 * {@linkcode compareModels} keeps none of them.
 *
 * @example
 * ```ts
 * import { loadModel } from "any4";
 * import { referenceLogits } from "any4/measure";
 * import { assertEquals } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const { documents, logits } = await referenceLogits(model, { text: "Once upon a time" });
 * assertEquals(logits[0]!.length, documents[0]!.ids.length * model.config.vocab_size);
 * ```
 */
export async function referenceLogits(model: Model, options: PerplexityOptions = {}): Promise<Reference> {
  const documents = measuredDocuments(model, options);
  const { vocab_size: vocab } = model.config;
  const losses = new Losses();
  const kept = documents.map(({ ids }) => new Float32Array(ids.length * vocab));
  const logSums = documents.map(({ ids }) => new Float64Array(ids.length - 1));
  await eachPrediction([model], documents, ([found]) => {
    losses.add(documents[found!.document]!.kind, found!);
    kept[found!.document]!.set(found!.logits, found!.from * vocab);
    logSums[found!.document]!.set(found!.logSums, found!.from);
  }, options);
  return { documents, logits: kept, logSums, perplexity: losses.result() };
}

/**
 * Measures a model's perplexity, divergence and agreement on a reference's documents.
 *
 * @example
 * ```ts
 * import { loadModel, nf4 } from "any4";
 * import { compare, referenceLogits } from "any4/measure";
 * import { assert } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const reference = await referenceLogits(model, { maxTokens: 50 });
 * const { kl, top1 } = await compare(await nf4(model), reference);
 * assert(kl > 0 && top1 <= 1);
 * ```
 */
export async function compare(
  model: Model,
  reference: Reference,
  options: Watching = {},
): Promise<Comparison> {
  const { documents } = reference;
  const [losses, distances] = [new Losses(), new Distances()];
  await eachPrediction([model], documents, ([found]) => {
    const { document, from } = found!;
    const { kind, ids } = documents[document]!;
    losses.add(kind, found!);
    const [logits, logSums] = [reference.logits[document]!, reference.logSums[document]!];
    const vocab = logits.length / ids.length;
    distances.add(found!, { logits: logits.subarray(from * vocab), logSums: logSums.subarray(from), vocab });
  }, options);
  return { ...losses.result(), ...distances.result() };
}

/**
 * {@linkcode compare} with a model instead of its logits: both predict side by side, and no logits are kept. Their
 * vocabularies may be of other sizes, as where an embedding was padded: the divergence is over the tokens that both have.
 *
 * @returns the comparison, and the original's own perplexity.
 * @throws {OptionError} when their tokenizers give a text other ids.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { loadModel, nf4 } from "any4";
 * import { compareModels } from "any4/measure";
 * using model = await loadModel("tinyworld");
 * const { kl, original } = await compareModels(await nf4(model), model, { maxTokens: 50 });
 * assert(kl > 0 && original.perplexity > 1);
 * ```
 */
export async function compareModels(
  model: Model,
  original: Model,
  options: PerplexityOptions = {},
): Promise<Comparison & { original: Perplexity }> {
  const context = Math.min(
    ...[options.context ?? Infinity, model.config.max_position_embeddings],
    original.config.max_position_embeddings,
  );
  const [documents, others] = [model, original].map((one) => measuredDocuments(one, { ...options, context }));
  const text = (pieces: readonly TokenizedDocument[]) => pieces.map(({ ids }) => ids.join()).join(";");
  if (text(documents!) !== text(others!)) {
    throw new OptionError(
      `Cannot compare ${model.name} with ${original.name}: their tokenizers give other ids`,
    );
  }
  const [losses, originalLosses, distances] = [new Losses(), new Losses(), new Distances()];
  await eachPrediction([model, original], documents!, ([found, expected]) => {
    const { kind } = documents![found!.document]!;
    losses.add(kind, found!);
    originalLosses.add(kind, expected!);
    distances.add(found!, expected!);
  }, options);
  return { ...losses.result(), ...distances.result(), original: originalLosses.result() };
}
