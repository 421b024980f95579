/**
 * Measures what each format would do to each Linear, and chooses.
 *
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import type { Calibration } from "./calibrate.ts";
import type { Probes } from "./effects.ts";
import { type FormatChoice, parseChoice, type Planned } from "./plan.ts";
import { denseWeights, type LearningOptions, quantizeLinear } from "./quantize_linear.ts";
import { choicesOf, chooseByCost, type Cost, costOf, type TargetOptions } from "./target_bits.ts";

/** What {@linkcode chooseFormats} chooses by. */
export interface ChooseOptions extends LearningOptions, TargetOptions {
  targetBits: number;
  groupSize?: number | "row";
  /** Who quantizes. */
  backend: Backend;
  /** What the columns of each Linear are multiplied by. */
  stats: Calibration;
  /** All Linears, those too that nothing is planned for. */
  linears: readonly string[];
  /** A Linear's weights. */
  weights: (linear: string) => Matrix | PackedMatrix;
  /** The bits that a Linear takes as it is. */
  bits: (linear: string) => number;
  /** Weights of a Linear, where they are known without reading them. */
  shape?: (linear: string) => { rows: number; cols: number };
  /** What noise in each of some Linears does to predictions. */
  effects: (probes: Probes) => Promise<ReadonlyMap<string, number>>;
  /** What `done` was told of a Linear before. */
  known?: (linear: string) => Cost[] | undefined;
  /** Is told of each Linear measured: the cost of each choice, and of the probe where there are several. */
  done: (linear: string, costs: Cost[]) => Promise<void>;
}

/** The format whose noise is followed to the predictions. */
const PROBE = "any3";

/** Divergences and noise below this are taken for it. */
const LEAST = 1e-9;

/**
 * Quantizes each Linear to each format that it may get, one in memory at a time, and chooses by what that does to the model's
 * predictions: the part of the Linear's output that becomes noise, times the KL divergence that such noise was measured to
 * cause. The latter is measured with one format: divergence grows as the noise does, while both are small.
 *
 * @returns the format of each Linear that one is planned for.
 * @throws {OptionError} when the target is out of reach.
 */
export async function chooseFormats(
  plan: ReadonlyMap<string, Planned>,
  options: ChooseOptions,
): Promise<Map<string, FormatChoice>> {
  const { backend, stats, linears, weights: weightsOf, targetBits } = options;
  const { method, weighting, codebook, scaleType } = options;
  const learning = { method, weighting, codebook, scaleType };
  const probe = parseChoice(PROBE, options.groupSize);
  const costs = new Map<string, Cost[]>();
  let [count, fixedBits] = [0, 0];
  for (const linear of linears) {
    const { rows, cols } = (options.shape ?? weightsOf)(linear);
    count += rows * cols;
    const planned = plan.get(linear);
    if (!planned) {
      fixedBits += options.bits(linear);
      continue;
    }
    let measured = options.known?.(linear);
    if (!measured) {
      const weights = denseWeights(weightsOf(linear), linear);
      const entry = stats.get(linear);
      const choices = choicesOf(planned, options);
      if (choices.length > 1) choices.push(probe);
      measured = choices.map((choice, i) => {
        const packed = quantizeLinear(weights, { ...learning, backend, linear, choice, stats: entry });
        return costOf(i, { weights, packed, meanSquare: entry?.meanSquare });
      });
      await options.done(linear, measured);
    }
    costs.set(linear, [...measured]);
  }
  const effects = await options.effects({
    linears: [...costs.keys()].filter((linear) => costs.get(linear)!.length > 1),
    probe: (linear) =>
      quantizeLinear(weightsOf(linear), {
        ...learning,
        backend,
        linear,
        choice: probe,
        stats: stats.get(linear),
      }),
  });
  for (const [linear, effect] of effects) {
    const own = costs.get(linear)!;
    const noise = own.pop()!.error;
    // A Linear that seems to matter to nothing matters a little: the sample is short.
    const factor = Math.max(effect, LEAST) / Math.max(noise, LEAST);
    costs.set(linear, own.map((cost) => ({ ...cost, error: factor * cost.error })));
  }
  const chosen = chooseByCost(costs, { targetBits, weights: count, fixedBits });
  return new Map([...plan].map(([linear, planned]) => [
    linear,
    choicesOf(planned, options)[chosen.get(linear)!]!,
  ]));
}
