/**
 * x · Wᵀ: which kernels, in how many pieces.
 *
 * @module
 */
import type { RowsAs } from "../backend.ts";
import type { WasmActivationType } from "./rounded_codebooks.ts";
import type { Pool } from "./pool.ts";
import type { Place, Scratch } from "./scratch.ts";
import { outlierAddresses, vectorOf, type WasmWeight } from "./weight_image.ts";

/**
 * Tokens from which on a tile of weights is widened once for all of them, instead of each weight for each token: where
 * activations are rounded, and where they are not.
 */
const MANY_ROUNDED_TOKENS = 6, MANY_TOKENS = 4;

/** Stretches of rows that are read as fast as memory allows, in those that are worth a thread. */
const LONG = 8;

/** About as many outliers has a row. */
const OUTLIERS = 8;

/** Pieces of a matrix that may be widened at the same time, and the size of a tile: see matmul.ts of the kernels. */
const PIECES = 64;
const TILE = { rows: 16, cols: 256, bytes: 1 << 14 };

/** Bytes of a rounded block of 32 columns: see prepare_rounded.ts of the kernels. */
const RECORD_BYTES = { Int16: 80, Int8: 48, Four: 160 };

/** Runs linears on a pool. */
export class LinearRunner {
  readonly #pool: Pool;
  readonly #scratch: Scratch;
  readonly #worthwhile: number;
  readonly #activations: WasmActivationType;

  /** @param means worthwhile: multiplications that are worth another thread; activations: see BackendOptions. */
  constructor(means: { pool: Pool; scratch: Scratch; worthwhile: number; activations: WasmActivationType }) {
    this.#pool = means.pool;
    this.#activations = means.activations;
    this.#scratch = means.scratch;
    this.#worthwhile = means.worthwhile;
  }

  /** out = x · weightᵀ + bias. A weight that lies elsewhere has x and out copied there and back. */
  run(
    out: Place,
    x: Place,
    options: { weight: WasmWeight; bias?: WasmWeight; tokens: number; as?: RowsAs },
  ): void {
    const { weight, bias, tokens, as } = options;
    const { arena } = weight.block;
    const scratch = this.#scratch;
    const args = {
      out: scratch.output(arena, out),
      x: scratch.input(arena, "x", x),
      bias: bias ? scratch.input(arena, "bias", vectorOf(bias)) : 0,
      tokens,
    };
    const many = weight.rounded ? MANY_ROUNDED_TOKENS : MANY_TOKENS;
    const together = as === undefined ? tokens >= many : as === "many";
    // Kernels for many tokens sum each row in the same order, whatever their number.
    if (!weight.quick || together) this.#many(weight, args);
    else {
      // Kernels for few tokens compute each as if it were the only one.
      for (let from = 0; from < tokens; from += many - 1) {
        const [out, x] = [args.out + 4 * from * weight.rows, args.x + 4 * from * weight.cols];
        this.#few(weight, { ...args, out, x, tokens: Math.min(many - 1, tokens - from) });
      }
    }
    if (weight.outliers) {
      const { rows, cols } = weight;
      const added = [args.out, args.x, ...outlierAddresses(weight, weight.outliers), tokens, rows, cols];
      this.#pool.run(arena, "addOutliers", added, rows, Math.ceil(this.#worthwhile / (OUTLIERS * tokens)));
    }
    scratch.copyBack(arena, out, 4 * tokens * weight.rows);
  }

  #few(weight: WasmWeight, args: { out: number; x: number; bias: number; tokens: number }): void {
    const { arena, address } = weight.block;
    const { rows, cols, bits, groupSize } = weight;
    const { out, x, bias, tokens } = args;
    const [pool, scratch] = [this.#pool, this.#scratch];
    const least = Math.ceil(this.#worthwhile / (cols * tokens));
    // Long stretches are read faster, and four for each thread even out threads of unequal speed.
    const grain = Math.max(least, Math.min(LONG * least, Math.ceil(rows / (4 * this.#pool.threads))));
    if (bits === 0) {
      pool.run(arena, "matvec", [out, x, 0, address, bias, tokens], rows, grain);
    } else if (weight.rounded) {
      // Codes of 8 bits leave no room for other bytes.
      const kind = this.#activations === "int16" || bits === 8 ? "Int16" : "Int8";
      const { prepared, sums } = this.#round(weight, { kind, x, tokens });
      const args = [out, prepared, sums, address, bias, tokens];
      pool.run(arena, `matvec${bits}${kind}`, args, rows, grain);
    } else {
      const prepared = scratch.take(arena, "prepared", 128 * tokens * Math.ceil(cols / 32) + 64);
      const sums = scratch.take(arena, "sums", 4 * tokens * Math.ceil(cols / groupSize) + 64);
      pool.run(arena, "prepare", [prepared, sums, x, cols, groupSize], tokens, tokens);
      pool.run(arena, "matvec", [out, prepared, sums, address, bias, tokens], rows, grain);
    }
  }

  /** Rounds x to whole numbers, with a step for each block of 32 columns, beside the sums of its groups. */
  #round(
    weight: WasmWeight,
    from: { kind: "Int16" | "Int8"; x: number; tokens: number },
  ): { prepared: number; sums: number } {
    const { block: { arena }, cols, groupSize } = weight;
    const { kind, x, tokens } = from;
    const [blocks, groups] = [Math.ceil(cols / 32), Math.ceil(cols / groupSize)];
    const prepared = this.#scratch.take(arena, "prepared", RECORD_BYTES[kind] * tokens * blocks + 64);
    const sums = this.#scratch.take(arena, "sums", 4 * tokens * groups + 64);
    const args = [prepared, sums, x, cols, groupSize];
    this.#pool.run(arena, `prepare${kind}`, args, tokens, Math.ceil(this.#worthwhile / cols));
    return { prepared, sums };
  }

  #many(weight: WasmWeight, args: { out: number; x: number; bias: number; tokens: number }): void {
    const { arena, address } = weight.block;
    const { rows, cols } = weight;
    const { out, x, bias, tokens } = args;
    const least = Math.max(rows / PIECES, this.#worthwhile / (cols * tokens));
    const grain = Math.ceil(least / TILE.rows) * TILE.rows;
    const tiles = this.#scratch.take(arena, "tiles", Math.ceil(rows / grain) * TILE.bytes);
    if (weight.rounded && this.#activations === "int8" && weight.bits < 8) {
      const { prepared, sums } = this.#round(weight, { kind: "Int8", x, tokens });
      const blocks = Math.ceil(cols / 32);
      const fours = this.#scratch.take(
        arena,
        "packed",
        RECORD_BYTES.Four * Math.ceil(tokens / 4) * blocks + 64,
      );
      const share = Math.ceil(this.#worthwhile / (4 * cols));
      this.#pool.run(arena, "packFours", [fours, prepared, tokens, cols], Math.ceil(tokens / 4), share);
      const args = [out, fours, sums, address, bias, tokens, tiles, grain];
      this.#pool.run(arena, "matmulInt8", args, rows, grain);
      return;
    }
    const blocks = Math.ceil(cols / TILE.cols);
    const packed = this.#scratch.take(arena, "packed", 4 * tokens * blocks * TILE.cols);
    const share = Math.ceil(this.#worthwhile / cols);
    this.#pool.run(arena, "packColumns", [packed, x, tokens, cols], tokens, share);
    this.#pool.run(arena, "matmul", [out, packed, address, bias, tokens, tiles, grain], rows, grain);
  }
}
