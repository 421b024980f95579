/**
 * x · Wᵀ: which kernels, in how many pieces.
 *
 * @module
 */
import type { RowsAs } from "../backend.ts";
import type { WasmActivationType } from "./rounded_codebooks.ts";
import { MOST_TASKS } from "./control.ts";
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

/**
 * Pieces of a matrix that may be widened at the same time; rows of a tile, its bytes, and those of a token's sums, which take none
 * where activations are bytes: see matmul.ts and matmul_rounded.ts of the kernels.
 */
const PIECES = 64;
const TILE = { rows: 16, bytes: 20 << 10, sums: 64 };

/** Bytes of a block of 32 columns by its kernel, prepare…, and of a rounded one of four tokens: see there. */
const BLOCK_BYTES = { Int16: 80, Int8: 48, "": 128 };
const FOUR_BYTES = 160;

/** A product of x: what it is multiplied by, and where that goes. */
export interface Product {
  readonly out: Place;
  readonly weight: WasmWeight;
  readonly bias?: WasmWeight;
}

/** The same, in addresses of the weight's arena. */
interface Target {
  readonly out: number;
  readonly weight: WasmWeight;
  readonly bias: number;
}

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

  /**
   * out = x · weightᵀ + bias of each product. Those of one kind go together: x is prepared once, and threads wait for one
   * another once. A weight that lies elsewhere has x and out copied there and back.
   */
  run(x: Place, products: readonly Product[], options: { tokens: number; as?: RowsAs }): void {
    const [first] = products;
    if (products.length > 1 && !areAlike(x, products)) {
      for (const product of products) this.run(x, [product], options);
      return;
    }
    const { tokens, as } = options;
    const { weight } = first!;
    const { arena } = weight.block;
    const scratch = this.#scratch;
    const at = scratch.input(arena, "x", x);
    const targets = products.map(({ out, weight, bias }, i): Target => ({
      out: scratch.output(arena, out),
      weight,
      bias: bias ? scratch.input(arena, `bias ${i}`, vectorOf(bias)) : 0,
    }));
    const many = weight.rounded ? MANY_ROUNDED_TOKENS : MANY_TOKENS;
    const together = as === undefined ? tokens >= many : as === "many";
    // Kernels for many tokens sum each row in the same order, whatever their number.
    if (!weight.quick || together) this.#many(targets, { x: at, tokens });
    // Kernels for few tokens compute each as if it were the only one.
    else this.#few(targets, { x: at, tokens });
    if (weight.outliers) {
      const { rows, cols } = weight;
      const added = [targets[0]!.out, at, ...outlierAddresses(weight, weight.outliers), tokens, rows, cols];
      this.#pool.run(arena, "addOutliers", added, rows, Math.ceil(this.#worthwhile / (OUTLIERS * tokens)));
    }
    for (const { out, weight } of products) scratch.copyBack(arena, out, 4 * tokens * weight.rows);
  }

  #few(targets: readonly Target[], { x, tokens }: { x: number; tokens: number }): void {
    const [{ weight }] = targets as [Target];
    const { block: { arena }, cols, bits } = weight;
    let name = "matvec";
    let prepared = [x, 0];
    if (weight.rounded) {
      // Codes of 8 bits leave no room for other bytes.
      const kind = this.#activations === "int16" || bits === 8 ? "Int16" : "Int8";
      name = `matvec${bits}${kind}`;
      prepared = this.#prepare(weight, { kind, x, tokens });
    } else if (bits > 0) prepared = this.#prepare(weight, { kind: "", x, tokens });
    const all = targets.reduce((sum, { weight: { rows } }) => sum + rows, 0);
    const least = Math.ceil(this.#worthwhile / (cols * tokens));
    // Long stretches are read faster, and four for each thread even out threads of unequal speed.
    const grain = Math.max(least, Math.min(LONG * least, Math.ceil(all / (4 * this.#pool.threads))));
    const runs = targets.map(({ out, weight: { block, rows }, bias }) => (
      { name, args: [out, ...prepared, block.address, bias, tokens], count: rows, grain }
    ));
    this.#pool.runAll(arena, runs);
  }

  /**
   * x in blocks of 32 columns, rounded to whole numbers or not, and the sums of its groups.
   *
   * @returns where they are.
   */
  #prepare(
    { block: { arena }, cols, groupSize }: WasmWeight,
    from: { kind: keyof typeof BLOCK_BYTES; x: number; tokens: number },
  ): [blocks: number, sums: number] {
    const { kind, x, tokens } = from;
    const blocks = this.#scratch.take(
      arena,
      "prepared",
      BLOCK_BYTES[kind] * tokens * Math.ceil(cols / 32) + 64,
    );
    const sums = this.#scratch.take(arena, "sums", 4 * tokens * Math.ceil(cols / groupSize) + 64);
    const share = Math.ceil(this.#worthwhile / cols);
    this.#pool.run(arena, `prepare${kind}`, [blocks, sums, x, cols, groupSize], tokens, share);
    return [blocks, sums];
  }

  #many(targets: readonly Target[], { x, tokens }: { x: number; tokens: number }): void {
    const [{ weight }] = targets as [Target];
    const { block: { arena }, cols } = weight;
    const inBytes = weight.rounded && this.#activations === "int8" && weight.bits < 8;
    const prepared = inBytes
      ? this.#packFours(weight, { x, tokens })
      : [this.#packColumns(weight, { x, tokens })];
    const bytes = TILE.bytes + (inBytes ? 0 : TILE.sums * 4 * Math.ceil(tokens / 4));
    let pieces = 0;
    const places = targets.map(({ weight: { rows } }) => {
      const least = Math.max(rows / PIECES, this.#worthwhile / (cols * tokens));
      const grain = Math.ceil(least / TILE.rows) * TILE.rows;
      const tiles = bytes * pieces;
      pieces += Math.ceil(rows / grain);
      return { grain, tiles };
    });
    const tiles = this.#scratch.take(arena, "tiles", bytes * pieces);
    const runs = targets.map(({ out, weight: { block, rows }, bias }, i) => {
      const { grain, tiles: at } = places[i]!;
      const args = [out, ...prepared, block.address, bias, tokens, tiles + at, grain];
      return { name: inBytes ? "matmulInt8" : "matmul", args, count: rows, grain };
    });
    this.#pool.runAll(arena, runs);
  }

  #packFours(weight: WasmWeight, from: { x: number; tokens: number }): [fours: number, sums: number] {
    const { block: { arena }, cols } = weight;
    const [blocks, sums] = this.#prepare(weight, { kind: "Int8", ...from });
    const fours = Math.ceil(from.tokens / 4);
    const packed = this.#scratch.take(arena, "packed", FOUR_BYTES * fours * Math.ceil(cols / 32) + 64);
    const share = Math.ceil(this.#worthwhile / (4 * cols));
    this.#pool.run(arena, "packFours", [packed, blocks, from.tokens, cols], fours, share);
    return [packed, sums];
  }

  #packColumns({ block: { arena }, cols }: WasmWeight, { x, tokens }: { x: number; tokens: number }): number {
    const fours = Math.ceil(tokens / 4);
    const packed = this.#scratch.take(arena, "packed", 16 * fours * cols + 64);
    const share = Math.ceil(this.#worthwhile / (4 * cols));
    this.#pool.run(arena, "packColumns", [packed, x, tokens, cols], fours, share);
    return packed;
  }
}

/** Whether products can go together: of one kind, in one memory, which x is in too. */
function areAlike(x: Place, products: readonly Product[]): boolean {
  const { weight: { quick, rounded, bits, groupSize } } = products[0]!;
  return products.length <= MOST_TASKS &&
    products.every(({ weight }) =>
      weight.block.arena === x.arena && weight.quick === quick && weight.rounded === rounded &&
      weight.bits === bits && weight.groupSize === groupSize && !weight.outliers
    );
}
