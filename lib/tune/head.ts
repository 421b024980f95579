/**
 * From what a model's head is given to its predictions, and back.
 *
 * @module
 */
import type { Source } from "../model/source.ts";
import { Decoder } from "../model/decoder/decoder.ts";
import { logSumExp } from "../model/decoder/log_sum_exp.ts";
import { withOffset } from "../model/model.ts";
import { Recorder } from "./recorder.ts";

/** The last norm and the head, which stay as they are. */
export class Head implements Disposable {
  readonly #source: Pick<Source, "config" | "layout" | "backend">;
  readonly #recorder: Recorder;
  readonly #decoder: Decoder;

  /** @param source the model, with its tensors. */
  constructor(source: Pick<Source, "config" | "layout" | "backend" | "tensor">) {
    const { config, layout } = source;
    this.#source = source;
    this.#recorder = new Recorder(source.backend);
    const find = (name: string, offset = 0) => {
      const tensor = source.tensor(name);
      return tensor && this.#recorder.weight(withOffset(tensor, offset));
    };
    this.#decoder = new Decoder(config, { layout, backend: this.#recorder, find, part: "head" });
  }

  /**
   * Logits of what the layers give.
   *
   * @param hidden [tokens, hidden_size].
   * @returns [tokens, vocab_size].
   */
  async logits(hidden: Float32Array): Promise<Float32Array> {
    const { config, backend } = this.#source;
    const tokens = hidden.length / config.hidden_size;
    this.#recorder.clear();
    const work = this.#recorder.workspace(this.#decoder, tokens);
    this.#recorder.write(work.x, hidden);
    const { num_key_value_heads: kvHeads, head_dim: headDim } = config;
    const cache = backend.cache({ layers: 0, kvHeads, headDim, capacity: 0 });
    const at = { cache, position: 0, rotations: {} };
    return await this.#recorder.read((await this.#decoder.forward([], work, { at, logits: true }))!);
  }

  /** The gradient by the hidden states of the last {@linkcode Head.logits}, from the one by the logits. */
  async backward(gradient: Float32Array): Promise<Float32Array> {
    const { x, logits } = this.#recorder.workspace(
      this.#decoder,
      gradient.length / this.#source.config.vocab_size,
    );
    return await this.#recorder.backward({ tensor: logits!, gradient }, x);
  }

  /** Frees what it has on the backend. */
  [Symbol.dispose](): void {
    this.#recorder[Symbol.dispose]();
  }
}

/**
 * The gradient of {@linkcode divergence} by the logits found: the difference of the probabilities.
 *
 * @param expected the original's logits, [tokens, vocab]; not changed.
 * @param logits the model's, which become the gradient.
 */
export function divergenceGradient(
  expected: Float32Array,
  { logits, vocab }: { logits: Float32Array; vocab: number },
): void {
  for (let from = 0; from < logits.length; from += vocab) {
    const [p, q] = [logSumExp(expected, from, vocab), logSumExp(logits, from, vocab)];
    for (let i = from; i < from + vocab; i++) {
      logits[i] = Math.exp(logits[i]! - q) - Math.exp(expected[i]! - p);
    }
  }
}
