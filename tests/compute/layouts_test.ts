/** Every layout of packed matrices: what it takes, and that backends and files agree about it. */
import { assertEquals, assertLess } from "@std/assert";
import { dequantize, isPacked, loadModel, quantize, quantizeModel, saveModel } from "any4";
import type { Backend } from "../../lib/compute/backend.ts";
import { createBackend } from "../../lib/compute/create_backend.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { packedBitsPerWeight, type PackedMatrix } from "../../lib/matrix/packed_matrix.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { gpuReason, hasGpu } from "../gpu.ts";
import { layouts } from "../layouts.ts";

const random = new Random(16);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const [rows, cols] = [64, 512];
const data = normal(rows * cols);
const plain = new PlainBackend();

for (const [name, { options, bits }] of layouts) {
  Deno.test(`${name}: the bits are counted, and the weights are near`, () => {
    const packed = quantize({ rows, cols, data }, { groupSize: 64, ...options });
    assertEquals(packedBitsPerWeight(packed), bits);
    assertLess(
      relativeError(dequantize(packed), data),
      packed.bits === 4 ? 0.12 : packed.bits === 3 ? 0.25 : 0.5,
    );
  });
}

/** x · Wᵀ + bias, or the rows of some ids, by a backend. */
async function results(backend: Backend, packed: PackedMatrix, tokens: number): Promise<Float32Array[]> {
  const { rows, cols } = packed;
  const made = new Random(tokens);
  const weight = backend.weight(packed);
  const bias = backend.weight({
    rows: 1,
    cols: rows,
    data: Float32Array.from({ length: rows }, () => made.normal()),
  });
  const [x, out, embedded] = [
    backend.tensor(tokens, cols),
    backend.tensor(tokens, rows),
    backend.tensor(3, cols),
  ];
  backend.write(x, Float32Array.from({ length: tokens * cols }, () => made.normal()));
  backend.linear(out, x, { weight, bias });
  backend.embed(embedded, weight, [rows - 1, 0, rows >> 1]);
  return [await backend.read(out), await backend.read(embedded)];
}

async function agrees(backend: Backend): Promise<void> {
  for (const [name, { options }] of layouts) {
    for (const [rows, cols] of [[64, 512], [37, 96], [5, 33]] as const) {
      const packed = quantize({ rows, cols, data: data.subarray(0, rows * cols) }, {
        groupSize: 32,
        ...options,
      });
      for (const tokens of [1, 3, 20]) {
        const [got, expected] = [
          await results(backend, packed, tokens),
          await results(plain, packed, tokens),
        ];
        const where = `${name} ${rows} × ${cols}, ${tokens} tokens`;
        assertLess(relativeError(got[0]!, expected[0]!), 1e-3, where);
        assertLess(relativeError(got[1]!, expected[1]!), 1e-6, `${where}, embed`);
      }
    }
  }
}

Deno.test("the WASM backend agrees with the plain one for every layout", async () => {
  for (const activations of ["f32", "int16"] as const) {
    using backend = await createBackend("wasm", { activations });
    await agrees(backend);
  }
});

Deno.test({
  name: "the WebGPU backend agrees with the plain one for every layout" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    using backend = await createBackend("webgpu", { tune: false });
    await agrees(backend);
  },
});

Deno.test("a model in any layout saves and loads bit for bit, and predicts the same", async () => {
  using model = await loadModel("tinyworld");
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, { options }] of layouts) {
      using small = await quantizeModel(
        model,
        { groupSize: 32, ...options } as Parameters<typeof quantizeModel>[1],
      );
      await saveModel(small, `${folder}/${name}`);
      using again = await loadModel(`${folder}/${name}`);
      let packed = 0;
      for (const [tensor, matrix] of small.tensors) {
        assertEquals(again.tensors.get(tensor), matrix, `${name}: ${tensor}`);
        if (isPacked(matrix)) packed++;
      }
      assertEquals(packed > 0, true);
      assertEquals(again.size, small.size);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
