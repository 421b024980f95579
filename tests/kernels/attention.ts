/**
 * Attention as the plain backend computes it, for the kernels to agree with.
 *
 * @module
 */
import type { AttentionShape } from "../../kernels/wgsl/attention_decode.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { Random } from "../../lib/random.ts";
import { plainTensor } from "../gpu.ts";

const random = new Random(47);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

/** What attention kernels are given, and what they should find. */
export interface AttentionCase {
  /** q, keys and values, as the kernels bind them. */
  readonly inputs: Float32Array[];
  /** [tokens, heads · headDim]. */
  readonly expected: Float32Array;
}

/** Random queries, keys and values of `position` + `tokens` tokens, and the attention of the last `tokens` of them. */
export async function attentionCase(
  { heads, kvHeads, headDim, window }: AttentionShape,
  { tokens, position = 0 }: { tokens: number; position?: number },
): Promise<AttentionCase> {
  const total = position + tokens;
  const [cols, kvCols] = [heads * headDim, kvHeads * headDim];
  // Queries so large that softmax has something to choose.
  const q = normal(tokens * cols).map((value) => 2 * value);
  const [k, v] = [normal(total * kvCols), normal(total * kvCols)];
  const plain = new PlainBackend();
  const expected = new Float32Array(q.length);
  // Without a window the oracle takes all tokens at once; with one, each token with only the keys that it sees.
  const spans = window
    ? Array.from({ length: tokens }, (_, t) => ({
      t,
      rows: 1,
      from: Math.max(0, position + t + 1 - window),
      to: position + t + 1,
    }))
    : [{ t: 0, rows: tokens, from: 0, to: total }];
  for (const { t, rows, from, to } of spans) {
    const cache = plain.cache({ layers: 1, kvHeads, headDim, capacity: total });
    const before = to - rows - from;
    const part = (data: Float32Array, a: number, b: number) =>
      plainTensor(plain, kvCols, data.slice(a * kvCols, b * kvCols));
    const place = { cache, layer: 0 };
    // What came before is only stored: no query looks at it, which costs nothing.
    const nothing = plain.tensor(1, 0);
    for (let s = 0; s < before; s++) {
      const [one, next] = [from + s, from + s + 1];
      plain.attention(nothing, { q: nothing, k: part(k, one, next), v: part(v, one, next) }, {
        ...place,
        position: s,
      });
    }
    const out = plain.tensor(rows, cols);
    plain.attention(
      out,
      {
        q: plainTensor(plain, cols, q.slice(t * cols, (t + rows) * cols)),
        k: part(k, to - rows, to),
        v: part(v, to - rows, to),
      },
      { ...place, position: before },
    );
    expected.set(await plain.read(out), t * cols);
  }
  return { inputs: [q, k, v], expected };
}
