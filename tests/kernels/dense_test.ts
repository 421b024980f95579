import { assert, assertEquals, assertLess } from "@std/assert";
import { denseDecode } from "../../kernels/wgsl/dense_decode.ts";
import { denseTiled } from "../../kernels/wgsl/dense_tiled.ts";
import { denseKernels } from "../../kernels/wgsl/mod.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";
import { dense, errorOf } from "./linear.ts";

const DTYPES = ["F32", "F16", "BF16"] as const;

Deno.test({
  name: "dense_decode.ts agrees with the plain backend" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const shapes = [[1, 1], [5, 33], [9, 300], [6, 64], [3, 12], [2, 1]] as const;
    let turn = 0;
    for (const dtype of DTYPES) {
      for (const [rows, cols] of shapes) {
        const tokens = [1, 3, 8, 2][turn++ % 4]!;
        const subgroupSize = turn % 2 ? gpu.lab.subgroupSize : undefined;
        const error = await errorOf(gpu, dense(rows, cols, dtype), {
          tokens,
          bias: turn % 3 === 0,
          kernel: (shape) => denseDecode(shape, { tokens, subgroupSize }),
        });
        assertLess(error, 1e-5, `${dtype} ${rows}×${cols} ${tokens} tokens`);
      }
    }
  },
});

Deno.test({
  name: "dense_tiled.ts agrees with the plain backend" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    let turn = 0;
    for (const dtype of DTYPES) {
      for (const element of ["f32", "f16"] as const) {
        if (element === "f16" && !gpu.lab.features.has("shader-f16")) continue;
        for (const [tokens, rows, cols] of [[17, 70, 33], [70, 65, 96], [9, 1, 1]] as const) {
          const error = await errorOf(gpu, dense(rows, cols, dtype), {
            tokens,
            bias: turn % 2 === 0,
            kernel: (shape) => denseTiled(shape, { element, tile: turn++ % 2 ? 16 : 64 }),
          });
          assertLess(error, element === "f32" ? 1e-5 : 2e-3, `${dtype} ${element} ${rows}×${cols}`);
        }
      }
    }
  },
});

Deno.test({
  name: "parts of a dense weight write their own columns" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const parts = [{ from: 0, to: 5 }, { from: 5, to: 6 }, { from: 6, to: 13 }];
    for (const tokens of [3, 17]) {
      const error = await errorOf(gpu, dense(13, 33, "BF16"), {
        tokens,
        bias: true,
        parts,
        kernel: (shape) => denseKernels(shape, { tokens, device: gpu.lab })[0]!.kernel,
      });
      assertLess(error, 1e-5, `${tokens} tokens`);
    }
  },
});

Deno.test("denseKernels() offers what the device can run, each by a name of its own", () => {
  const shape = { rows: 64, cols: 64, dtype: "F16", firstRow: 0, outCols: 64, bias: false } as const;
  for (const tokens of [1, 8, 9, 100]) {
    for (const features of [[], ["subgroups"], ["shader-f16", "subgroups"]]) {
      const device = { features: new Set(features), subgroupSize: features.includes("subgroups") ? 32 : 0 };
      const all = denseKernels(shape, { tokens, device, halfProducts: true });
      assert(all.length > 0);
      assert(all.flatMap(({ kernel }) => kernel.features ?? []).every((name) => device.features.has(name)));
      assertEquals(new Set(all.map(({ name }) => name)).size, all.length);
    }
  }
});
