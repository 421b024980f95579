/**
 * Sums over the inputs of Linears: statistics of parts of a sample, and of the whole.
 *
 * @module
 */
import type { Backend, Tensor } from "../compute/backend.ts";
import { OptionError } from "../errors.ts";
import type { InputStats } from "../learn/input_stats.ts";
import type { Matrix } from "../matrix/matrix.ts";

/**
 * How much each token counts in statistics: "none" takes all inputs as they are, in which a few large ones outweigh the rest;
 * "norm" scales each to the same length.
 */
export type TokenWeights = typeof TOKEN_WEIGHTS[number];

/** All of them. */
export const TOKEN_WEIGHTS = ["none", "norm"] as const;

/**
 * Checks how much tokens count.
 *
 * @throws {OptionError} when there is no such rule.
 */
export function checkTokenWeights(weights: TokenWeights = "none"): void {
  if (TOKEN_WEIGHTS.includes(weights)) return;
  throw new OptionError(
    `Cannot weigh tokens by "${weights}": expected one of ${TOKEN_WEIGHTS.join(", ")}`,
  );
}

/** {@linkcode InputStats} with sums over tokens where these have means. */
export interface InputSums extends InputStats {
  /** Whether they are of all tokens though none went there: of an expert that a part of the sample does not use. */
  everyToken?: true;
}

/** Sums by the Linears' names. Linears that share an input share the object. */
export type Sums = ReadonlyMap<string, InputSums>;

/** A statistic's values. */
type Values = Float64Array | Float32Array;

/** All sums of an input: those of its columns, and of its outer products if they are needed. */
const valuesOf = ({ mean, meanAbs, meanSquare, gram }: InputSums): Values[] => {
  const columns: Values[] = [mean, meanAbs, meanSquare];
  return gram ? [...columns, gram] : columns;
};

/**
 * Adds up what Linears are given: its columns, and its outer products where they are asked for. A part of the sample is added
 * up alone and then to those before it, with the bits of {@linkcode joinSums}.
 */
export class SumCollector implements Disposable {
  readonly #backend: Backend;
  readonly #gram: boolean;
  readonly #tokenWeights: TokenWeights;
  /** Ones, by their number: the weights of a norm that only scales. */
  readonly #ones = new Map<number, Matrix>();
  readonly #whole = new Map<string, InputSums>();
  #part = new Map<string, InputSums>();
  /** Σ x xᵀ of the part's inputs, where the backend keeps them. */
  readonly #grams = new Map<InputSums, Tensor>();
  #number = 0;

  /**
   * @param backend where the inputs are.
   * @param options.gram whether Σ x xᵀ is wanted; [cols, cols] singles of the backend's memory for each input.
   */
  constructor(backend: Backend, options: { gram?: boolean; tokenWeights?: TokenWeights } = {}) {
    this.#backend = backend;
    this.#tokenWeights = options.tokenWeights ?? "none";
    this.#gram = options.gram ?? false;
  }

  /** Adds some tokens of the input, [tokens, cols], that some Linears share; parts come in their order. */
  async add(linears: readonly string[], input: Tensor, part = 0): Promise<void> {
    if (part !== this.#number) await this.#endPart();
    this.#number = part;
    const entry = this.#part.get(linears[0]!) ?? this.#begin(linears, input.cols);
    const gram = this.#grams.get(entry);
    const x = this.#tokenWeights === "norm" ? this.#scaled(input) : input;
    if (gram) this.#backend.gram(gram, x);
    const sums = await this.#backend.columnSums(x);
    if (x !== input) this.#backend.free?.(x);
    for (const [i, values] of [entry.mean, entry.meanAbs, entry.meanSquare].entries()) {
      addTo(values, sums.subarray(i * input.cols, (i + 1) * input.cols));
    }
    entry.tokens += input.rows;
  }

  /** The sums of all that was added; nothing more can be. */
  async sums(): Promise<Map<string, InputSums>> {
    await this.#endPart();
    return this.#whole;
  }

  /** Each token's input, scaled to a mean square of 1. */
  #scaled(input: Tensor): Tensor {
    const { rows, cols } = input;
    const ones = this.#ones.get(cols) ?? { rows: 1, cols, data: new Float32Array(cols).fill(1) };
    this.#ones.set(cols, ones);
    const scaled = this.#backend.tensor(rows, cols);
    // An input of zeros stays one.
    this.#backend.rmsNorm(scaled, input, { weight: this.#backend.weight(ones), epsilon: 1e-30 });
    return scaled;
  }

  #begin(linears: readonly string[], cols: number): InputSums {
    const zeros = () => new Float64Array(cols);
    const entry: InputSums = { tokens: 0, mean: zeros(), meanAbs: zeros(), meanSquare: zeros() };
    for (const name of linears) this.#part.set(name, entry);
    if (this.#gram) {
      const gram = this.#backend.tensor(cols, cols);
      this.#backend.write(gram, new Float32Array(cols * cols));
      this.#grams.set(entry, gram);
    }
    return entry;
  }

  async #endPart(): Promise<void> {
    for (const [entry, gram] of this.#grams) entry.gram = await this.#backend.read(gram);
    this.#freeGrams();
    addSums(this.#whole, this.#part);
    this.#part = new Map();
  }

  #freeGrams(): void {
    for (const gram of this.#grams.values()) this.#backend.free?.(gram);
    this.#grams.clear();
  }

  /** Frees what the backend keeps of them. */
  [Symbol.dispose](): void {
    this.#freeGrams();
    for (const ones of this.#ones.values()) this.#backend.forget?.(ones);
    this.#ones.clear();
  }
}

function addTo(sums: Values, values: Values): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += values[i]!;
}

/** Adds a part's sums to those of parts before it, which take over what they have nothing of. */
function addSums(whole: Map<string, InputSums>, part: Sums): void {
  const added = new Set<InputSums>();
  for (const [linear, entry] of part) {
    const own = whole.get(linear);
    if (!own) whole.set(linear, entry);
    else if (!added.has(entry)) {
      const values = valuesOf(entry);
      valuesOf(own).forEach((sums, i) => addTo(sums, values[i]!));
      own.tokens += entry.tokens;
      added.add(entry);
    }
  }
}

/** A copy, in which Linears that share an input share one too. */
function copyOf(sums: Iterable<readonly [string, InputSums]>): Map<string, InputSums> {
  const copies = new Map<InputSums, InputSums>();
  const copy = (entry: InputSums) => {
    const made = structuredClone(entry);
    copies.set(entry, made);
    return made;
  };
  return new Map(Array.from(sums, ([linear, entry]) => [linear, copies.get(entry) ?? copy(entry)]));
}

/**
 * The statistics of a sample from the sums of its parts, in the parts' order: whoever added them up, and in whatever order
 * they arrived, the bits are the same. An expert that some parts use is judged by these alone.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const sums = (tokens: number, x: number) => {
 *   const of = (value: number) => Float64Array.of(value);
 *   return new Map([["q_proj", { tokens, mean: of(x), meanAbs: of(x), meanSquare: of(x * x) }]]);
 * };
 * const stats = joinSums([sums(1, 2), sums(3, 4)]);
 * assertEquals(stats.get("q_proj")!.mean, Float64Array.of(6 / 4));
 * ```
 */
export function joinSums(parts: readonly Sums[]): Map<string, InputStats> {
  const kind = (everyToken: boolean) => {
    const whole = new Map<string, InputSums>();
    for (const part of parts) {
      addSums(whole, copyOf([...part].filter(([, entry]) => (entry.everyToken ?? false) === everyToken)));
    }
    return whole;
  };
  const seen = kind(false);
  const unseen = [...kind(true)].filter(([linear]) => !seen.has(linear));
  return meansOf(new Map([...seen, ...unseen]));
}

/** The means of sums, which become them. */
export function meansOf(sums: Sums): Map<string, InputStats> {
  for (const entry of new Set(sums.values())) {
    for (const values of valuesOf(entry)) {
      for (let i = 0; i < values.length; i++) values[i]! /= entry.tokens;
    }
    delete entry.everyToken;
  }
  return new Map(sums);
}
