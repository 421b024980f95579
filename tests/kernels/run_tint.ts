/**
 * Asks another compiler than Deno's: `deno task test:gpu`.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Kernel } from "../../kernels/wgsl/kernel.ts";
import { ChromiumLab, findChromium } from "../chromium.ts";
import { everyKernel } from "./every_kernel.ts";

const chromium = findChromium();
const reason = chromium ? "" : " (ignored: there is no Chromium, whose compiler this asks)";

Deno.test({
  name: "every kernel is WGSL as the standard has it: Tint compiles all shapes" + reason,
  ignore: !chromium,
  // The browser is another process, which ends in its own time.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const kernels = everyKernel();
    assert(kernels.length > 1000);
    using lab = await ChromiumLab.open(chromium!);
    const bad: Kernel = {
      name: "bad",
      code: `@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(1) fn main() { out[0] = out[1] >> 1u | out[2]; }`,
      workgroups: () => [1, 1, 1],
    };
    const [mistake] = await lab.compile([bad]);
    assertMatch(mistake ?? "nothing", /parenthesis/);
    assertEquals((await lab.compile(kernels)).filter((mistake) => mistake !== undefined), []);
  },
});
