import { gpuReason, hasGpu } from "../../gpu.ts";
import { assertGolden, assertSameText, names } from "../../tiny_models.ts";

for (const name of names) {
  Deno.test({
    name: `${name} on webgpu: transformers' logits, in one go and token by token${gpuReason}`,
    ignore: !hasGpu,
    fn: () => assertGolden(name, "webgpu"),
  });
}

Deno.test({
  name: `every architecture continues a text on webgpu as on plain${gpuReason}`,
  ignore: !hasGpu,
  fn: () => assertSameText("webgpu"),
});
