/**
 * Perplexity, and how far a model's predictions are from another's.
 *
 * @module
 */
import { type Abortable, interruptible, pause } from "../event_loop.ts";
import { argmax } from "../model/decoder/sampling.ts";
import { logSumExp, tokenDivergence } from "../quantize/divergence.ts";
import type { Model } from "../model/model.ts";
import {
  type Document,
  evaluationDocuments,
  type TokenizedDocument,
  tokenizeDocuments,
} from "./documents.ts";

/** What perplexity is measured on. */
export interface PerplexityOptions extends Abortable {
  /** One text. */
  text?: string;
  /** Or several, by kind. The library's own evaluation text when neither is given. */
  documents?: readonly Document[];
  /** Predicted tokens at most, shared evenly by the kinds. */
  maxTokens?: number;
  /** Tokens of context; longer texts are cut into pieces of this length. The model's own when absent. */
  context?: number;
  /** Leave out what is longer than the context instead of cutting it into pieces. */
  truncate?: boolean;
  /** Is told how many of all tokens are done. */
  onProgress?: (done: number, total: number) => void;
}

/** A perplexity. */
export interface Perplexity {
  /** e^(mean negative log-likelihood of the predicted tokens). */
  perplexity: number;
  /** Tokens predicted: all but each piece's first. */
  tokens: number;
  /** Mean negative log-likelihood, in nats a token. */
  loss: number;
  /** Perplexity of each kind of text. */
  kinds: Record<string, number>;
}

/** A perplexity beside another model's predictions of the same tokens. */
export interface Comparison extends Perplexity {
  /** Mean Kullback–Leibler divergence KL(reference ‖ model), in nats a token. */
  kl: number;
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

/** Tokenizes what a model is to be measured on. */
export function measuredDocuments(model: Model, options: PerplexityOptions = {}): TokenizedDocument[] {
  const documents = options.text === undefined
    ? options.documents ?? evaluationDocuments()
    : [{ kind: "text", text: options.text }];
  return tokenizeDocuments(documents, {
    tokenizer: model.tokenizer,
    context: Math.min(options.context ?? Infinity, model.config.max_position_embeddings),
    maxTokens: options.maxTokens,
    truncate: options.truncate,
  });
}

/** What a model says of a document. */
interface Prediction {
  readonly document: TokenizedDocument;
  /** [tokens, vocab_size]. */
  readonly logits: Float32Array;
  /** ln Σ e^logit of each token but the last, whose next is not known. */
  readonly logSums: Float64Array;
}

/** Adds up losses by kind. */
class Losses {
  readonly #kinds = new Map<string, { loss: number; tokens: number }>();

  add(kind: string, loss: number): void {
    const entry = this.#kinds.get(kind) ?? { loss: 0, tokens: 0 };
    entry.loss += loss;
    entry.tokens++;
    this.#kinds.set(kind, entry);
  }

  result(): Perplexity {
    const all = [...this.#kinds.values()];
    const tokens = all.reduce((sum, entry) => sum + entry.tokens, 0);
    const loss = all.reduce((sum, entry) => sum + entry.loss, 0) / tokens;
    const kinds = [...this.#kinds].map(([kind, entry]) =>
      [kind, Math.exp(entry.loss / entry.tokens)] as const
    );
    return { perplexity: Math.exp(loss), tokens, loss, kinds: Object.fromEntries(kinds) };
  }
}

/**
 * The perplexity of a model on a text: every token but each piece's first is predicted from those before it.
 *
 * @throws {OptionError} when an option is out of range or there are fewer than 2 tokens.
 *
 * @example
 * ```ts
 * import { loadModel, perplexity } from "any4";
 * using model = await loadModel("tinyworld");
 * const result = await perplexity(model, { text: "Once upon a time, a girl lived in a village." });
 * console.log(result.tokens > 5, result.perplexity > 1); // true true
 * ```
 */
export async function perplexity(model: Model, options: PerplexityOptions = {}): Promise<Perplexity> {
  const documents = measuredDocuments(model, options);
  const losses = new Losses();
  await eachDocument(
    model,
    documents,
    (prediction) => addLosses(losses, prediction),
    options,
  );
  return losses.result();
}

/**
 * A model's logits of documents, to compare others with. Takes vocab_size · 4 bytes a token.
 *
 * @example
 * ```ts
 * import { loadModel, referenceLogits } from "any4";
 * using model = await loadModel("tinyworld");
 * const { documents, logits } = await referenceLogits(model, { text: "Once upon a time" });
 * console.log(logits[0]!.length === documents[0]!.ids.length * model.config.vocab_size); // true
 * ```
 */
export async function referenceLogits(model: Model, options: PerplexityOptions = {}): Promise<Reference> {
  const documents = measuredDocuments(model, options);
  const kept: Float32Array[] = [];
  const logSums: Float64Array[] = [];
  const losses = new Losses();
  await eachDocument(model, documents, (prediction) => {
    addLosses(losses, prediction);
    kept.push(prediction.logits);
    logSums.push(prediction.logSums);
  }, options);
  return { documents, logits: kept, logSums, perplexity: losses.result() };
}

/**
 * The perplexity, divergence and agreement of a model on a reference's documents.
 *
 * @example
 * ```ts
 * import { compare, loadModel, nf4, referenceLogits } from "any4";
 * using model = await loadModel("tinyworld");
 * const reference = await referenceLogits(model, { maxTokens: 50 });
 * const { kl, top1 } = await compare(await nf4(model), reference);
 * console.log(kl > 0, top1 <= 1); // true true
 * ```
 */
export async function compare(
  model: Model,
  reference: Reference,
  options: Pick<PerplexityOptions, "onProgress" | "signal"> = {},
): Promise<Comparison> {
  const losses = new Losses();
  let [kl, agreed, tokens, at] = [0, 0, 0, 0];
  await eachDocument(model, reference.documents, (prediction) => {
    addLosses(losses, prediction);
    const { document, logits, logSums } = prediction;
    const [expected, expectedSums] = [reference.logits[at]!, reference.logSums[at]!];
    at++;
    const vocab = logits.length / document.ids.length;
    for (let t = 0; t + 1 < document.ids.length; t++) {
      const from = t * vocab;
      kl += tokenDivergence({ logits: expected, logSum: expectedSums[t]! }, { logits, logSum: logSums[t]! }, {
        from,
        vocab,
      });
      const likeliest = (of: Float32Array) => argmax(of.subarray(from, from + vocab));
      if (likeliest(logits) === likeliest(expected)) agreed++;
      tokens++;
    }
  }, options);
  // Rounding may leave a divergence of 0 a hair below it.
  return { ...losses.result(), kl: Math.max(kl / tokens, 0), top1: agreed / tokens };
}

function addLosses(losses: Losses, { document, logits, logSums }: Prediction): void {
  const { kind, ids } = document;
  const vocab = logits.length / ids.length;
  for (let t = 0; t + 1 < ids.length; t++) {
    losses.add(kind, logSums[t]! - logits[t * vocab + ids[t + 1]!]!);
  }
}

function eachDocument(
  model: Model,
  documents: readonly TokenizedDocument[],
  use: (prediction: Prediction) => void,
  { onProgress, signal }: Pick<PerplexityOptions, "onProgress" | "signal">,
): Promise<void> {
  return interruptible(async () => {
    const total = documents.reduce((sum, { ids }) => sum + ids.length, 0);
    let done = 0;
    for (const document of documents) {
      const { length } = document.ids;
      using session = model.session(length);
      const logits = await session.forward(document.ids, { logits: "all", signal });
      const vocab = logits.length / length;
      const logSums = Float64Array.from(
        { length: length - 1 },
        (_, t) => logSumExp(logits, t * vocab, vocab),
      );
      use({ document, logits, logSums });
      onProgress?.(done += length, total);
      await pause(signal);
    }
  });
}
