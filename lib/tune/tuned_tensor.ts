/**
 * Tensors whose numbers are tuned: a packed matrix, or a vector.
 *
 * @module
 */
import { roundToBytes } from "../matrix/byte_scales.ts";
import { codebookAt } from "../matrix/codebooks.ts";
import { codebookRounding } from "../matrix/codebook_type.ts";
import { fromFloat32, toFloat32 } from "../matrix/dtype.ts";
import type { Matrix } from "../matrix/matrix.ts";
import { groupsPerRow, type PackedMatrix } from "../matrix/packed_matrix.ts";
import { Nearest } from "../learn/nearest.ts";
import { packRow, unpackRow, wordsPerRow } from "../matrix/packing.ts";
import { roundTo } from "../matrix/rounding.ts";
import { isStoredType } from "../matrix/stored_matrix.ts";
import type { Parameter } from "./adam.ts";

/** A tensor that is tuned. */
export interface TunedTensor<Tensor extends Matrix | PackedMatrix = Matrix | PackedMatrix> {
  /** What is tuned of it. */
  readonly parameters: readonly Parameter[];
  /** Its values, [rows, cols], as the parameters are now. */
  values(): Float32Array;
  /** Sets the parameters' gradients from the one by its values, [rows, cols]. */
  pull(gradient: Float32Array): void;
  /** The tensor, its parameters rounded to the types that they are stored in. */
  rounded(): Tensor;
}

const parameter = (values: Float32Array): Parameter => (
  { values: values.slice(), gradient: new Float64Array(values.length) }
);

/** A packed matrix, of which the codes and the places of outliers stay. */
export class TunedLinear implements TunedTensor<PackedMatrix> {
  readonly parameters: readonly Parameter[];
  readonly #packed: PackedMatrix;
  /** [rows, cols]. */
  readonly #codes: Uint8Array;
  readonly #codebook?: Parameter;
  readonly #scales?: Parameter;
  readonly #zeros?: Parameter;
  readonly #outliers?: Parameter;
  /** [rows, cols] weights whose nearest values have the codes, where codes are tuned too. */
  readonly #latent?: Parameter;

  /**
   * @param packed where it begins.
   * @param original [rows, cols] the original's weights, where codes are tuned too.
   */
  constructor(packed: PackedMatrix, original?: Float32Array) {
    this.#packed = packed;
    const { rows, cols, bits, scales, zeros, codebook, codebookType, scaleType, outliers } = packed;
    this.#codes = new Uint8Array(rows * cols);
    for (let row = 0; row < rows; row++) {
      unpackRow(packed.codes, { bits, cols, row }, this.#codes.subarray(row * cols, (row + 1) * cols));
    }
    if (codebookType !== "fixed") this.#codebook = parameter(codebook);
    // Powers of two are too far apart to be tuned.
    if (scaleType !== "e8m0") this.#scales = parameter(scales);
    if (zeros) this.#zeros = parameter(zeros);
    if (outliers) this.#outliers = parameter(outliers.values);
    if (original) {
      const values = this.#latentOf(original);
      this.#latent = { values, gradient: new Float32Array(values.length) };
    }
    this.parameters = [this.#codebook, this.#scales, this.#zeros, this.#outliers, this.#latent]
      .filter((one) => one !== undefined);
  }

  /** The weights nearest to the original's that have the codes. */
  #latentOf(original: Float32Array): Float32Array {
    const latent = original.slice();
    const { codebook, scales, zeros, bits } = this.#packed;
    this.#eachGroup((group, table, from, to) => {
      const values = codebook.subarray(table, table + (1 << bits));
      const [scale, zero] = [scales[group]!, zeros?.[group] ?? 0];
      const bounds = Array.from(values, (value) => {
        const below = values.filter((other) => other < value).reduce((a, b) => Math.max(a, b), -Infinity);
        const above = values.filter((other) => other > value).reduce((a, b) => Math.min(a, b), Infinity);
        // So far from where codes change that tables can move a little.
        const inside = (other: number) => value + (other - value) / 4;
        const ends = [scale * inside(below) + zero, scale * inside(above) + zero];
        return scale < 0 ? ends.reverse() : ends;
      });
      for (let at = from; at < to; at++) {
        const [low, high] = bounds[this.#codes[at]!]!;
        latent[at] = Math.min(Math.max(latent[at]!, low!), high!);
      }
    });
    return latent;
  }

  /** Takes the codes nearest to the latent weights. */
  #code(): void {
    const latent = this.#latent?.values;
    if (!latent) return;
    const { bits } = this.#packed;
    const { codebook, scales } = { ...this.#packed, ...this.#current() };
    const zeros = this.#zeros?.values;
    const nearest = new Nearest(1 << bits);
    let loaded = -1;
    this.#eachGroup((group, table, from, to) => {
      if (table !== loaded) nearest.load(codebook, loaded = table, 1 << bits);
      const [scale, zero] = [scales[group]!, zeros?.[group] ?? 0];
      if (scale === 0) return;
      for (let at = from; at < to; at++) this.#codes[at] = nearest.code((latent[at]! - zero) / scale);
    });
  }

  /** Calls for each group with its number, its row's place in the codebook, and its first place and the one behind its last. */
  #eachGroup(visit: (group: number, table: number, from: number, to: number) => void): void {
    const { rows, cols, groupSize } = this.#packed;
    for (let r = 0, group = 0; r < rows; r++) {
      const table = codebookAt(this.#packed, r);
      for (let c = 0; c < cols; c += groupSize, group++) {
        visit(group, table, r * cols + c, r * cols + Math.min(c + groupSize, cols));
      }
    }
  }

  values(): Float32Array {
    this.#code();
    const codes = this.#codes;
    const out = new Float32Array(codes.length);
    const { codebook, scales } = { ...this.#packed, ...this.#current() };
    const zeros = this.#zeros?.values;
    const scaled = new Float64Array(1 << this.#packed.bits);
    this.#eachGroup((group, table, from, to) => {
      const [scale, zero] = [scales[group]!, zeros?.[group] ?? 0];
      for (let code = 0; code < scaled.length; code++) scaled[code] = scale * codebook[table + code]! + zero;
      for (let at = from; at < to; at++) out[at] = scaled[codes[at]!]!;
    });
    this.#eachOutlier((i, at) => out[at]! += this.#outliers!.values[i]!);
    return out;
  }

  pull(gradient: Float32Array): void {
    const codes = this.#codes;
    const { codebook, scales } = { ...this.#packed, ...this.#current() };
    const [byTable, byScale, byZero] = [this.#codebook, this.#scales, this.#zeros].map((one) =>
      one?.gradient
    );
    byTable?.fill(0);
    const size = 1 << this.#packed.bits;
    const sums = new Float64Array(size);
    this.#eachGroup((group, table, from, to) => {
      sums.fill(0);
      for (let at = from; at < to; at++) sums[codes[at]!]! += gradient[at]!;
      let [along, total] = [0, 0];
      for (let code = 0; code < size; code++) {
        along += sums[code]! * codebook[table + code]!;
        total += sums[code]!;
        if (byTable) byTable[table + code]! += sums[code]! * scales[group]!;
      }
      if (byScale) byScale[group] = along;
      if (byZero) byZero[group] = total;
    });
    this.#eachOutlier((i, at) => this.#outliers!.gradient[i] = gradient[at]!);
    this.#latent?.gradient.set(gradient);
  }

  #eachOutlier(visit: (i: number, at: number) => void): void {
    const { rows, cols, outliers } = this.#packed;
    if (!outliers) return;
    for (let r = 0; r < rows; r++) {
      for (let i = outliers.starts[r]!; i < outliers.starts[r + 1]!; i++) {
        visit(i, r * cols + outliers.columns[i]!);
      }
    }
  }

  #current(): Partial<PackedMatrix> {
    return {
      ...(this.#codebook && { codebook: this.#codebook.values }),
      ...(this.#scales && { scales: this.#scales.values }),
    };
  }

  #packedCodes(): Uint32Array {
    const { rows, cols, bits } = this.#packed;
    const words = new Uint32Array(rows * wordsPerRow(cols, bits));
    for (let row = 0; row < rows; row++) {
      packRow(this.#codes.subarray(row * cols, (row + 1) * cols), { bits, cols, row }, words);
    }
    return words;
  }

  rounded(): PackedMatrix {
    this.#code();
    const { rows, bits, codebookType, scaleType, outliers, ...rest } = this.#packed;
    const groups = groupsPerRow(rest);
    const learned = codebookType === "fixed" ? undefined : codebookRounding(codebookType, bits);
    const numbers = ({ values }: Parameter, signed: boolean) => {
      if (scaleType === "f32") return values.slice();
      if (scaleType === "f16") return values.map(Math.f16round);
      const allowed = signed ? values : values.map((value) => Math.max(value, 0));
      return roundToBytes(allowed, { rows, groups, signed });
    };
    return {
      ...this.#packed,
      ...(this.#latent && { codes: this.#packedCodes() }),
      ...(learned && { codebook: this.#codebook!.values.map((value) => roundTo(learned, value)) }),
      ...(this.#scales && { scales: numbers(this.#scales, false) }),
      ...(this.#zeros && { zeros: numbers(this.#zeros, true) }),
      ...(outliers && { outliers: { ...outliers, values: this.#outliers!.values.map(Math.f16round) } }),
    };
  }
}

/** A norm's or a bias's values. */
export class TunedVector implements TunedTensor<Matrix> {
  readonly parameters: readonly [Parameter];
  readonly #stored: Matrix;
  readonly #offset: number;

  /**
   * @param stored as the checkpoint has it, whose type it keeps.
   * @param offset what the decoder adds to each value.
   */
  constructor(stored: Matrix, offset: number) {
    this.#stored = stored;
    this.#offset = offset;
    this.parameters = [parameter(stored.data.map((value) => value + offset))];
  }

  values(): Float32Array {
    return this.parameters[0].values.map((value) => value - this.#offset);
  }

  pull(gradient: Float32Array): void {
    this.parameters[0].gradient.set(gradient);
  }

  rounded(): Matrix {
    const { rows, cols, dtype } = this.#stored;
    const data = this.values();
    if (dtype === undefined || !isStoredType(dtype)) return { rows, cols, data, dtype };
    return { rows, cols, data: toFloat32(fromFloat32(data, dtype), dtype), dtype };
  }
}
