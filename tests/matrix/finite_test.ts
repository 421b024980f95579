import { assertThrows } from "@std/assert";
import { TensorError } from "../../lib/errors.ts";
import { fromFloat32 } from "../../lib/matrix/dtype.ts";
import { checkFinite } from "../../lib/matrix/finite.ts";

Deno.test("the first value that is not finite is named by its row and column, in float32 and as it is stored", () => {
  for (const wrong of [NaN, Infinity, -Infinity]) {
    for (let at = 0; at < 9; at++) {
      const values = Float32Array.from(
        { length: 9 },
        (_, i) => i === at || i === 8 ? wrong : (-1) ** i * 65504 / (i + 1),
      );
      const message = `Cannot use a: row ${Math.floor(at / 3)}, column ${at % 3} is ${wrong}`;
      assertThrows(() => checkFinite(values, { tensor: "a", cols: 3 }), TensorError, message);
      for (const dtype of ["F16", "BF16"] as const) {
        const stored = fromFloat32(values, dtype);
        assertThrows(() => checkFinite(stored, { tensor: "a", cols: 3, dtype }), TensorError, message);
        // At an odd offset, as a file may have it.
        const moved = new Uint8Array(stored.length + 1).subarray(1);
        moved.set(stored);
        assertThrows(() => checkFinite(moved, { tensor: "a", cols: 3, dtype }), TensorError, message);
      }
    }
  }
});

Deno.test("what is finite passes, however large or small, and so does nothing", () => {
  const values = Float32Array.of(0, -0, 3.4028234663852886e38, -1e-45, 65504, 1, -1);
  checkFinite(values, { tensor: "a", cols: 7 });
  checkFinite(fromFloat32(values.map((value) => Math.min(value, 3e38)), "BF16"), {
    tensor: "a",
    cols: 7,
    dtype: "BF16",
  });
  checkFinite(fromFloat32(Float32Array.of(65504, -65504, 6e-8), "F16"), {
    tensor: "a",
    cols: 3,
    dtype: "F16",
  });
  checkFinite(new Float32Array(0), { tensor: "a", cols: 3 });
});
