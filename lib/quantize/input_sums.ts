/**
 * What Linears are given, added up: statistics of parts of a sample, and of the whole.
 *
 * @module
 */
import type { Backend, Tensor } from "../compute/backend.ts";
import type { InputStats } from "../learn/input_stats.ts";

/** {@linkcode InputStats} with sums over tokens where these have means. */
export interface InputSums extends InputStats {
  /** Whether they are of all tokens though none went there: of an expert that a part of the sample does not use. */
  everyToken?: true;
}

/** Sums by the Linears' names. Linears that share an input share the object. */
export type Sums = ReadonlyMap<string, InputSums>;

/** The sums among an input's statistics. */
const SUMS = ["mean", "meanAbs", "meanSquare"] as const;

/**
 * Adds up what Linears are given. A part of the sample is added up alone and then to those before it, as if others had
 * added it up: see {@linkcode joinSums}.
 */
export class SumCollector {
  readonly #backend: Backend;
  readonly #whole = new Map<string, InputSums>();
  #part = new Map<string, InputSums>();
  #number = 0;

  /** @param backend where the inputs are. */
  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Adds some tokens of the input, [tokens, cols], that some Linears share; parts come in their order. */
  async add(linears: readonly string[], input: Tensor, part = 0): Promise<void> {
    if (part !== this.#number) this.#endPart(part);
    const { rows, cols } = input;
    let entry = this.#part.get(linears[0]!);
    if (!entry) {
      const zeros = () => new Float64Array(cols);
      entry = { tokens: 0, mean: zeros(), meanAbs: zeros(), meanSquare: zeros() };
      for (const name of linears) this.#part.set(name, entry);
    }
    const sums = await this.#backend.columnSums(input);
    for (const [i, name] of SUMS.entries()) addTo(entry[name], sums.subarray(i * cols, (i + 1) * cols));
    entry.tokens += rows;
  }

  /** The sums of all that was added; nothing more can be. */
  sums(): Map<string, InputSums> {
    this.#endPart(this.#number);
    return this.#whole;
  }

  #endPart(next: number): void {
    addSums(this.#whole, this.#part);
    this.#part = new Map();
    this.#number = next;
  }
}

function addTo(sums: Float64Array, values: Float64Array): void {
  for (let c = 0; c < sums.length; c++) sums[c]! += values[c]!;
}

/** Adds a part's sums to those of parts before it, which take over what they have nothing of. */
function addSums(whole: Map<string, InputSums>, part: Sums): void {
  const added = new Set<InputSums>();
  for (const [linear, entry] of part) {
    const own = whole.get(linear);
    if (!own) whole.set(linear, entry);
    else if (!added.has(entry)) {
      for (const name of SUMS) addTo(own[name], entry[name]);
      own.tokens += entry.tokens;
      added.add(entry);
    }
  }
}

/** A copy, in which Linears that share an input share one too. */
function copyOf(sums: Iterable<readonly [string, InputSums]>): Map<string, InputSums> {
  const copies = new Map<InputSums, InputSums>();
  const copy = (entry: InputSums) => {
    const made = { ...entry };
    for (const name of SUMS) made[name] = entry[name].slice();
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
    for (const name of SUMS) {
      const values = entry[name];
      for (let c = 0; c < values.length; c++) values[c]! /= entry.tokens;
    }
    delete entry.everyToken;
  }
  return new Map(sums);
}
