/**
 * The errors of each layer's weights and output after quantization.
 *
 * @module
 */
import { interruptible } from "../event_loop.ts";
import { OptionError } from "../errors.ts";
import type { Backend, Tensor } from "../compute/backend.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { dequantize, isPacked, type PackedMatrix } from "../matrix/packed_matrix.ts";
import { CALIBRATION_SAMPLE } from "../quantize/calibration_sample.ts";
import type { ContinueOptions } from "../model/decoder/session.ts";
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
  const sums = new Map<string, { weightError: number; difference: number; norm: number }>();
  // A long text passes through the model in pieces, and each Linear sees every piece.
  const observe = async (linears: readonly string[], input: Tensor) => {
    for (const linear of linears) {
      const [before, after] = weightsOf(linear, original, changed);
      let sum = sums.get(linear);
      if (!sum) {
        const [a, b] = [after, before].map((it) => isPacked(it) ? dequantize(it) : it.data);
        sum = { weightError: relativeError(a!, b!), difference: 0, norm: 0 };
        sums.set(linear, sum);
      }
      const { backend } = original;
      const { difference, norm } = squares(
        await product(backend, input, { weight: after }),
        await product(backend, input, { weight: before }),
      );
      sum.difference += difference;
      sum.norm += norm;
    }
  };
  await watch(original, idsOf(original, options), { observe });
  return Array.from(sums, ([linear, { weightError, ...sum }]) => ({
    linear,
    weightError,
    outputError: rootRatio(sum),
  }));
}

/** How far the output of one Linear has moved in a changed model, by the errors of all before it too. */
export interface LayerDrift {
  /** The Linear's module name. */
  linear: string;
  /** The mean of (y′ − y)², where y is its output in the original, and y′ in the changed model. */
  meanSquareError: number;
  /** y · y′ / (‖y‖ ‖y′‖) of all tokens in one vector; NaN where one of them is 0. */
  cosineSimilarity: number;
  /** ‖y′ − y‖ / ‖y‖. */
  outputError: number;
}

/**
 * Measures how far each Linear's output is from the original's when each model runs on its own activations, so that errors
 * accumulate; {@linkcode layerErrors} measures each Linear for itself. Holds the inputs of all of the original's Linears.
 *
 * @param options.text the input of both; the calibration sample when absent.
 * @param options.maxTokens the number of its tokens; 128 when absent.
 * @throws {OptionError} when the models' Linears differ in number or shape.
 *
 * @example
 * ```ts
 * import { loadModel, nf4 } from "any4";
 * import { layerDrifts } from "any4/measure";
 * import { assertGreater } from "@std/assert";
 * using model = await loadModel("tinyworld");
 * const drifts = await layerDrifts(model, await nf4(model), { maxTokens: 16 });
 * assertGreater(drifts[0]!.cosineSimilarity, 0.99);
 * ```
 */
export function layerDrifts(
  original: Model,
  changed: Model,
  options: { text?: string; maxTokens?: number } = {},
): Promise<LayerDrift[]> {
  return interruptible(async () => {
    const ids = idsOf(original, options);
    const inputs: Float32Array[] = [];
    const record = async (_: readonly string[], input: Tensor) => {
      inputs.push(await original.backend.read(input));
    };
    // Tokens may go to other experts in the changed model: all see all.
    await watch(original, ids, { observe: record, everyExpert: true });
    const sums = new Map<
      string,
      { difference: number; norm: number; other: number; dot: number; count: number }
    >();
    const compare = async (linears: readonly string[], input: Tensor) => {
      const { backend } = original;
      using open = new DisposableStack();
      const before = open.adopt(backend.tensor(input.rows, input.cols), (tensor) => backend.free?.(tensor));
      backend.write(before, inputs.shift()!);
      for (const linear of linears) {
        const [weight, changedWeight] = weightsOf(linear, original, changed);
        const [bias, changedBias] = [original, changed].map(({ tensors }) => tensors.get(`${linear}.bias`));
        const y = await product(backend, before, { weight, bias });
        const other = await product(changed.backend, input, { weight: changedWeight, bias: changedBias });
        const sum = sums.get(linear) ?? { difference: 0, norm: 0, other: 0, dot: 0, count: 0 };
        sums.set(linear, sum);
        const { difference, norm } = squares(other, y);
        sum.difference += difference;
        sum.norm += norm;
        sum.count += y.length;
        for (let i = 0; i < y.length; i++) {
          sum.other += other[i]! ** 2;
          sum.dot += y[i]! * other[i]!;
        }
      }
    };
    await watch(changed, ids, { observe: compare, everyExpert: true });
    return Array.from(sums, ([linear, { difference, norm, other, dot, count }]) => ({
      linear,
      meanSquareError: difference / count,
      cosineSimilarity: dot / Math.sqrt(norm * other),
      outputError: rootRatio({ difference, norm }),
    }));
  });
}

function idsOf(model: Model, { text, maxTokens = 128 }: { text?: string; maxTokens?: number }): number[] {
  const limit = Math.min(maxTokens, model.config.max_position_embeddings);
  return model.tokenizer.encode(text ?? CALIBRATION_SAMPLE).slice(0, limit);
}

/** Runs a model on some ids and shows the inputs of its Linears. */
async function watch(model: Model, ids: number[], options: ContinueOptions): Promise<void> {
  using session = model.session(ids.length);
  await session.forward(ids, { ...options, logits: "none" });
}

/** A Linear's weights in both models. */
function weightsOf(linear: string, original: Model, changed: Model) {
  const [before, after] = [original.weights(linear), changed.weights(linear)];
  if (before.rows === after.rows && before.cols === after.cols) return [before, after] as const;
  throw new OptionError(
    `Cannot compare ${linear}: ${before.rows}×${before.cols} in one model, ` +
      `${after.rows}×${after.cols} in the other`,
  );
}

/** input · weightᵀ + bias. */
async function product(
  backend: Backend,
  input: Tensor,
  { weight, bias }: { weight: Matrix | PackedMatrix; bias?: Matrix | PackedMatrix },
): Promise<Float32Array> {
  const out = backend.tensor(input.rows, weight.rows);
  backend.linear(out, input, { weight: backend.weight(weight), bias: bias && backend.weight(bias) });
  const values = await backend.read(out);
  backend.free?.(out);
  return values;
}
