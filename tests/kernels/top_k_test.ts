import { assertEquals } from "@std/assert";
import { topK, type TopKShape } from "../../kernels/wgsl/top_k.ts";
import { argmax } from "../../lib/model/decoder/sampling.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";

const random = new Random(59);

/** What the kernels find: ids and values, each [tokens, k]. */
async function found(shape: TopKShape, logits: Float32Array): Promise<[Uint32Array, Float32Array]> {
  const gpu = await bench();
  const tokens = logits.length / shape.vocab;
  const passes = topK(shape);
  const length = tokens * shape.k;
  const [ids, values] = await gpu.runAll(passes.map(({ kernel }) => kernel), {
    outputs: [length, length, ...passes.map(({ scratch }) => tokens * scratch)],
    inputs: [logits],
    step: { tokens },
    bindings: passes.map(({ scratch }, i) => {
      const source = i === 0 ? 2 + passes.length : 1 + i;
      return scratch === 0 ? [0, 1, source] : [2 + i, source];
    }),
  });
  return [new Uint32Array(ids!.buffer, 0, length), values!];
}

/** The same by sorting everything. */
function expected({ vocab, k }: TopKShape, logits: Float32Array): [Uint32Array, Float32Array] {
  const [ids, values]: [number[], number[]] = [[], []];
  for (let from = 0; from < logits.length; from += vocab) {
    const row = logits.subarray(from, from + vocab);
    const order = Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b).slice(0, k);
    ids.push(...order);
    values.push(...order.map((id) => row[id]!));
  }
  return [Uint32Array.from(ids), Float32Array.from(values)];
}

for (
  const { vocab, k, tokens } of [
    { vocab: 1, k: 1, tokens: 1 },
    { vocab: 5000, k: 1, tokens: 3 },
    { vocab: 262_144, k: 1, tokens: 1 },
    { vocab: 3, k: 3, tokens: 2 },
    { vocab: 2049, k: 7, tokens: 2 },
    { vocab: 20_001, k: 256, tokens: 1 },
    { vocab: 262_144, k: 50, tokens: 1 },
  ]
) {
  Deno.test({
    name: `top_k.ts finds the best ${k} of ${vocab} logits, of equals the first` + gpuReason,
    ignore: !hasGpu,
    async fn() {
      // Many equals, and numbers of either sign.
      const logits = Float32Array.from(
        { length: tokens * vocab },
        () => Math.round(20 * random.normal()) / 8,
      );
      const [ids, values] = await found({ vocab, k }, logits);
      const [wantedIds, wanted] = expected({ vocab, k }, logits);
      assertEquals(ids, wantedIds);
      assertEquals(values.map((value) => value + 0), wanted.map((value) => value + 0));
      assertEquals(ids[0], argmax(logits.subarray(0, vocab)));
    },
  });
}

Deno.test({
  name: "top_k.ts takes −0 for 0, and −∞ for a logit" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const logits = Float32Array.of(-Infinity, -1, -0, 0, -1e-30);
    const [ids, values] = await found({ vocab: 5, k: 5 }, logits);
    assertEquals(ids, Uint32Array.of(2, 3, 4, 1, 0));
    assertEquals(values, Float32Array.of(0, 0, logits[4]!, -1, -Infinity));
    assertEquals((await found({ vocab: 5, k: 1 }, logits))[0], Uint32Array.of(2));
  },
});
