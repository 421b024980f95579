import { assertEquals, assertLess } from "@std/assert";
import { embed } from "../../kernels/wgsl/embed.ts";
import { expertLists, listStride, STEP_STRIDE } from "../../kernels/wgsl/expert_lists.ts";
import { expertRouter } from "../../kernels/wgsl/expert_router.ts";
import type { Kernel } from "../../kernels/wgsl/kernel.ts";
import { scatterAdd } from "../../kernels/wgsl/scatter_add.ts";
import { activate } from "../../kernels/wgsl/activate.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import { Device } from "../../lib/compute/webgpu/device.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";
import { route } from "./experts.ts";

const random = new Random(71);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

Deno.test({
  name: "expert_lists.ts lists each expert's tokens, also where it has none" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    for (const [tokens, experts, k] of [[1, 3, 1], [65, 8, 2], [300, 4, 4]] as const) {
      const { chosen, weights } = route(normal(tokens * experts), { experts, k });
      const stride = listStride(tokens);
      const [lists, shares, steps] = await gpu.runAll([expertLists({ experts, k, capacity: tokens })], {
        outputs: [experts * stride, experts * stride, experts * STEP_STRIDE],
        inputs: [chosen, weights],
        step: { tokens, position: 9 },
      });
      for (let e = 0; e < experts; e++) {
        const wanted: [number, number][] = [];
        chosen.forEach((expert, n) => expert === e && wanted.push([Math.floor(n / k), weights[n]!]));
        assertEquals(
          Array.from(new Uint32Array(steps!.buffer, 4 * e * STEP_STRIDE, 2)),
          [wanted.length, 9],
        );
        const list = new Uint32Array(lists!.buffer, 4 * e * stride, wanted.length);
        const got = Array.from(list, (token, n) => [token, shares![e * stride + n]!] as [number, number]);
        assertEquals(got.sort(([a], [b]) => a - b), wanted);
      }
    }
  },
});

Deno.test({
  name: "a mixture of experts runs without anybody knowing who gets how many tokens" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    using device = await Device.open();
    const { gpu } = device;
    const [tokens, experts, k, cols] = [50, 4, 2, 12];
    const stride = listStride(tokens);
    const [x, logits] = [normal(tokens * cols), normal(tokens * experts)];
    // The experts here differ by what they multiply with.
    const ups = Array.from({ length: experts }, () => normal(tokens * cols).fill(random.normal()));

    const room = (words: number, data?: Float32Array | Uint32Array) => {
      const { STORAGE, UNIFORM, COPY_SRC, COPY_DST } = GPUBufferUsage;
      const buffer = gpu.createBuffer({ size: 4 * words, usage: STORAGE | UNIFORM | COPY_SRC | COPY_DST });
      if (data) gpu.queue.writeBuffer(buffer, 0, data as BufferSource);
      return { buffer };
    };
    const poisoned = (words: number) => room(words, new Float32Array(words).fill(NaN));
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const run = (kernel: Kernel, bindings: GPUBufferBinding[]) => {
      const compiled = device.pipeline(kernel.name, kernel.code);
      pass.setPipeline(compiled);
      pass.setBindGroup(
        0,
        gpu.createBindGroup({
          layout: compiled.getBindGroupLayout(0),
          entries: bindings.map((resource, binding) => ({ binding, resource })),
        }),
      );
      pass.dispatchWorkgroups(...kernel.workgroups(tokens));
    };

    const all = room(2, Uint32Array.of(tokens, 0));
    const input = room(x.length, x);
    const out = room(x.length, new Float32Array(x.length));
    const [chosen, weights] = [poisoned(tokens * k), poisoned(tokens * k)];
    const [lists, shares] = [poisoned(experts * stride), poisoned(experts * stride)];
    const steps = poisoned(experts * STEP_STRIDE);
    const [gathered, activated] = [poisoned(x.length), poisoned(x.length)];
    run(expertRouter({ experts, k }), [chosen, weights, room(logits.length, logits), all]);
    run(expertLists({ experts, k, capacity: tokens }), [lists, shares, steps, chosen, weights, all]);
    for (let e = 0; e < experts; e++) {
      const list = { ...lists, offset: 4 * e * stride, size: 4 * stride };
      const share = { ...shares, offset: 4 * e * stride, size: 4 * stride };
      const step = { ...steps, offset: 4 * e * STEP_STRIDE, size: 8 };
      run(embed({ cols, dtype: "F32", rows: tokens }), [gathered, input, list, step]);
      run(activate({ cols, activation: "silu", gated: true }), [
        activated,
        gathered,
        room(x.length, ups[e]),
        step,
      ]);
      run(scatterAdd({ cols }), [out, activated, list, share, step]);
    }
    pass.end();
    const landing = gpu.createBuffer({
      size: 4 * x.length,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    encoder.copyBufferToBuffer(out.buffer, 0, landing, 0, 4 * x.length);
    gpu.queue.submit([encoder.finish()]);
    await landing.mapAsync(GPUMapMode.READ);
    await device.check();
    const result = new Float32Array(landing.getMappedRange().slice(0));

    const expected = new Float32Array(x.length);
    const routed = route(logits, { experts, k });
    for (const [n, e] of routed.chosen.entries()) {
      for (let c = 0; c < cols; c++) {
        const at = Math.floor(n / k) * cols + c;
        expected[at]! += routed.weights[n]! * x[at]! / (1 + Math.exp(-x[at]!)) * ups[e]![0]!;
      }
    }
    assertLess(relativeError(result, expected), 1e-5);
  },
});
