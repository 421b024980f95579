import { assertEquals } from "@std/assert";

Deno.test("WebGPU is typed by @webgpu/types, which names what Deno's own types do not", () => {
  // `deno check` fails here where the types are Deno's alone, and where a feature of no name passes.
  const known: GPUFeatureName[] = ["subgroups", "texture-compression-bc-sliced-3d"];
  // @ts-expect-error no such feature
  const unknown: GPUFeatureName = "subgroup";
  const descriptor: GPUExternalTextureDescriptor["colorSpace"] = "display-p3";
  assertEquals([...known, unknown, descriptor].length, 4);
});
