import { assert, assertEquals, assertThrows } from "@std/assert";
import { formats } from "any4/formats";
import { bytesOf } from "../../lib/matrix/dtype.ts";
import { OptionError } from "../../lib/errors.ts";
import { dequantize, isPacked, packedBytes, storedBytes } from "../../lib/matrix/packed_matrix.ts";
import { DENSE_FORMATS, randomWeight } from "../../lib/measure/random_weight.ts";
import { quantize } from "../../lib/learn/quantize.ts";

const shape = { rows: 8, cols: 96 };
const data = Float32Array.from({ length: 768 }, (_, i) => Math.sin(i));

Deno.test("a random weight of a format is as large as a quantized matrix, and finite", () => {
  for (const format of formats.keys()) {
    const weight = randomWeight(shape, { format, groupSize: format === "mx4" ? undefined : 32 });
    assert(isPacked(weight), format);
    assertEquals(
      packedBytes(weight),
      packedBytes(quantize({ ...shape, data }, { format, groupSize: 32 })),
      format,
    );
    assert(dequantize(weight).every(Number.isFinite), format);
  }
});

Deno.test("dense ones hold what their type can hold; no two rows are alike", () => {
  for (const format of DENSE_FORMATS) {
    const weight = randomWeight({ rows: 300, cols: 512 }, { format });
    assert(!isPacked(weight));
    assertEquals(storedBytes(weight), 300 * 512 * bytesOf(weight.dtype!));
    assert(weight.data.every((value) => Math.f16round(value) === value && Math.abs(value) <= 0.5));
    const rows = Array.from({ length: 300 }, (_, r) => weight.data.subarray(512 * r, 512 * (r + 1)).join());
    assertEquals(new Set(rows).size, 300);
  }
  assertThrows(() => randomWeight(shape, { format: "f8" }), OptionError, 'Cannot find format "f8"');
});
