import { assert, assertEquals } from "@std/assert";
import { embed } from "../../kernels/wgsl/embed.ts";
import { Random } from "../../lib/random.ts";
import { bench, gpuReason, hasGpu } from "../gpu.ts";

const random = new Random(37);

/** A random table as a checkpoint stores it, each row from a word on, and its values. */
function table(dtype: "F32" | "F16" | "BF16", rows: number, cols: number) {
  const values = Float32Array.from({ length: rows * cols }, () => random.normal());
  if (dtype === "F32") return { values, words: new Uint32Array(values.buffer.slice()) };
  const stride = 2 * Math.ceil(cols / 2);
  const halves = new Uint16Array(rows * stride).fill(0x7fff);
  const asF16 = new Float16Array(halves.buffer);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const [at, from] = [row * stride + col, row * cols + col];
      if (dtype === "F16") values[from] = asF16[at] = values[from]!;
      else {
        halves[at] = new Uint32Array(values.buffer)[from]! >>> 16;
        new Uint32Array(values.buffer)[from] = halves[at]! << 16;
      }
    }
  }
  if (dtype === "F16") { for (const [i, v] of values.entries()) values[i] = Math.f16round(v); }
  return { values, words: new Uint32Array(halves.buffer) };
}

for (const dtype of ["F32", "F16", "BF16"] as const) {
  Deno.test({
    name: `embed.ts takes rows of a ${dtype} table as they are` + gpuReason,
    ignore: !hasGpu,
    async fn() {
      const gpu = await bench();
      for (const [rows, cols] of [[1, 1], [7, 33], [100, 300]] as const) {
        const { values, words } = table(dtype, rows, cols);
        const ids = Uint32Array.from({ length: 6 }, () => random.next() * rows);
        const out = await gpu.run(embed({ cols, dtype, rows }), {
          length: 6 * cols,
          inputs: [words, ids],
          step: { tokens: 6 },
        });
        const expected = new Float32Array(6 * cols);
        for (const [t, id] of ids.entries()) {
          expected.set(values.subarray(id * cols, (id + 1) * cols), t * cols);
        }
        assertEquals(out, expected, `${rows} × ${cols}`);
      }
    },
  });
}

Deno.test({
  name: "embed.ts on a part of a table leaves the tokens of other parts alone" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    const gpu = await bench();
    const { values, words } = table("F32", 4, 8);
    const out = await gpu.run(embed({ cols: 8, dtype: "F32", firstRow: 10, rows: 4 }), {
      length: 5 * 8,
      inputs: [words, Uint32Array.of(9, 10, 13, 14, 0)],
      step: { tokens: 5 },
    });
    assertEquals(out.slice(8, 24), Float32Array.of(...values.slice(0, 8), ...values.slice(24, 32)));
    assert([...out.subarray(0, 8), ...out.subarray(24)].every(Number.isNaN));
  },
});
