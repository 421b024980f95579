import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { type Format, symmetric } from "../../lib/formats/format.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import { RowDescent } from "../../lib/learn/row_descent.ts";
import { scaleGroups } from "../../lib/learn/scaling.ts";
import { formatOf } from "../../lib/formats/formats.ts";
import { unpackRow } from "../../lib/matrix/packing.ts";
import golden from "../golden/hessian.json" with { type: "json" };
import { Lcg } from "../golden/lcg.ts";
import { gramStats } from "../stats.ts";

const { rows, cols, tokens, groupSize } = golden;
const lcg = new Lcg(golden.seed);
const matrix = { rows, cols, data: lcg.heavyTailed(rows * cols) };
const draws = lcg.bell(tokens * cols);
const factors = lcg.weights(cols);
const x = new Float64Array(tokens * cols);
for (let t = 0; t < tokens; t++) {
  for (let c = 0; c < cols; c++) {
    x[t * cols + c] = draws[t * cols + c]! + (c > 0 ? 0.75 * x[t * cols + c - 1]! : 0);
  }
}
const stats = gramStats(x.map((value, i) => value * factors[i % cols]!), cols);

const uneven: Format = {
  name: "uneven",
  bits: 2,
  groupSize,
  summary: "a table that is no line",
  values: () => Float32Array.from(golden.uneven),
  scaling: symmetric(1),
};

for (const { format, actOrder, codes } of golden.gptq) {
  Deno.test(`gptq has the codes of the paper's algorithm: ${format}${actOrder ? ", act-order" : ""}`, () => {
    const packed = quantize(matrix, {
      format: format === "uneven" ? uneven : format,
      groupSize,
      scaleType: "f32",
      method: { name: "gptq", actOrder },
      stats,
    });
    const found = new Uint8Array(cols);
    for (let r = 0; r < rows; r++) {
      unpackRow(packed.codes, { bits: packed.bits, cols, row: r }, found);
      assertEquals([...found], codes[r]);
    }
  });
}

Deno.test("least squares and coordinate descent give the tables, codes and errors of numpy", () => {
  const mean = stats.meanSquare.reduce((sum, value) => sum + value, 0) / cols;
  const hessian = Float32Array.from(
    stats.gram!,
    (value, i) => i % (cols + 1) === 0 ? value + 1e-3 * mean : value / 2,
  );
  const { scales, zeros } = scaleGroups(matrix, {
    scaling: formatOf("int3").scaling,
    groupSize,
    type: "f32",
  });
  const scaled = { matrix, groupSize, scales, zeros };
  const descent = new RowDescent(scaled, { hessian, bits: 3, type: "f32" });
  for (const [r, expected] of golden.lnq.entries()) {
    descent.codes.set(expected.codes);
    descent.begin(r, Float32Array.from({ length: 8 }, (_, i) => i));
    assertAlmostEquals(descent.error, expected.start, 1e-6 * expected.start);
    descent.refit();
    assertAlmostEquals(descent.error, expected.refitted, 1e-5 * expected.refitted);
    expected.table.forEach((value, k) => assertAlmostEquals(descent.table[k]!, value, 1e-4, `${r} ${k}`));
    descent.sweep();
    assertEquals([...descent.codes], expected.swept);
    assertAlmostEquals(descent.error, expected.end, 1e-5 * expected.end);
    assertLess(descent.error, expected.start);
  }
});
