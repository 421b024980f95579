import { assertEquals, assertThrows } from "@std/assert";
import { TensorError } from "../../lib/errors.ts";
import { checkFinite, checkMatrix, transposed } from "../../lib/matrix/matrix.ts";

const matrix = { rows: 2, cols: 3, data: Float32Array.of(1, 2, 3, 4, 5, 6) };

Deno.test("the transpose has rows for columns, and keeps what else is said", () => {
  assertEquals(transposed({ ...matrix, dtype: "BF16" }), {
    rows: 3,
    cols: 2,
    data: Float32Array.of(1, 4, 2, 5, 3, 6),
    dtype: "BF16",
  });
});

Deno.test("sizes must be whole, at least 1, and those of the data", () => {
  checkMatrix(matrix);
  for (const wrong of [{ rows: 0 }, { cols: 1.5 }, { rows: -2, cols: -3 }, { rows: 3 }, { cols: NaN }]) {
    assertThrows(() => checkMatrix({ ...matrix, ...wrong }, "a.weight"), TensorError, "Cannot use a.weight");
  }
});

Deno.test("the first value that is not finite is named by its row and column", () => {
  checkFinite(matrix);
  for (const wrong of [NaN, Infinity, -Infinity]) {
    const data = Float32Array.of(1, 2, 3, 4, wrong, wrong);
    assertThrows(() => checkFinite({ ...matrix, data }, "a"), TensorError, `row 1, column 1 is ${wrong}`);
  }
});
