/**
 * The inner loop of methods that know E[x xᵀ].
 *
 * @module
 */

/** Σ matrix[at + i] · vector[i] for i < n. */
export function dot(
  matrix: Float64Array | Float32Array,
  at: number,
  { vector, n }: { vector: Float64Array; n: number },
): number {
  // Sums of their own, so that no addition waits for the one before.
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= n; i += 4, at += 4) {
    a += matrix[at]! * vector[i]!;
    b += matrix[at + 1]! * vector[i + 1]!;
    c += matrix[at + 2]! * vector[i + 2]!;
    d += matrix[at + 3]! * vector[i + 3]!;
  }
  for (; i < n; i++, at++) a += matrix[at]! * vector[i]!;
  return a + b + (c + d);
}
