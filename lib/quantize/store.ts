/**
 * Where a quantization keeps what it has done.
 *
 * @module
 */
import type { InputStats } from "../learn/input_stats.ts";
import type { Sums } from "./input_sums.ts";
import type { PassState } from "./layer_pass.ts";
import type { DoneLinear } from "./quantize_linear.ts";
import type { Cost } from "./target_bits.ts";

/** What is kept, by kind. All of a kind have names. */
export interface Kept {
  /** How far a sample has come, by the pass: "calibration", "sequential", "effects". */
  readonly pass: PassState;
  /** What a part of the sample comes to, by its number. */
  readonly sums: Sums;
  /** What a layer's Linears are multiplied by, by its number. */
  readonly stats: ReadonlyMap<string, InputStats>;
  /** What each of its choices does to a Linear, by its name. */
  readonly costs: readonly Cost[];
  /** What noise in each Linear does to predictions; "model". */
  readonly effects: ReadonlyMap<string, number>;
  /** A Linear that is done, by its name. */
  readonly linear: DoneLinear;
}

/** A kind of what is kept. */
export type Kind = keyof Kept;

/** Keeps values by kind and name: in memory, or in files that outlive the process. */
export interface Store {
  /** Whether it has one. */
  has(kind: Kind, name: string): boolean;
  /** The one kept, if there is one. */
  get<K extends Kind>(kind: K, name: string): Kept[K] | undefined;
  /** Keeps one, whole or not at all. It is not to be changed afterwards. */
  set<K extends Kind>(kind: K, name: string, value: Kept[K]): void;
}

/** Keeps values in memory. */
export class MemoryStore implements Store {
  readonly #kept = new Map<string, unknown>();

  /** Whether it has one. */
  has(kind: Kind, name: string): boolean {
    return this.#kept.has(`${kind}-${name}`);
  }

  /** The one kept, if there is one. */
  get<K extends Kind>(kind: K, name: string): Kept[K] | undefined {
    return this.#kept.get(`${kind}-${name}`) as Kept[K] | undefined;
  }

  /** Keeps one. */
  set<K extends Kind>(kind: K, name: string, value: Kept[K]): void {
    this.#kept.set(`${kind}-${name}`, value);
  }
}
