import { assert, assertLess } from "@std/assert";
import { factorize, solveFactored } from "../../lib/learn/cholesky.ts";
import { gramStats } from "../stats.ts";
import { random } from "./linear_inputs.ts";

Deno.test("factorize() and solveFactored() solve, and say when a matrix is not positive definite", () => {
  const n = 30;
  const { gram } = gramStats(Float64Array.from({ length: 40 * n }, () => random.normal()), n);
  const a = Float64Array.from(gram!);
  const x = Float64Array.from({ length: n }, () => random.normal());
  const b = x.map((_, i) => x.reduce((sum, value, j) => sum + a[i * n + j]! * value, 0));
  const l = a.slice();
  assert(factorize(l, n));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += l[k * n + i]! * l[k * n + j]!;
      assertLess(Math.abs(sum - a[i * n + j]!), 1e-12);
    }
  }
  solveFactored(l, n, b);
  b.forEach((value, i) => assertLess(Math.abs(value - x[i]!), 1e-9));
  assert(!factorize(Float64Array.of(1, 0, 2, 1), 2));
  assert(!factorize(Float64Array.of(NaN), 1));
});
