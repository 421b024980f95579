/**
 * Cholesky factors and what is solved with them, in float64.
 *
 * @module
 */

/**
 * Factors A = Lᵀ L in place, L lower triangular: of A, [n, n] row by row, only the diagonal and what is below it are read, and
 * L takes their place.
 *
 * @returns false when A is not positive definite; what `a` holds then is of no use.
 */
export function factorize(a: Float64Array, n: number): boolean {
  for (let j = n - 1; j >= 0; j--) {
    const square = a[j * n + j]!;
    if (!(square > 0 && square < Infinity)) return false;
    const pivot = Math.sqrt(square);
    for (let i = 0; i < j; i++) a[j * n + i]! /= pivot;
    a[j * n + j] = pivot;
    for (let m = 0; m < j; m++) {
      const factor = a[j * n + m]!;
      for (let i = 0; i <= m; i++) a[m * n + i]! -= factor * a[j * n + i]!;
    }
  }
  return true;
}

/** Solves Lᵀ L x = b in place, L from {@linkcode factorize}. */
export function solveFactored(l: Float64Array, n: number, b: Float64Array): void {
  for (let j = n - 1; j >= 0; j--) {
    let sum = b[j]!;
    for (let k = j + 1; k < n; k++) sum -= l[k * n + j]! * b[k]!;
    b[j] = sum / l[j * n + j]!;
  }
  for (let j = 0; j < n; j++) {
    let sum = b[j]!;
    for (let k = 0; k < j; k++) sum -= l[j * n + k]! * b[k]!;
    b[j] = sum / l[j * n + j]!;
  }
}
