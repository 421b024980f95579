/**
 * Means over tokens, and how far they can be off: tokens near one another are alike, windows of text are not.
 *
 * @module
 */

/** Predicted tokens of one document at most that count as one observation. */
export const WINDOW_TOKENS = 256;

/** Numbers of tokens, summed by window. */
export class WindowSums {
  readonly #windows = new Map<number, { sum: number; tokens: number }>();
  #sum = 0;
  #tokens = 0;

  /** Adds the number of one token. @param place its document and its position in it. */
  add(value: number, place: { document: number; token: number }): void {
    // A document has fewer than 2^20 windows: contexts are shorter than 2^28 tokens.
    const key = place.document * 2 ** 20 + Math.floor(place.token / WINDOW_TOKENS);
    const window = this.#windows.get(key) ?? { sum: 0, tokens: 0 };
    window.sum += value;
    window.tokens++;
    this.#windows.set(key, window);
    this.#sum += value;
    this.#tokens++;
  }

  /** The number of tokens. */
  get tokens(): number {
    return this.#tokens;
  }

  /** The mean over all tokens. */
  get mean(): number {
    return this.#sum / this.#tokens;
  }

  /**
   * The mean's standard error, as of a ratio of two sums over windows (Cochran 1977, 2.39); NaN of a single window. Where texts
   * are of several kinds it is an upper bound, as the kinds' own differences count too.
   */
  get stderr(): number {
    const count = this.#windows.size;
    let squares = 0;
    for (const { sum, tokens } of this.#windows.values()) squares += (sum - this.mean * tokens) ** 2;
    return count < 2 ? NaN : Math.sqrt(squares * count / (count - 1)) / this.#tokens;
  }
}
