import { assertEquals, assertThrows } from "@std/assert";
import { TensorError } from "../../lib/errors.ts";
import { checkFinite } from "../../lib/matrix/finite.ts";
import { checkMatrix, toHalves, transposed } from "../../lib/matrix/matrix.ts";

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

Deno.test("toHalves() takes heads' features from pairs to halves, of rows and of vectors, and back", () => {
  // Two heads of four features, two columns.
  const pairs = Float32Array.from({ length: 16 }, (_, i) => i);
  const halves = toHalves(pairs, { outputs: 8, head: 4 });
  assertEquals(halves, Float32Array.of(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
  assertEquals(toHalves(halves, { outputs: 8, head: 4, back: true }), pairs);
  const vector = Float32Array.of(0, 1, 2, 3, 4, 5);
  assertEquals(toHalves(vector, { outputs: 6, head: 6 }), Float32Array.of(0, 2, 4, 1, 3, 5));
});

Deno.test("the first value that is not finite is named by its row and column", () => {
  checkFinite(matrix.data, { tensor: "a", cols: 3 });
  for (const wrong of [NaN, Infinity, -Infinity]) {
    const data = Float32Array.of(1, 2, 3, 4, wrong, wrong);
    assertThrows(
      () => checkFinite(data, { tensor: "a", cols: 3 }),
      TensorError,
      `row 1, column 1 is ${wrong}`,
    );
  }
});
