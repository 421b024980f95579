import { assert, assertEquals, assertLess } from "@std/assert";
import type { Backend } from "../../../lib/compute/backend.ts";
import { PlainBackend } from "../../../lib/compute/plain.ts";
import { WasmBackend } from "../../../lib/compute/wasm/backend.ts";
import { Pool } from "../../../lib/compute/wasm/pool.ts";
import { blockOf } from "../../../lib/compute/wasm/shared.ts";
import { quantize } from "../../../lib/learn/quantize.ts";
import { fromFloat32, toFloat32 } from "../../../lib/matrix/dtype.ts";
import type { Matrix } from "../../../lib/matrix/matrix.ts";
import type { PackedMatrix } from "../../../lib/matrix/packed_matrix.ts";
import { storedMatrix } from "../../../lib/matrix/stored_matrix.ts";
import { relativeError } from "../../../lib/measure/layer_error.ts";
import { Random } from "../../../lib/random.ts";

const random = new Random(8);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const matrix = { rows: 300, cols: 512, data: normal(300 * 512) };
const x = normal(512);

/** x · weightᵀ. */
function product(backend: Backend, weight: Matrix | PackedMatrix): Promise<Float32Array> {
  const [input, out] = [backend.tensor(1, 512), backend.tensor(1, weight.rows)];
  backend.write(input, x);
  backend.linear(out, input, { weight: backend.weight(weight) });
  return backend.read(out);
}

Deno.test("a weight takes codes that are in its memory without a copy, and others with one", async () => {
  using pool = new Pool({ threads: 1 });
  using other = new Pool({ threads: 1 });
  const exact = { activations: "f32" } as const;
  const [backend, stranger] = [new WasmBackend(pool, exact), new WasmBackend(other, exact)];
  const packed = quantize(matrix, { format: "any4", steps: backend.steps });
  const before = pool.arena().used;
  backend.weight(packed);
  assertLess(pool.arena().used - before, packed.codes.byteLength / 2);
  const expected = await product(new PlainBackend(), packed);
  const step = packed.codes.length / packed.rows;
  const last = { codes: packed.codes.subarray(299 * step), codebook: packed.codebook.subarray(299 * 16) };
  const row = { ...packed, ...last, rows: 1, scales: packed.scales.subarray(299 * 4) };
  const rows = row.zeros ? { ...row, zeros: row.zeros.subarray(299 * 4) } : row;
  for (const place of [backend, stranger]) {
    assertLess(relativeError(await product(place, packed), expected), 1e-5);
    assertLess(relativeError(await product(place, rows), expected.subarray(299)), 1e-5);
  }
});

Deno.test("a dense weight is read where its values are, as they are stored", async () => {
  using pool = new Pool({ threads: 1 });
  using other = new Pool({ threads: 1 });
  const [backend, stranger] = [new WasmBackend(pool), new WasmBackend(other)];
  const [rows, cols] = [300, 512];
  for (const dtype of ["F32", "F16", "BF16"] as const) {
    const stored = fromFloat32(matrix.data, dtype);
    const place = backend.room(stored.length);
    place.set(stored);
    const { buffer, byteOffset } = place;
    const kept = dtype === "F32"
      ? { rows, cols, data: new Float32Array(buffer, byteOffset, rows * cols) }
      : storedMatrix(place, { rows, cols, dtype });
    const before = pool.arena().used;
    backend.weight(kept);
    assertLess(pool.arena().used - before, 1000);
    const expected = await product(new PlainBackend(), { rows, cols, data: toFloat32(stored, dtype) });
    for (const each of [backend, stranger, new PlainBackend()]) {
      assertLess(relativeError(await product(each, kept), expected), 1e-6, dtype);
    }
    if (dtype !== "F16") continue;
    // The kernels take an infinite half for a number.
    new Uint16Array(buffer, byteOffset)[0] = 0x7c00;
    assertEquals(
      (await product(backend, storedMatrix(place, { rows, cols, dtype })))[0],
      Math.sign(x[0]!) * Infinity,
    );
  }
});

Deno.test("codes stay what they are when memory is reused and their backend has ended", () => {
  const packed = (() => {
    using backend = new WasmBackend(new Pool({ threads: 1 }));
    const packed = quantize(matrix, { format: "int4", steps: backend.steps });
    for (let i = 0; i < 3; i++) backend.weight(quantize(matrix, { format: "nf4", steps: backend.steps }));
    return packed;
  })();
  assertEquals(packed.codes.slice(), quantize(matrix, { format: "int4" }).codes);
});

Deno.test("whoever holds a view of codes holds their place", () => {
  using backend = new WasmBackend(new Pool({ threads: 1 }));
  const [a, b] = [backend.room(100), backend.room(100)];
  assert(a.buffer !== b.buffer);
  assertEquals(blockOf(a.subarray(3, 5)), blockOf(a));
  assert(blockOf(a) !== blockOf(b));
  assertEquals(blockOf(new Uint8Array(4)), undefined);
});
