/**
 * Weights on the device: uploaded once, a part at a time where a binding cannot hold them.
 *
 * @module
 */
import type { DenseShape } from "../../../kernels/wgsl/dense.ts";
import type { TableShape } from "../../../kernels/wgsl/table.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import { isPacked, type PackedMatrix } from "../../matrix/packed_matrix.ts";
import type { Commands } from "./commands.ts";
import type { Allocation, Memory } from "./memory.ts";
import { denseParts, outlierParts, rowRanges, storedWords, tableParts } from "./weight_parts.ts";

/** The shape of a part that kernels are made for, without bias. */
export type PartShape =
  | { readonly kind: "dense"; readonly shape: DenseShape }
  | { readonly kind: "table"; readonly shape: TableShape };

/** Rows of a weight. */
export type WeightPart = PartShape & {
  /** Its buffers, in the order in which kernels bind them. */
  readonly rooms: readonly Allocation[];
};

/** A weight in its place. */
export interface GpuWeight {
  /** out_features. */
  readonly rows: number;
  /** in_features. */
  readonly cols: number;
  /** Whether it is a table and codes. */
  readonly packed: boolean;
  /** All of its rows, in order. */
  readonly parts: readonly WeightPart[];
  /** Its outliers' buffers, as kernels bind them: starts and entries. */
  readonly outliers?: readonly Allocation[];
}

/** All buffers of a weight. */
function roomsOf({ parts, outliers = [] }: GpuWeight): Allocation[] {
  return [...parts.flatMap(({ rooms }) => rooms), ...outliers];
}

/** The weights of a device. */
export class Weights {
  readonly #memory: Memory;
  readonly #commands: Commands;
  readonly #mostBytes: number;
  /** Each matrix is on the device once, however many models share it, as long as it lives. */
  readonly #known = new WeakMap<Matrix | PackedMatrix, GpuWeight>();

  /** @param means where they go, by which way, and how much fits a binding. */
  constructor(means: { memory: Memory; commands: Commands; mostBytes: number }) {
    this.#memory = means.memory;
    this.#commands = means.commands;
    this.#mostBytes = means.mostBytes;
  }

  /** A matrix's weight. */
  of(matrix: Matrix | PackedMatrix): GpuWeight {
    let weight = this.#known.get(matrix);
    if (!weight) {
      const ready = isPacked(matrix) || storedWords(matrix, { from: 0, to: 0 }) !== undefined;
      // Stored values are widened at each look: once is enough for all parts.
      const looked = ready ? matrix : {
        rows: matrix.rows,
        cols: matrix.cols,
        data: matrix.data,
        // Vectors are read as singles.
        dtype: matrix.rows === 1 ? "F32" as const : matrix.dtype,
      };
      const parts = rowRanges(looked, this.#mostBytes).map((rows) => this.#part(looked, rows));
      weight = {
        rows: matrix.rows,
        cols: matrix.cols,
        packed: isPacked(matrix),
        parts,
        outliers: this.#outliers(matrix),
      };
      for (const room of roomsOf(weight)) this.#memory.tie(room, weight);
      this.#known.set(matrix, weight);
    }
    return weight;
  }

  /** Frees the weight of a matrix. */
  forget(matrix: Matrix | PackedMatrix): void {
    const weight = this.#known.get(matrix);
    if (weight) { for (const room of roomsOf(weight)) this.#memory.free(room); }
    this.#known.delete(matrix);
  }

  #outliers(matrix: Matrix | PackedMatrix): Allocation[] | undefined {
    // A buffer of nothing cannot be bound.
    if (!isPacked(matrix) || !matrix.outliers?.values.length) return undefined;
    const { starts, entries } = outlierParts(matrix.outliers);
    return [this.#put(starts), this.#put(entries)];
  }

  #part(matrix: Matrix | PackedMatrix, rows: { from: number; to: number }): WeightPart {
    if (isPacked(matrix)) {
      const { shape, codes, scales, codebook } = tableParts(matrix, { rows });
      return { kind: "table", shape, rooms: [codes, scales, codebook].map((data) => this.#put(data)) };
    }
    const { shape, weights } = denseParts(matrix, { rows });
    return { kind: "dense", shape, rooms: [this.#put(weights)] };
  }

  #put(data: Uint32Array | Float32Array): Allocation {
    const room = this.#memory.take(data.byteLength);
    this.#commands.write(room, data);
    return room;
  }
}
