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
  shape: AttentionShape,
  { tokens, position = 0 }: { tokens: number; position?: number },
): Promise<AttentionCase> {
  const { heads, kvHeads, headDim } = shape;
  const total = position + tokens;
  const [cols, kvCols] = [heads * headDim, kvHeads * headDim];
  // Queries so large that softmax has something to choose.
  const q = normal(tokens * cols).map((value) => 2 * value);
  const [k, v] = [normal(total * kvCols), normal(total * kvCols)];
  const plain = new PlainBackend();
  const cache = plain.cache({ layers: 1, kvHeads, headDim, capacity: total });
  const part = (data: Float32Array, from: number, to: number) =>
    plainTensor(plain, kvCols, data.slice(from * kvCols, to * kvCols));
  const place = { cache, layer: 0 };
  if (position > 0) {
    // What came before is only stored: no query looks at it, which costs nothing.
    const none = plain.tensor(position, 0);
    const before = { q: none, k: part(k, 0, position), v: part(v, 0, position) };
    plain.attention(none, before, { ...place, position: 0 });
  }
  const out = plain.tensor(tokens, cols);
  const last = { q: plainTensor(plain, cols, q), k: part(k, position, total), v: part(v, position, total) };
  plain.attention(out, last, { ...shape, ...place, position });
  return { inputs: [q, k, v], expected: await plain.read(out) };
}
