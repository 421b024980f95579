/**
 * A mean over tokens, and how far chance may have moved it.
 *
 * @module
 */

/** Tokens of a block: neighbours go together, blocks hardly do. */
const BLOCK_TOKENS = 64;

/**
 * The mean of a number that each token has, and its standard error by blocks of 64 neighbouring tokens of a document: of sums
 * S and lengths n of B blocks, √(B / (B − 1) · Σ (S − mean · n)²) / Σ n.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const mean = new BlockMean();
 * for (let t = 0; t < 128; t++) mean.add({ document: 0, token: t }, t < 64 ? 1 : 3);
 * assertEquals([mean.mean, mean.error], [2, 1]);
 * ```
 */
export class BlockMean {
  readonly #blocks = new Map<string, { sum: number; tokens: number }>();

  /** Adds a token's number; `at` is where the token is. */
  add(at: { document: number; token: number }, value: number): void {
    const key = `${at.document} ${Math.floor(at.token / BLOCK_TOKENS)}`;
    const block = this.#blocks.get(key);
    if (!block) this.#blocks.set(key, { sum: value, tokens: 1 });
    else {
      block.sum += value;
      block.tokens++;
    }
  }

  /** Tokens added. */
  get tokens(): number {
    return this.#blocks.values().reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** The mean. */
  get mean(): number {
    return this.#blocks.values().reduce((total, { sum }) => total + sum, 0) / this.tokens;
  }

  /** The standard error of the mean; NaN where there is but one block. */
  get error(): number {
    const { mean, tokens } = this;
    const blocks = [...this.#blocks.values()];
    const squares = blocks.reduce((total, { sum, tokens }) => total + (sum - mean * tokens) ** 2, 0);
    return Math.sqrt(blocks.length / (blocks.length - 1) * squares) / tokens;
  }
}
