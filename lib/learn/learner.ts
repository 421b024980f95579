/**
 * The interface of learners, which choose the values of a codebook.
 *
 * @module
 */

/** Learns the values of a codebook from weighted numbers: one-dimensional weighted k-means. */
export interface Learner {
  /**
   * Finds k centroids for n values.
   *
   * @param values n finite numbers in any order, n ≥ 1; not changed.
   * @param weights n finite weights ≥ 0, or null where all are 1. If all are 0 they count as 1.
   * @param centroids receives k centroids, ascending. Where there are fewer than k distinct values of positive
   * weight, these are the centroids and the rest repeat the largest.
   * @returns the inertia Σ weight · (value − nearest centroid)².
   * @throws {TensorError} when a value or a weight is not finite, a weight is negative, or sizes disagree.
   */
  fit(values: Float64Array, weights: Float64Array | null, centroids: Float64Array): number;
}
