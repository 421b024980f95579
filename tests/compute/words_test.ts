import { assert, assertEquals, assertLess } from "@std/assert";
import type { Backend } from "../../lib/compute/backend.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { WasmBackend } from "../../lib/compute/wasm/backend.ts";
import { Pool } from "../../lib/compute/wasm/pool.ts";
import { blockOf } from "../../lib/compute/wasm/words.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import type { PackedMatrix } from "../../lib/matrix/packed_matrix.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";

const random = new Random(8);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const matrix = { rows: 300, cols: 512, data: normal(300 * 512) };
const x = normal(512);

/** x · matrixᵀ. */
function product(backend: Backend, packed: PackedMatrix): Promise<Float32Array> {
  const [input, out] = [backend.tensor(1, 512), backend.tensor(1, packed.rows)];
  backend.embed(input, backend.weight({ rows: 1, cols: 512, data: x }), [0]);
  backend.linear(out, input, { weight: backend.weight(packed) });
  return backend.read(out);
}

Deno.test("a weight takes codes that are in its memory without a copy, and others with one", async () => {
  using pool = new Pool({ threads: 1 });
  using other = new Pool({ threads: 1 });
  const [backend, stranger] = [new WasmBackend(pool), new WasmBackend(other)];
  const packed = backend.quantize(matrix, { format: "any4" });
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

Deno.test("codes stay what they are when memory is reused and their backend has ended", () => {
  const packed = (() => {
    using backend = new WasmBackend(new Pool({ threads: 1 }));
    const packed = backend.quantize(matrix, { format: "int4" });
    for (let i = 0; i < 3; i++) backend.weight(backend.quantize(matrix, { format: "nf4" }));
    return packed;
  })();
  assertEquals(packed.codes.slice(), quantize(matrix, { format: "int4" }).codes);
});

Deno.test("whoever holds a view of codes holds their place", () => {
  using backend = new WasmBackend(new Pool({ threads: 1 }));
  const [a, b] = [backend.codes(100), backend.codes(100)];
  assert(a.buffer !== b.buffer);
  assertEquals(blockOf(a.subarray(3, 5)), blockOf(a));
  assert(blockOf(a) !== blockOf(b));
  assertEquals(blockOf(new Uint32Array(4)), undefined);
});
