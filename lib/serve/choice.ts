/**
 * One continuation under way.
 *
 * @module
 */
import { StoppedText } from "../model/generate.ts";
import type { Model } from "../model/model.ts";
import { Chooser, type Choosing } from "./choosing.ts";
import type { Sequence } from "./engine.ts";
import { scoreToken, type TokenScore } from "./logprobs.ts";

/** Why a continuation ended, as OpenAI says it: by the end token or a stop text, or by its length. */
export type FinishReason = "stop" | "length";

/** What is new of a continuation. */
export interface Piece {
  /** Text; "" while it is held back. */
  readonly text: string;
  /** Tokens that are new, where scores are wanted; the first of a prompt has none. */
  readonly tokens: readonly (TokenScore | { readonly id: number })[];
  /** In its last piece. */
  readonly finished?: FinishReason;
}

/** What a continuation is made of. */
export interface ChoiceOptions {
  readonly model: Model;
  readonly ids: readonly number[];
  readonly maxTokens: number;
  readonly choosing: Choosing;
  /** Its number among those of one prompt. */
  readonly index: number;
  readonly signal: AbortSignal;
  /** How many of the likeliest tokens are wanted with each; no scores when absent. */
  readonly top?: number;
  /** The prompt's text, where it is to come first, with its tokens' scores where they are wanted. */
  readonly echo?: string;
  /** Takes each piece. */
  readonly onPiece: (piece: Piece) => void;
  /** Is told how many tokens of the prompt were known. */
  readonly known?: (tokens: number) => void;
}

/** Turns the logits of a sequence into pieces of text. */
export class Choice implements Sequence {
  readonly ids: readonly number[];
  readonly maxTokens: number;
  readonly signal: AbortSignal;
  readonly score?: (from: number, logits: Float32Array) => void;
  readonly known?: (tokens: number) => void;
  /** Tokens chosen so far, the end token among them. */
  generated = 0;
  readonly #options: ChoiceOptions;
  readonly #chooser: Chooser;
  readonly #text: StoppedText;

  /** Sends the prompt's text, where it is wanted. */
  constructor(options: ChoiceOptions) {
    const { model, ids, maxTokens, choosing, index, signal, echo, top, onPiece } = options;
    this.#options = options;
    this.ids = ids;
    this.maxTokens = maxTokens;
    this.signal = signal;
    this.known = options.known;
    this.#chooser = new Chooser(choosing, index);
    this.#text = new StoppedText(model, ids, { stop: [...choosing.stop], maxTokens });
    if (echo === undefined) return;
    onPiece({ text: echo, tokens: top === undefined ? [] : [{ id: ids[0]! }] });
    if (top === undefined) return;
    this.score = (from, logits) => {
      const vocabulary = model.config.vocab_size;
      const tokens = Array.from({ length: logits.length / vocabulary }, (_, t) => {
        const row = logits.subarray(t * vocabulary, (t + 1) * vocabulary);
        return scoreToken(row, { id: ids[from + t + 1]!, top });
      });
      onPiece({ text: "", tokens });
    };
  }

  next(logits: Float32Array): number | undefined {
    const { top, onPiece } = this.#options;
    const id = this.#chooser.next(logits);
    this.generated++;
    const { text, stoppedBy } = this.#text.push(id);
    const finished = stoppedBy === "length" ? "length" : stoppedBy && "stop";
    const tokens = top === undefined ? [] : [scoreToken(logits, { id, top })];
    if (text !== "" || tokens.length > 0 || finished) onPiece({ text, tokens, ...finished && { finished } });
    return finished ? undefined : id;
  }
}
