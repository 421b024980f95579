import { assertEquals } from "@std/assert";
import { dequantize, quantize } from "any4";
import { fromFloat32 } from "../../lib/matrix/dtype.ts";
import { matrixRows } from "../../lib/matrix/matrix_rows.ts";
import { storedMatrix } from "../../lib/matrix/stored_matrix.ts";

Deno.test("matrixRows() copies the rows asked for of dense, stored and packed matrices, repeated ones too", () => {
  const [rows, cols] = [5, 40];
  const data = Float32Array.from({ length: rows * cols }, (_, i) => Math.round(64 * Math.sin(i)) / 64);
  const packed = quantize({ rows, cols, data }, { format: "any3", groupSize: 16 });
  const row = (values: Float32Array, r: number) => values.subarray(r * cols, (r + 1) * cols);
  for (
    const [matrix, values] of [
      [{ rows, cols, data }, data],
      [storedMatrix(fromFloat32(data, "BF16"), { rows, cols, dtype: "BF16" }), data],
      [packed, dequantize(packed)],
    ] as const
  ) {
    const found = matrixRows(matrix, [4, 0, 4]);
    assertEquals([found.rows, found.cols], [3, cols]);
    assertEquals([...found.data], [4, 0, 4].flatMap((r) => [...row(values, r)]));
  }
});
