import { assertEquals, assertThrows } from "@std/assert";
import type { Backend, Tensor, Weight } from "../../lib/compute/backend.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { WasmBackend } from "../../lib/compute/wasm/backend.ts";
import { Pool } from "../../lib/compute/wasm/pool.ts";
import { WebGpuBackend } from "../../lib/compute/webgpu/backend.ts";
import { TensorError } from "../../lib/errors.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import { gpuReason } from "../gpu.ts";

const matrix = { rows: 4, cols: 4, data: Float32Array.from({ length: 16 }, (_, i) => i) };
const packed = quantize(matrix, { format: "int4" });

const backends: Record<string, () => Promise<Backend>> = {
  plain: () => Promise.resolve(new PlainBackend()),
  wasm: () => Promise.resolve(new WasmBackend(new Pool({ threads: 1 }))),
  webgpu: () => WebGpuBackend.open({ tune: false }),
};

/** Everything that takes a tensor, a weight or a cache, with one of its handles from elsewhere. */
function misuses(own: Backend, { x, w, cache }: { x: Tensor; w: Weight; cache: unknown }) {
  const [mine, weight] = [own.tensor(4, 4), own.weight(matrix)];
  const norm = own.weight({ rows: 1, cols: 4, data: new Float32Array(4) });
  const place = {
    cache: own.cache({ layers: 1, kvHeads: 1, headDim: 4, capacity: 4 }),
    layer: 0,
    position: 0,
  };
  const epsilon = 1e-6;
  return {
    "write()": () => own.write(x, new Float32Array(16)),
    "embed() into": () => own.embed(x, weight, [0, 1, 2, 3]),
    "embed() from": () => own.embed(mine, w, [0, 1, 2, 3]),
    "rmsNorm() into": () => own.rmsNorm(x, mine, { weight: norm, epsilon }),
    "rmsNorm() by": () => own.rmsNorm(mine, own.tensor(4, 4), { weight: w, epsilon }),
    "layerNorm() of": () => own.layerNorm(mine, x, { weight: norm, epsilon }),
    "linear() into": () => own.linear(x, mine, { weight }),
    "linear() of": () => own.linear(mine, x, { weight }),
    "linear() by": () => own.linear(mine, own.tensor(4, 4), { weight: w }),
    "linear() plus": () => own.linear(mine, own.tensor(4, 4), { weight, bias: w }),
    "rope()": () => own.rope(x, { position: 0, frequencies: Float32Array.of(1, 2) }),
    "attention() of": () => own.attention(mine, { q: x, k: mine, v: mine }, place),
    "attention() in": () =>
      own.attention(mine, { q: mine, k: mine, v: mine }, { ...place, cache: cache as typeof place.cache }),
    "activate()": () => own.activate(mine, x, { activation: "silu" }),
    "add()": () => own.add(mine, x),
    "scale()": () => own.scale(x, 2),
    "softcap()": () => own.softcap(x, 2),
    "columns()": () => own.columns(mine, x, { from: 0 }),
    "gather()": () => own.gather(mine, x, [0]),
    "scatterAdd()": () => own.scatterAdd(x, mine, { rows: [0], weights: [1] }),
    "first()": () => own.first(x, 1),
    "gram() into": () => own.gram(x, mine),
    "gram() of": () => own.gram(mine, x),
  };
}

for (const [name, open] of Object.entries(backends)) {
  const reason = name === "webgpu" ? gpuReason : "";
  Deno.test({
    name: `operations refuse what their backend did not make: ${name}${reason}`,
    ignore: reason !== "",
    async fn() {
      using own = await open();
      using twin = await open();
      using other = name === "plain" ? new WasmBackend(new Pool({ threads: 1 })) : new PlainBackend();
      const shape = { layers: 1, kvHeads: 1, headDim: 4, capacity: 4 };
      for (
        const { name: from, ...elsewhere } of [twin, other].map((backend) => ({
          name: backend.name,
          x: backend.tensor(4, 4),
          w: backend.weight(matrix),
          cache: backend.cache(shape),
        }))
      ) {
        for (const misuse of Object.values(misuses(own, elsewhere))) {
          const error = assertThrows(misuse, TensorError, "expected a handle that it made itself");
          assertEquals(error.message.includes(`of another ${from} backend on the ${own.name} backend`), true);
        }
      }
      for (const [bare, word] of [[matrix, "a matrix"], [packed, "a packed matrix"]] as const) {
        const posing = { x: bare as unknown as Tensor, w: bare as unknown as Weight, cache: bare };
        for (const misuse of Object.values(misuses(own, posing))) {
          assertThrows(misuse, TensorError, `Cannot use ${word}`);
        }
      }
    },
  });
}

Deno.test("neither a matrix nor another kind of handle has the type of a handle", () => {
  using backend = new PlainBackend();
  const x = backend.tensor(4, 4);
  assertThrows(() => {
    // @ts-expect-error: a matrix is no weight
    backend.linear(backend.tensor(4, 4), x, { weight: matrix });
  }, TensorError);
  assertThrows(() => {
    // @ts-expect-error: a tensor is no weight
    backend.linear(backend.tensor(4, 4), x, { weight: x });
  }, TensorError);
  assertThrows(() => {
    // @ts-expect-error: an object with sizes is no tensor
    backend.scale({ rows: 1, cols: 1 }, 2);
  }, TensorError);
});
