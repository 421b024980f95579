/**
 * The errors of each layer's weights and output after quantization.
 *
 * @module
 */
import { interruptible } from "../event_loop.ts";
import { OptionError } from "../errors.ts";
import { dequantize, isPacked } from "../matrix/packed_matrix.ts";
import { CALIBRATION_SAMPLE } from "../quantize/calibration_sample.ts";
import type { Model } from "../model/model.ts";

/**
 * ‖a − b‖ / ‖b‖ in the Euclidean norm; 0 where both are 0, infinite where only b is, NaN where a value is.
 *
 * @example
 * ```ts
 * import { relativeError } from "any4/measure";
 * import { assertAlmostEquals } from "@std/assert";
 * assertAlmostEquals(relativeError([3, 5], [3, 4]), 0.2);
 * ```
 */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return rootRatio(squares(a, b));
}

/** ‖a − b‖² and ‖b‖². */
function squares(a: ArrayLike<number>, b: ArrayLike<number>): { difference: number; norm: number } {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return { difference, norm };
}

function rootRatio({ difference, norm }: { difference: number; norm: number }): number {
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}

/** The errors of one Linear. */
export interface LayerError {
  /** The Linear's module name. */
  linear: string;
  /** ‖Ŵ − W‖ / ‖W‖. */
  weightError: number;
  /** ‖XŴᵀ − XWᵀ‖ / ‖XWᵀ‖, where X is its input in the original model. */
  outputError: number;
}

/**
 * Measures the errors of each Linear of a changed model against the original's, on the original's activations.
 *
 * @param options.text the input of the original; the calibration sample when absent.
 * @param options.maxTokens the number of its tokens; 128 when absent.
 * @throws {OptionError} when the models' Linears differ in number or shape.
 *
 * @example
 * ```ts
 * import { loadModel, nf4 } from "any4";
 * import { layerErrors } from "any4/measure";
 * import { assertEquals, assertLess } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const [first] = await layerErrors(model, await nf4(model), { maxTokens: 16 });
 * assertEquals(first!.linear, "model.layers.0.self_attn.q_proj");
 * assertLess(first!.outputError, 0.5);
 * ```
 */
export function layerErrors(
  original: Model,
  changed: Model,
  options: { text?: string; maxTokens?: number } = {},
): Promise<LayerError[]> {
  return interruptible(() => collect(original, changed, options));
}

async function collect(
  original: Model,
  changed: Model,
  options: { text?: string; maxTokens?: number },
): Promise<LayerError[]> {
  const { backend } = original;
  const limit = Math.min(options.maxTokens ?? 128, original.config.max_position_embeddings);
  const ids = original.tokenizer.encode(options.text ?? CALIBRATION_SAMPLE).slice(0, limit);
  const sums = new Map<string, { weightError: number; difference: number; norm: number }>();
  using session = original.session(ids.length);
  await session.forward(ids, {
    logits: "none",
    // A long text passes through the model in pieces, and each Linear sees every piece.
    async observe(linears, input) {
      for (const linear of linears) {
        const [before, after] = [original.weights(linear), changed.weights(linear)];
        if (before.rows !== after.rows || before.cols !== after.cols) {
          throw new OptionError(
            `Cannot compare ${linear}: ${before.rows}×${before.cols} in one model, ` +
              `${after.rows}×${after.cols} in the other`,
          );
        }
        const outputs: Float32Array[] = [];
        for (const weights of [after, before]) {
          const out = backend.tensor(input.rows, weights.rows);
          backend.linear(out, input, { weight: backend.weight(weights) });
          outputs.push(await backend.read(out));
          backend.free?.(out);
        }
        let sum = sums.get(linear);
        if (!sum) {
          const [a, b] = [after, before].map((it) => isPacked(it) ? dequantize(it) : it.data);
          sum = { weightError: relativeError(a!, b!), difference: 0, norm: 0 };
          sums.set(linear, sum);
        }
        const { difference, norm } = squares(outputs[0]!, outputs[1]!);
        sum.difference += difference;
        sum.norm += norm;
      }
    },
  });
  return Array.from(sums, ([linear, { weightError, ...sum }]) => ({
    linear,
    weightError,
    outputError: rootRatio(sum),
  }));
}
