/**
 * Predictions of texts' tokens, a piece at a time.
 *
 * @module
 */
import { type Abortable, interruptible, pause } from "../event_loop.ts";
import type { Model } from "../model/model.ts";
import { logSumExp } from "../model/decoder/log_sum_exp.ts";
import type { TokenizedDocument } from "./documents.ts";

/** Options to follow and to cancel a measurement. */
export interface Watching extends Abortable {
  /** Called with the number of tokens done and their total. */
  onProgress?: (done: number, total: number) => void;
}

/** Logits of some tokens, [tokens, vocab]. */
export interface Rows {
  readonly logits: Float32Array;
  /** ln Σ e^logit of each token whose next is known. */
  readonly logSums: Float64Array;
  readonly vocab: number;
}

/** A model's logits of some tokens of a document. */
export interface Prediction extends Rows {
  /** Which document. */
  readonly document: number;
  /** Its token of the first row. */
  readonly from: number;
  /** Each row's next token; of a document's last token there is none. */
  readonly next: readonly number[];
}

/** Bytes of logits that are held at a time, whatever the vocabulary and the context. */
const CHUNK_BYTES = 2 ** 24;

/** Tokens that are predicted at a time at most. */
const CHUNK_TOKENS = 256;

/** Has models predict documents' tokens, some at a time, all models the same. */
export function eachPrediction(
  models: readonly Model[],
  documents: readonly TokenizedDocument[],
  use: (predictions: Prediction[]) => void,
  { onProgress, signal }: Watching,
): Promise<void> {
  const largest = Math.max(...models.map(({ config }) => config.vocab_size));
  const size = Math.min(CHUNK_TOKENS, Math.max(1, Math.floor(CHUNK_BYTES / (4 * largest))));
  return interruptible(async () => {
    const total = documents.reduce((sum, { ids }) => sum + ids.length, 0);
    let done = 0;
    for (const [document, { ids }] of documents.entries()) {
      using open = new DisposableStack();
      const sessions = models.map((model) => open.use(model.session(ids.length)));
      for (let from = 0; from < ids.length; from += size) {
        const chunk = ids.slice(from, from + size);
        const next = ids.slice(from + 1, from + size + 1);
        const predictions: Prediction[] = [];
        for (const [m, session] of sessions.entries()) {
          const logits = await session.forward(chunk, { logits: "all", signal });
          const { vocab_size: vocab } = models[m]!.config;
          const logSums = Float64Array.from(next, (_, t) => logSumExp(logits, t * vocab, vocab));
          predictions.push({ document, from, next, logits, logSums, vocab });
        }
        use(predictions);
        onProgress?.(done += chunk.length, total);
        await pause(signal);
      }
    }
  });
}
