/**
 * The store of a quantization's finished work.
 *
 * @module
 */
import type { Matrix } from "../matrix/matrix.ts";
import type { InputStats } from "../learn/input_stats.ts";
import type { ModelDescent } from "../tune/tune_model.ts";
import type { Sums } from "./input_sums.ts";
import type { PassState } from "./layer_pass.ts";
import type { DoneLinear } from "./quantize_linear.ts";
import type { ScaledInput } from "./scaled_input.ts";
import type { Cost } from "./target_bits.ts";

/** The stored values, by kind; those of a kind have names. */
export interface Kept {
  /** The position of a sample, by the pass: "calibration", "layers", "awq", "sequential", "effects", "tuning". */
  readonly pass: PassState;
  /** The sums of a part of the sample for a layer's Linears, by both numbers. */
  readonly sums: Sums;
  /** Statistics of the inputs of a layer's Linears, by its number. */
  readonly stats: ReadonlyMap<string, InputStats>;
  /** The costs of a Linear's candidate formats, by its name. */
  readonly costs: readonly Cost[];
  /** The effect of noise in each Linear on the predictions; "model". */
  readonly effects: ReadonlyMap<string, number>;
  /** What AWQ does to an input, by the fold's number. */
  readonly scaled: ScaledInput;
  /** Some rows of a Linear that are done, by its name and theirs. */
  readonly rows: DoneLinear;
  /** A Linear that is done, by its name. */
  readonly linear: DoneLinear;
  /** The same, when its layer was tuned. */
  readonly tuned: DoneLinear;
  /** A norm's or a bias's values that were tuned, by the tensor's name. */
  readonly vector: Matrix;
  /** How far all layers are tuned together; "model". */
  readonly descent: ModelDescent;
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
