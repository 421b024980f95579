import type { InputStats } from "../lib/learn/input_stats.ts";

/** Statistics of an input whose mean, mean magnitude and mean square are all as given. */
export function statsOf(columns: ArrayLike<number>): InputStats {
  const all = Float64Array.from(columns);
  return { tokens: 1, mean: all, meanAbs: all, meanSquare: all };
}

/** Statistics of some tokens of an input, x [tokens, cols], E[x xᵀ] among them. */
export function gramStats(x: ArrayLike<number>, cols: number): InputStats {
  const tokens = x.length / cols;
  const sums = new Float64Array(cols * cols);
  const [mean, meanAbs] = [new Float64Array(cols), new Float64Array(cols)];
  for (let t = 0; t < tokens; t++) {
    for (let i = 0; i < cols; i++) {
      const value = x[t * cols + i]!;
      mean[i]! += value / tokens;
      meanAbs[i]! += Math.abs(value) / tokens;
      for (let j = 0; j < cols; j++) sums[i * cols + j]! += value * x[t * cols + j]!;
    }
  }
  const gram = Float32Array.from(sums, (sum) => sum / tokens);
  const meanSquare = mean.map((_, c) => gram[c * cols + c]!);
  return { tokens, mean, meanAbs, meanSquare, gram };
}
