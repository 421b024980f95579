import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { type GpuJob, GpuLab } from "../../../lib/compute/webgpu/gpu_lab.ts";
import type { Kernel } from "../../../kernels/wgsl/kernel.ts";
import { DeviceError, OptionError } from "../../../lib/errors.ts";
import { gpuReason, hasGpu } from "../../gpu.ts";

/** out[i] = what an expression of x[i] says, for i < 4. */
function kernel(
  expression: string,
  { index = "id.x", binding = "var<storage, read> x: array<f32>" } = {},
): Kernel {
  return {
    name: "tried",
    code: `@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) ${binding};
@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  out[${index}] = ${expression};
}`,
    workgroups: (tokens) => [tokens, 1, 1],
  };
}

const job = (...kernels: Kernel[]): GpuJob => ({
  kernels,
  outputs: [4],
  inputs: [Float32Array.of(1, 2, 3, 4)],
});

/** A test on a laboratory of its own. */
function test(name: string, fn: (lab: GpuLab) => Promise<void>): void {
  Deno.test({
    name: name + gpuReason,
    ignore: !hasGpu,
    async fn() {
      using lab = await GpuLab.open();
      await fn(lab);
    },
  });
}

test("a laboratory runs a kernel, and leaves NaN where it does not write", async (lab) => {
  assertEquals(await lab.run(job(kernel("2.0 * x[i]"))), [Float32Array.of(2, 4, 6, 8)]);
  const [half] = await lab.run(job(kernel("x[i]", { index: "i / 2u" })));
  assert(half!.subarray(2).every(Number.isNaN));
});

test("a laboratory runs kernels one after another on the arrays that each is given", async (lab) => {
  const [sum, between] = await lab.run({
    kernels: [kernel("x[i] + 1.0"), kernel("10.0 * x[i]")],
    outputs: [4, new Float32Array(4)],
    inputs: [Float32Array.of(1, 2, 3, 4)],
    bindings: [[1, 2], [0, 1]],
  });
  assertEquals(between, Float32Array.of(2, 3, 4, 5));
  assertEquals(sum, Float32Array.of(20, 30, 40, 50));
});

test("a laboratory accepts what is named and not used, and arrays whose bytes fill no word", async (lab) => {
  assertEquals(await lab.run(job(kernel("7.0"))), [new Float32Array(4).fill(7)]);
  const bytes = { ...job(kernel("f32(x[i / 4u])", { binding: "var<storage, read> x: array<u32>" })) };
  const [first] = await lab.run({ ...bytes, inputs: [Uint8Array.of(1, 2, 3)] });
  assertEquals(first![0], 0x030201);
});

test("a laboratory gives kernels tokens and position where they have a step", async (lab) => {
  const code = kernel("f32(10u * step.position + step.tokens)").code
    .replace(
      "@compute",
      "struct Step { tokens: u32, position: u32 }\n@group(0) @binding(2) var<uniform> step: Step;\n@compute",
    );
  const [out] = await lab.run({ ...job({ ...kernel(""), code }), tokens: 1, position: 7 });
  assertEquals(out, new Float32Array(4).fill(71));
});

test("a laboratory says what is wrong with a kernel, and goes on", async (lab) => {
  const message = async (wrong: GpuJob, type: typeof DeviceError | typeof OptionError = DeviceError) =>
    (await assertRejects(() => lab.run(wrong), type)).message;
  const mistake = await message(job(kernel("2.0 * y[i]")));
  assert(/^Kernel tried does not compile: 6:\d+ .*y/s.test(mistake), mistake);
  assertEquals(
    await message({ ...job(kernel("x[i]")), inputs: [] }, OptionError),
    "Cannot run tried: its text has 2 bindings, the job gives it 1",
  );
  const behind = { ...kernel("x[i]", { index: "i + 1u" }), workgroups: () => [1, 1, 1] } as Kernel;
  assertEquals(await message(job(behind)), "Kernel tried writes behind the end of output 0");
  const needing = { ...kernel("x[i]"), code: kernel("x[i]").code + "\n", features: ["eyes"] };
  assert((await message(job(needing))).endsWith("lacks eyes"));
  const large = { ...kernel("x[i]"), workgroups: () => [70000, 1, 1] } as Kernel;
  assert((await message(job(large))).startsWith("Kernel tried cannot run: "));
  assertEquals(await lab.run(job(kernel("x[i]"))), [Float32Array.of(1, 2, 3, 4)]);
  await assertRejects(() => lab.race([job(kernel("2.0 * y[i]"))]), DeviceError);
  const both = await Promise.allSettled([lab.run(job(kernel("z"))), lab.run(job(kernel("x[i] + 2.0")))]);
  assertEquals(both.map(({ status }) => status), ["rejected", "fulfilled"]);
});

test("a laboratory times jobs that take turns", async (lab) => {
  const slow = kernel("0.0").code.replace(
    "out[id.x] = 0.0;",
    "var sum = x[i]; for (var k = 0u; k < 10000000u; k++) { sum = sum * 1.0001 + 0.1; } out[i] = sum;",
  );
  const jobs = [job(kernel("x[i]")), job({ ...kernel(""), code: slow })];
  const [fast, long] = await lab.race(jobs, { seconds: 0.1, bytes: 64 });
  assert(fast! > 0);
  assertLess(fast!, long!);
  assertEquals(await lab.race([]), []);
});
