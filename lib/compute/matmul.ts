/**
 * The plain matrix product, blocked to keep a processor's registers busy.
 *
 * @module
 */

/**
 * out[m, n] = Σ_k x[m, k] · w[n, k], for m < rows.m and n < rows.n; sums are float64, in order of k.
 *
 * Blocks of 4 × 4 outputs share their loads. Whatever the block, every output is the same sum in the same order, so
 * results do not depend on how many rows are multiplied at once.
 *
 * @param x at least [m, k], row by row.
 * @param w at least [n, k], row by row.
 * @param out where row i of the result starts at i · stride + offset.
 */
export function matmul(
  x: Float32Array,
  w: Float32Array,
  out: { data: Float32Array; stride: number; offset: number; m: number; n: number; k: number },
): void {
  const { data, stride, offset, m: M, n: N, k: K } = out;
  const m4 = M - M % 4;
  const n4 = N - N % 4;
  for (let n = 0; n < n4; n += 4) {
    const w0 = n * K;
    const w1 = w0 + K;
    const w2 = w1 + K;
    const w3 = w2 + K;
    for (let m = 0; m < m4; m += 4) {
      const x0 = m * K;
      const x1 = x0 + K;
      const x2 = x1 + K;
      const x3 = x2 + K;
      let a00 = 0, a01 = 0, a02 = 0, a03 = 0;
      let a10 = 0, a11 = 0, a12 = 0, a13 = 0;
      let a20 = 0, a21 = 0, a22 = 0, a23 = 0;
      let a30 = 0, a31 = 0, a32 = 0, a33 = 0;
      for (let k = 0; k < K; k++) {
        const p0 = x[x0 + k]!, p1 = x[x1 + k]!, p2 = x[x2 + k]!, p3 = x[x3 + k]!;
        const q0 = w[w0 + k]!, q1 = w[w1 + k]!, q2 = w[w2 + k]!, q3 = w[w3 + k]!;
        a00 += p0 * q0;
        a01 += p0 * q1;
        a02 += p0 * q2;
        a03 += p0 * q3;
        a10 += p1 * q0;
        a11 += p1 * q1;
        a12 += p1 * q2;
        a13 += p1 * q3;
        a20 += p2 * q0;
        a21 += p2 * q1;
        a22 += p2 * q2;
        a23 += p2 * q3;
        a30 += p3 * q0;
        a31 += p3 * q1;
        a32 += p3 * q2;
        a33 += p3 * q3;
      }
      let o = m * stride + offset + n;
      data[o] = a00;
      data[o + 1] = a01;
      data[o + 2] = a02;
      data[o + 3] = a03;
      o += stride;
      data[o] = a10;
      data[o + 1] = a11;
      data[o + 2] = a12;
      data[o + 3] = a13;
      o += stride;
      data[o] = a20;
      data[o + 1] = a21;
      data[o + 2] = a22;
      data[o + 3] = a23;
      o += stride;
      data[o] = a30;
      data[o + 1] = a31;
      data[o + 2] = a32;
      data[o + 3] = a33;
    }
    for (let m = m4; m < M; m++) {
      const x0 = m * K;
      let a0 = 0, a1 = 0, a2 = 0, a3 = 0;
      for (let k = 0; k < K; k++) {
        const p = x[x0 + k]!;
        a0 += p * w[w0 + k]!;
        a1 += p * w[w1 + k]!;
        a2 += p * w[w2 + k]!;
        a3 += p * w[w3 + k]!;
      }
      const o = m * stride + offset + n;
      data[o] = a0;
      data[o + 1] = a1;
      data[o + 2] = a2;
      data[o + 3] = a3;
    }
  }
  for (let n = n4; n < N; n++) {
    for (let m = 0; m < M; m++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += x[m * K + k]! * w[n * K + k]!;
      data[m * stride + offset + n] = sum;
    }
  }
}
