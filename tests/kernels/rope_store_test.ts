import { assert, assertEquals, assertLess } from "@std/assert";
import { ropeStore, type RopeStoreShape } from "../../kernels/wgsl/rope_store.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu, plainTensor } from "../gpu.ts";

const random = new Random(73);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

Deno.test({
  name: "rope_store.ts turns queries and keys and fills their rows of the cache, no others" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const plain = new PlainBackend();
    for (
      const { tokens, position, ...shape } of [
        { heads: 1, kvHeads: 1, headDim: 2, tokens: 1, position: 0 },
        { heads: 6, kvHeads: 2, headDim: 10, tokens: 5, position: 3 },
        { heads: 4, kvHeads: 1, headDim: 64, tokens: 33, position: 70 },
        { heads: 3, kvHeads: 3, headDim: 16, half: 2, magnitude: 1.2, tokens: 5, position: 9 },
        { heads: 2, kvHeads: 1, headDim: 12, half: 5, tokens: 2, position: 0 },
      ]
    ) {
      const { heads, kvHeads, headDim, half = headDim / 2, magnitude } = shape as RopeStoreShape;
      const [cols, kvCols] = [heads * headDim, kvHeads * headDim];
      const frequencies = Float32Array.from(
        { length: half },
        (_, i) => 10_000 ** (-i / half),
      );
      const [q, k, v] = [normal(tokens * cols), normal(tokens * kvCols), normal(tokens * kvCols)];
      const capacity = position + tokens + 2;
      const [turned, keys, values] = await gpu.runAll([ropeStore(shape)], {
        outputs: [q, capacity * kvCols, capacity * kvCols],
        inputs: [k, v, frequencies],
        step: { tokens, position },
      });
      const [expectedQ, expectedK] = [plainTensor(plain, cols, q), plainTensor(plain, kvCols, k)];
      for (const tensor of [expectedQ, expectedK]) {
        plain.rope(tensor, { position, frequencies, headDim, magnitude });
      }
      assertLess(relativeError(turned!, await plain.read(expectedQ)), 1e-6);
      const [from, to] = [position * kvCols, (position + tokens) * kvCols];
      assertLess(relativeError(keys!.subarray(from, to), await plain.read(expectedK)), 1e-6);
      assertEquals(values!.slice(from, to), v);
      for (const cache of [keys!, values!]) {
        assert([...cache.subarray(0, from), ...cache.subarray(to)].every(Number.isNaN));
      }
    }
  },
});
