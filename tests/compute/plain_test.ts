import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { TensorError } from "../../lib/errors.ts";
import { formats } from "../../lib/formats/formats.ts";
import { quantize } from "../../lib/learn/quantize.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { dequantize } from "../../lib/matrix/packed_matrix.ts";
import { Random } from "../../lib/random.ts";

const random = new Random(5);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

/** A tensor holding values, or poison that any correct operation overwrites. */
function tensor(backend: PlainBackend, rows: number, values: Float32Array | number) {
  const cols = typeof values === "number" ? values : values.length / rows;
  const made = backend.tensor(rows, cols);
  const data = (made as unknown as { data: Float32Array }).data;
  if (typeof values === "number") data.fill(NaN);
  else data.set(values);
  return { made, data };
}

Deno.test("linear() agrees with the definition for dense and packed weights of odd shapes, with and without bias", () => {
  const backend = new PlainBackend();
  for (
    const [tokens, rows, cols] of [[1, 1, 1], [1, 5, 33], [3, 70, 50], [6, 37, 129], [9, 4, 64]] as const
  ) {
    const [x, bias] = [normal(tokens * cols), normal(rows)];
    const dense = { rows, cols, data: normal(rows * cols) };
    const weights = [
      dense,
      ...[...formats.keys()].map((format) => quantize(dense, { format, groupSize: 32 })),
    ];
    for (const weight of weights) {
      const w = "codes" in weight ? dequantize(weight) : weight.data;
      for (const withBias of [false, true]) {
        const expected = new Float32Array(tokens * rows);
        for (let t = 0; t < tokens; t++) {
          for (let r = 0; r < rows; r++) {
            let sum = 0;
            for (let c = 0; c < cols; c++) sum += x[t * cols + c]! * w[r * cols + c]!;
            expected[t * rows + r] = sum + (withBias ? bias[r]! : 0);
          }
        }
        const out = tensor(backend, tokens, rows);
        backend.linear(out.made, tensor(backend, tokens, x).made, {
          weight: backend.weight(weight),
          bias: withBias ? backend.weight({ rows: 1, cols: rows, data: bias }) : undefined,
        });
        assertLess(relativeError(out.data, expected), 1e-6);
      }
    }
  }
});

Deno.test("linear() gives a token the same output alone as among others", () => {
  const backend = new PlainBackend();
  const weight = backend.weight({ rows: 13, cols: 40, data: normal(13 * 40) });
  const x = normal(7 * 40);
  const [many, one] = [tensor(backend, 7, 13), tensor(backend, 1, 13)];
  backend.linear(many.made, tensor(backend, 7, x).made, { weight });
  backend.linear(one.made, tensor(backend, 1, x.slice(5 * 40, 6 * 40)).made, { weight });
  assertEquals(one.data, many.data.slice(5 * 13, 6 * 13));
});

Deno.test("linear() throws on shapes that do not fit", () => {
  const backend = new PlainBackend();
  const weight = backend.weight({ rows: 3, cols: 4, data: normal(12) });
  assertThrows(
    () => backend.linear(backend.tensor(1, 3), backend.tensor(1, 5), { weight }),
    TensorError,
    "[1, 5]",
  );
});

Deno.test("rmsNorm() makes the mean square 1 before its weight", () => {
  const backend = new PlainBackend();
  const out = tensor(backend, 2, 50);
  const weight = backend.weight({ rows: 1, cols: 50, data: new Float32Array(50).fill(3) });
  backend.rmsNorm(out.made, tensor(backend, 2, normal(100)).made, { weight, epsilon: 0 });
  for (const row of [out.data.slice(0, 50), out.data.slice(50)]) {
    assertAlmostEquals(row.reduce((sum, value) => sum + value * value, 0) / 50, 9, 1e-4);
  }
});

Deno.test("rope() keeps lengths, and dot products depend on distance alone", () => {
  const backend = new PlainBackend();
  const frequencies = Float32Array.of(1, 0.3, 0.01, 0.5);
  const [q, k] = [normal(8), normal(8)];
  const turned = (values: Float32Array, position: number) => {
    const x = tensor(backend, 1, values);
    backend.rope(x.made, { position, frequencies });
    return x.data;
  };
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  assertAlmostEquals(dot(turned(q, 9), turned(q, 9)), dot(q, q), 1e-5);
  assertAlmostEquals(dot(turned(q, 12), turned(k, 5)), dot(turned(q, 107), turned(k, 100)), 1e-4);
  assertEquals(turned(q, 0), q);
});

Deno.test("attention() agrees with the definition, in one go and token by token", () => {
  const backend = new PlainBackend();
  const [tokens, heads, kvHeads, headDim] = [6, 4, 2, 8];
  const [q, k, v] = [
    normal(tokens * heads * headDim),
    normal(tokens * kvHeads * headDim),
    normal(tokens * kvHeads * headDim),
  ];
  const expected = new Float32Array(q.length);
  for (let t = 0; t < tokens; t++) {
    for (let h = 0; h < heads; h++) {
      const kv = Math.floor(h / 2);
      const scores = Array.from({ length: t + 1 }, (_, s) => {
        let dot = 0;
        for (let i = 0; i < headDim; i++) {
          dot += q[(t * heads + h) * headDim + i]! * k[(s * kvHeads + kv) * headDim + i]!;
        }
        return Math.exp(dot / Math.sqrt(headDim));
      });
      const sum = scores.reduce((a, b) => a + b, 0);
      for (let i = 0; i < headDim; i++) {
        expected[(t * heads + h) * headDim + i] = scores.reduce(
          (total, score, s) => total + score / sum * v[(s * kvHeads + kv) * headDim + i]!,
          0,
        );
      }
    }
  }
  const shape = { layers: 2, kvHeads, headDim, capacity: tokens };
  const part = (values: Float32Array, from: number, to: number) =>
    tensor(backend, to - from, values.slice(from * values.length / tokens, to * values.length / tokens)).made;
  for (const step of [tokens, 1, 4]) {
    const cache = backend.cache(shape);
    const got: number[] = [];
    for (let at = 0; at < tokens; at += step) {
      const end = Math.min(at + step, tokens);
      const out = tensor(backend, end - at, heads * headDim);
      const qkv = { q: part(q, at, end), k: part(k, at, end), v: part(v, at, end) };
      backend.attention(out.made, qkv, { cache, layer: 1, position: at });
      got.push(...out.data);
    }
    assertLess(relativeError(got, expected), 1e-6);
  }
  const cache = backend.cache({ ...shape, capacity: 2 });
  const out = backend.tensor(3, heads * headDim);
  const qkv = { q: part(q, 0, 3), k: part(k, 0, 3), v: part(v, 0, 3) };
  assertThrows(() => backend.attention(out, qkv, { cache, layer: 0, position: 0 }), TensorError, "KV cache");
});

Deno.test("activate() and add() are what they say", () => {
  const backend = new PlainBackend();
  const [gate, up] = [normal(10), normal(10)];
  const out = tensor(backend, 1, 10);
  backend.activate(out.made, tensor(backend, 1, gate).made, {
    activation: "silu",
    up: tensor(backend, 1, up).made,
  });
  out.data.forEach((value, i) =>
    assertAlmostEquals(value, gate[i]! / (1 + Math.exp(-gate[i]!)) * up[i]!, 1e-6)
  );
  const sum = tensor(backend, 1, gate);
  backend.add(sum.made, tensor(backend, 1, up).made);
  assert(sum.data.every((value, i) => value === Math.fround(gate[i]! + up[i]!)));
});

Deno.test("embed() throws on a token that is not in the vocabulary", () => {
  const backend = new PlainBackend();
  const table = backend.weight({ rows: 3, cols: 2, data: normal(6) });
  for (const id of [3, -1, 0.5 / 0]) {
    assertThrows(() => backend.embed(backend.tensor(1, 2), table, [id]), TensorError, "vocabulary");
  }
});
