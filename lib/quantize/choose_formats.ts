/**
 * Measures what each format would do to each Linear, and chooses.
 *
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import type { InputStats } from "../learn/input_stats.ts";
import { packedBytesOf } from "../learn/packed_size.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { matrixRows } from "../matrix/matrix_rows.ts";
import { packedBytes, type PackedMatrix } from "../matrix/packed_matrix.ts";
import type { Source } from "../model/source.ts";
import type { Probes } from "./effects.ts";
import { type FormatChoice, parseChoice, type Planned } from "./plan.ts";
import {
  denseWeights,
  learningOf,
  type LearningOptions,
  noiseToSignal,
  quantizeLinear,
} from "./quantize_linear.ts";
import type { Store } from "./store.ts";
import { choicesOf, chooseByCost, type Cost, inReach, type TargetOptions } from "./target_bits.ts";

/** The data by which {@linkcode chooseFormats} chooses. */
export interface ChooseOptions extends LearningOptions, TargetOptions {
  targetBits: number;
  groupSize?: number | "row";
  /** The model. */
  source: Source;
  /** Keeps the costs of each Linear. */
  store: Store;
  /** Statistics of a Linear's input. */
  stats: (linear: string) => Promise<InputStats | undefined>;
  /** Rows and columns of all Linears, those too that nothing is planned for. */
  shapes: ReadonlyMap<string, { readonly rows: number; readonly cols: number }>;
  /** The effect of noise in each of some Linears on the predictions. */
  effects: (probes: Probes) => Promise<ReadonlyMap<string, number>>;
  /** Is told of each Linear measured. */
  done: (linear: string) => Promise<void>;
}

/** The format whose noise is followed to the predictions. */
const PROBE = "any3";

/** Divergences and noise below this are taken for it. */
const LEAST = 1e-9;

/** Weights of a Linear by which formats are judged: of more, rows at even distances tell as much. */
const JUDGED_WEIGHTS = 1 << 16;

/** Rows of a matrix, evenly spread. */
function someRows(matrix: Matrix): Matrix {
  const { rows, cols } = matrix;
  const count = Math.max(1, Math.floor(JUDGED_WEIGHTS / cols));
  if (rows <= count) return matrix;
  return matrixRows(matrix, Array.from({ length: count }, (_, i) => Math.floor(i * rows / count)));
}

/**
 * What each of some choices does to a Linear, judged by some of its rows: a unit of work, which depends on nothing but what it is
 * given.
 *
 * @throws {OptionError} when the Linear is packed already, or statistics are needed and absent.
 * @throws {TensorError} when a weight is NaN or infinite.
 */
export function measureLinear(
  weights: Matrix | PackedMatrix,
  options: LearningOptions & {
    backend: Backend;
    linear: string;
    choices: readonly FormatChoice[];
    stats?: InputStats;
  },
): Cost[] {
  const { choices, ...rest } = options;
  const dense = denseWeights(weights, rest.linear);
  const some = someRows(dense);
  return choices.map((choice, i) => {
    const stored = { ...learningOf(rest), ...choice };
    // Tables that rows pick from would fit few of them too well.
    const judged = stored.codebook?.endsWith("-tables") ? dense : some;
    const packed = quantizeLinear(judged, { ...rest, choice });
    const bits = 8 * packedBytesOf(dense, stored) * packedBytes(packed) / packedBytesOf(judged, stored);
    return { choice: i, bits, error: noiseToSignal(judged, packed, rest.stats?.meanSquare) };
  });
}

/**
 * Checks that a target can be reached, before anything is computed for it. Bits depend on shapes and formats alone.
 *
 * @throws {OptionError} when it is out of reach.
 */
export function checkReach(
  plan: ReadonlyMap<string, Planned>,
  options:
    & Pick<ChooseOptions, "source" | "shapes" | "targetBits" | "candidates" | "groupSize">
    & LearningOptions,
): void {
  const { source, shapes, targetBits } = options;
  let [count, least, most] = [0, 0, 0];
  for (const [linear, shape] of shapes) {
    count += shape.rows * shape.cols;
    const planned = plan.get(linear);
    const bits = planned
      ? choicesOf(planned, options).map((choice) =>
        8 * packedBytesOf(shape, { ...learningOf(options), ...choice })
      )
      : [8 * source.storedBytes(`${linear}.weight`)];
    least += Math.min(...bits);
    most += Math.max(...bits);
  }
  inReach(targetBits, { least: least / count, most: most / count });
}

/**
 * Quantizes rows of each Linear to each format that it may get, one in memory at a time, and chooses by what that does to the
 * model's predictions: the part of the Linear's output that becomes noise, times the KL divergence that such noise was measured to
 * cause. The latter is measured with one format: divergence grows as the noise does, while both are small.
 *
 * @returns the format of each Linear that one is planned for.
 * @throws {OptionError} when the target is out of reach.
 */
export async function chooseFormats(
  plan: ReadonlyMap<string, Planned>,
  options: ChooseOptions,
): Promise<Map<string, FormatChoice>> {
  const { source, store, stats, shapes, targetBits } = options;
  const { backend } = source;
  const learning = learningOf(options);
  const probe = parseChoice(PROBE, options.groupSize);
  const costs = new Map<string, Cost[]>();
  let [count, fixedBits] = [0, 0];
  for (const [linear, { rows, cols }] of shapes) {
    count += rows * cols;
    const planned = plan.get(linear);
    if (!planned) {
      fixedBits += 8 * source.storedBytes(`${linear}.weight`);
      continue;
    }
    if (!store.has("costs", linear)) {
      const choices = choicesOf(planned, options);
      // Where there is a choice, the probe is measured behind it.
      if (choices.length > 1) choices.push(probe);
      const means = { ...learning, backend, linear, choices, stats: await stats(linear) };
      store.set("costs", linear, measureLinear(source.weights(linear), means));
      await options.done(linear);
    }
    costs.set(linear, [...store.get("costs", linear)!]);
  }
  const effects = await options.effects({
    linears: [...costs.keys()].filter((linear) => costs.get(linear)!.length > 1),
    probe: async (linear) => {
      const means = { ...learning, backend, linear, choice: probe, stats: await stats(linear) };
      return quantizeLinear(source.weights(linear), means);
    },
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
