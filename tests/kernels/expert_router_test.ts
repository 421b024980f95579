import { assertEquals, assertLess } from "@std/assert";
import { expertRouter } from "../../kernels/wgsl/expert_router.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";
import { route } from "./experts.ts";

const random = new Random(61);

Deno.test({
  name: "expert_router.ts takes the experts with the largest logits, of equals the first" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const [tokens, experts, k] of [[1, 1, 1], [3, 8, 2], [200, 5, 5], [70, 128, 8]] as const) {
      for (const normalized of [true, false]) {
        // Rounded, so that there are equals; and so negative that only differences are left of them.
        const logits = Float32Array.from(
          { length: tokens * experts },
          () => Math.round(8 * random.normal()) / 4 - 200,
        );
        const shape = { experts, k, normalized };
        const [chosen, weights] = await gpu.runAll([expertRouter(shape)], {
          outputs: [tokens * k, tokens * k],
          inputs: [logits],
          step: { tokens },
        });
        const expected = route(logits, shape);
        assertEquals(new Uint32Array(chosen!.buffer, 0, tokens * k), expected.chosen);
        assertLess(relativeError(weights!, expected.weights), 1e-5, `${tokens} × ${k} of ${experts}`);
      }
    }
  },
});
