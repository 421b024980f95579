/**
 * Rounding to the nearest value of a codebook.
 *
 * @module
 */

/**
 * Finds the nearest value of a codebook by its code. A tie goes to the even code, which is round-half-to-even for
 * integers and E2M1's rule for floats; of two codes with the same value the first is used.
 */
export class Nearest {
  readonly #codes: Uint8Array;
  /** thresholds[i] parts the i-th from the (i+1)-th value in ascending order. */
  readonly #thresholds: Float64Array;
  #count = 0;

  /** @param size the largest number of values of a codebook. */
  constructor(size: number) {
    this.#codes = new Uint8Array(size);
    this.#thresholds = new Float64Array(size);
  }

  /** Takes the values codebook[offset … offset + size), in any order. */
  load(codebook: Float32Array, offset: number, size: number): void {
    const codes = this.#codes;
    let count = 0;
    for (let code = 0; code < size; code++) {
      const value = codebook[offset + code]!;
      // Insertion into the sorted prefix: learned codebooks and most fixed ones are sorted.
      let place = count;
      while (place > 0 && codebook[offset + codes[place - 1]!]! > value) place--;
      if (place > 0 && codebook[offset + codes[place - 1]!]! === value) continue;
      codes.copyWithin(place + 1, place, count);
      codes[place] = code;
      count++;
    }
    for (let i = 0; i + 1 < count; i++) {
      this.#thresholds[i] = (codebook[offset + codes[i]!]! + codebook[offset + codes[i + 1]!]!) / 2;
    }
    this.#count = count;
  }

  /** The code of the value nearest to `x`. */
  code(x: number): number {
    const thresholds = this.#thresholds;
    let low = 0;
    let high = this.#count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (x > thresholds[middle]!) low = middle + 1;
      else high = middle;
    }
    // Here x ≤ thresholds[low]: on a tie the odd code gives way to its even neighbour above.
    if (low + 1 < this.#count && x === thresholds[low] && (this.#codes[low]! & 1) === 1) low++;
    return this.#codes[low]!;
  }
}
