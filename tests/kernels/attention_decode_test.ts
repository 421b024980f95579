import { assertLess } from "@std/assert";
import { attentionCombine } from "../../kernels/wgsl/attention_combine.ts";
import { attentionDecode } from "../../kernels/wgsl/attention_decode.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";
import { attentionCase } from "./attention.ts";

const SHAPES = [
  { heads: 1, kvHeads: 1, headDim: 4, at: [0, 1] },
  { heads: 6, kvHeads: 2, headDim: 5, at: [0, 130, 700] },
  { heads: 4, kvHeads: 1, headDim: 64, at: [511, 512, 2000] },
  { heads: 2, kvHeads: 2, headDim: 129, at: [60] },
  { heads: 2, kvHeads: 1, headDim: 256, at: [1200] },
  { heads: 4, kvHeads: 2, headDim: 12, scale: 0.4, softcap: 5, at: [3, 600] },
];

Deno.test({
  name: "attention_decode.ts agrees with the plain backend" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const { at, ...shape } of SHAPES) {
      const kernel = attentionDecode(shape);
      for (const position of at) {
        for (const tokens of [1, 3]) {
          const step = { tokens, position };
          const { inputs, expected } = await attentionCase(shape, step);
          const out = await gpu.run(kernel, { length: expected.length, inputs, step });
          assertLess(relativeError(out, expected), 1e-5, `${kernel.name}: ${tokens} at ${position}`);
        }
      }
    }
  },
});

Deno.test({
  name: "attention_combine.ts joins the parts of attention_decode.ts, empty ones too" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const { at, ...shape } of SHAPES.slice(1, 3)) {
      const { heads, headDim } = shape;
      const parts = 5;
      for (const position of at) {
        const step = { tokens: 2, position };
        const { inputs, expected } = await attentionCase(shape, step);
        const [, out] = await gpu.runAll([
          attentionDecode({ ...shape, parts }),
          attentionCombine({ ...shape, parts }),
        ], {
          outputs: [2 * heads * parts * (headDim + 2), expected.length],
          inputs,
          step,
          bindings: [[0, 2, 3, 4], [1, 0]],
        });
        assertLess(relativeError(out!, expected), 1e-5, `${headDim} at ${position}`);
      }
    }
  },
});

Deno.test({
  name: "attention_decode.ts sees no further back than its window" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const shape = { heads: 2, kvHeads: 1, headDim: 8, window: 100 };
    for (const position of [0, 98, 300]) {
      const step = { tokens: 3, position };
      const { inputs, expected } = await attentionCase(shape, step);
      const out = await gpu.run(attentionDecode(shape), { length: expected.length, inputs, step });
      assertLess(relativeError(out, expected), 1e-5, `at ${position}`);
    }
  },
});
