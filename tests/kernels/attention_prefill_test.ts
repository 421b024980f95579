import { assertLess } from "@std/assert";
import { attentionPrefill } from "../../kernels/wgsl/attention_prefill.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";
import { attentionCase } from "./attention.ts";

Deno.test({
  name: "attention_prefill.ts agrees with the plain backend" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (
      const { spans, ...shape } of [
        { heads: 2, kvHeads: 1, headDim: 4, spans: [[1, 0], [32, 0], [33, 100]] },
        { heads: 6, kvHeads: 2, headDim: 5, spans: [[45, 3], [100, 0]] },
        { heads: 4, kvHeads: 2, headDim: 64, spans: [[31, 0], [65, 1], [256, 300]] },
        { heads: 1, kvHeads: 1, headDim: 67, spans: [[40, 30]] },
        { heads: 2, kvHeads: 1, headDim: 256, spans: [[50, 500]] },
        { heads: 4, kvHeads: 2, headDim: 12, scale: 0.4, softcap: 5, spans: [[40, 0], [5, 70]] },
      ] as const
    ) {
      const kernel = attentionPrefill(shape);
      for (const [tokens, position] of spans) {
        const step = { tokens, position };
        const { inputs, expected } = await attentionCase(shape, step);
        const out = await gpu.run(kernel, { length: expected.length, inputs, step });
        assertLess(relativeError(out, expected), 1e-5, `${kernel.name}: ${tokens} at ${position}`);
      }
    }
  },
});

Deno.test({
  name: "attention_prefill.ts sees no further back than its window" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const window of [1, 20, 50]) {
      const shape = { heads: 2, kvHeads: 1, headDim: 8, window };
      for (const step of [{ tokens: 70, position: 0 }, { tokens: 3, position: 90 }]) {
        const { inputs, expected } = await attentionCase(shape, step);
        const out = await gpu.run(attentionPrefill(shape), { length: expected.length, inputs, step });
        assertLess(relativeError(out, expected), 1e-5, `${step.tokens} at ${step.position} by ${window}`);
      }
    }
  },
});
