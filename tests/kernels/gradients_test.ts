/**
 * Kernels of gradients, alone, so that they run in a browser too; each adds to what is there, and writes nothing behind it.
 *
 * @module
 */
import { assertLess } from "@std/assert";
import { activateGradient } from "../../kernels/wgsl/activate.ts";
import type { AttentionShape } from "../../kernels/wgsl/attention_decode.ts";
import {
  attentionKeyGradient,
  attentionQueryGradient,
  attentionShares,
} from "../../kernels/wgsl/attention_gradient.ts";
import { normGradient, vectorGradient } from "../../kernels/wgsl/norm_gradient.ts";
import { product } from "../../kernels/wgsl/product.ts";
import { activationNames } from "../../lib/compute/backend.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { type Bench, bench, gpuReason, hasGpu, plainTensor } from "../gpu.ts";

const random = new Random(57);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());
const plain = new PlainBackend();

function test(kernels: string, fn: (gpu: Bench) => Promise<void>): void {
  const name = `${kernels} agree with the plain backend${gpuReason}`;
  Deno.test({ name, ignore: !hasGpu, fn: async () => await fn(await bench()) });
}

test("attention's gradients", async (gpu) => {
  const shapes: (AttentionShape & { tokens: number })[] = [
    { heads: 4, kvHeads: 2, headDim: 64, tokens: 65 },
    { heads: 3, kvHeads: 1, headDim: 7, tokens: 40, softcap: 5, window: 20, scale: 0.4 },
  ];
  for (const { tokens, ...shape } of shapes) {
    const { heads, kvHeads, headDim } = shape;
    const scale = shape.scale ?? 1 / Math.sqrt(headDim);
    const [cols, keyCols] = [heads * headDim, kvHeads * headDim];
    const inputs = [cols, keyCols, keyCols, cols].map((cols) => normal(tokens * cols));
    const starts = [cols, keyCols, keyCols].map((cols) => normal(tokens * cols));
    const [q, k, v, g] = [cols, keyCols, keyCols, cols].map((cols, i) =>
      plainTensor(plain, cols, inputs[i]!)
    );
    const by = [cols, keyCols, keyCols].map((cols, i) => plainTensor(plain, cols, starts[i]!));
    plain.gradients.attention({ q: by[0]!, k: by[1]!, v: by[2]! }, {
      ...shape,
      ...{ q: q!, k: k!, v: v!, g: g!, scale },
    });
    const found = await gpu.runAll(
      [attentionShares, attentionQueryGradient, attentionKeyGradient].map((make) => make(shape)),
      {
        outputs: [...starts, 4 * tokens * heads],
        inputs,
        bindings: [[3, 4, 5, 6, 7], [0, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7]],
        step: { tokens },
      },
    );
    for (const [i, each] of by.entries()) {
      assertLess(relativeError(found[i]!, await plain.read(each)), 1e-5, `${JSON.stringify(shape)}: ${i}`);
    }
  }
});

test("norms' gradients", async (gpu) => {
  for (const [tokens, cols] of [[50, 33], [7, 300]] as const) {
    for (const centered of [false, true]) {
      const [x, w, g, dx, dw, db] = [tokens, 1, tokens, tokens, 1, 1].map((rows) => normal(rows * cols));
      const by = [dx, dw, db].map((start) => plainTensor(plain, cols, start!));
      plain.gradients.norm({ x: by[0]!, weight: by[1]!, bias: by[2]! }, {
        x: plainTensor(plain, cols, x!),
        weight: plain.weight({ rows: 1, cols, data: w! }),
        g: plainTensor(plain, cols, g!),
        epsilon: 0.1,
        centered,
      });
      const kernels = [
        normGradient({ cols, epsilon: 0.1, centered }),
        vectorGradient({ cols, weight: true, bias: true }),
      ];
      const found = await gpu.runAll(kernels, {
        outputs: [dx!, dw!, db!, 2 * tokens],
        inputs: [x!, w!, g!],
        bindings: [[0, 3, 4, 5, 6], [1, 2, 3, 4, 6]],
        step: { tokens },
      });
      for (const [i, each] of by.entries()) {
        assertLess(relativeError(found[i]!, await plain.read(each)), 1e-5, `${cols} ${centered}: ${i}`);
      }
    }
  }
});

test("products", async (gpu) => {
  for (const [tokens, cols, outCols] of [[1, 1, 1], [70, 130, 36], [33, 7, 129]] as const) {
    for (const turned of [false, true]) {
      const rows = turned ? cols : tokens;
      const [a, b] = [normal(tokens * cols), normal((turned ? tokens : cols) * outCols)];
      const start = normal(rows * outCols);
      const sum = plainTensor(plain, outCols, start);
      const factors = { a: plainTensor(plain, cols, a), b: plainTensor(plain, outCols, b), turned };
      plain.gradients.product(sum, factors);
      const [found] = await gpu.runAll([product({ cols, outCols, turned })], {
        outputs: [start],
        inputs: [a, b],
        step: { tokens },
      });
      assertLess(
        relativeError(found!, await plain.read(sum)),
        1e-6,
        `${tokens} ${cols} ${outCols} ${turned}`,
      );
    }
  }
});

test("activations' gradients", async (gpu) => {
  for (const activation of activationNames) {
    for (const cols of [12, 7]) {
      // Far from 0 too, where powers overflow or vanish.
      const [x, up, g] = [
        normal(5 * cols).map((value, i) => i % 3 ? value : 200 * value),
        normal(5 * cols),
        normal(5 * cols),
      ];
      const starts = [normal(5 * cols), normal(5 * cols)];
      const by = starts.map((start) => plainTensor(plain, cols, start));
      const [a, b, c] = [x, up, g].map((values) => plainTensor(plain, cols, values));
      plain.gradients.activate({ x: by[0]!, up: by[1]! }, { x: a!, up: b!, activation, g: c! });
      const found = await gpu.runAll([activateGradient({ cols, activation, gated: true })], {
        outputs: starts,
        inputs: [x, up, g],
        step: { tokens: 5 },
      });
      for (const [i, each] of by.entries()) {
        assertLess(relativeError(found[i]!, await plain.read(each)), 1e-6, `${activation} ${cols}: ${i}`);
      }
    }
  }
});
