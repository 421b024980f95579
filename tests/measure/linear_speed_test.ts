import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { dequantize, isPacked, OptionError } from "any4";
import { createBackend } from "any4/compute";
import { formats } from "any4/formats";
import { DENSE_FORMATS, linearSpeed, SPEED_FORMATS } from "any4/measure";

import { randomWeight } from "../../lib/measure/random_weight.ts";
import { hasGpu } from "../gpu.ts";

const all = [...DENSE_FORMATS, ...formats.keys()];
const quick = { bytes: 1 << 16, seconds: 0 };

Deno.test("linearSpeed() has a row for each format, and its numbers agree with one another", async () => {
  const places = [["wasm", 1], ["wasm", 5], ["plain", 3], ...hasGpu ? [["webgpu", 1] as const] : []] as const;
  for (const [name, tokens] of places) {
    using backend = await createBackend(name, { threads: 2, tune: false });
    const done: number[] = [];
    const results = await linearSpeed(backend, {
      ...quick,
      rows: 40,
      cols: 96,
      tokens,
      formats: all,
      groupSize: 64,
      onProgress: (part) => done.push(part),
    });
    assertEquals(results.map(({ format }) => format), all);
    const half = results.find(({ format }) => format === "f16")!;
    assertEquals([half.speedup, half.weightBytes, half.groupSize], [1, 2 * 40 * 96, undefined]);
    for (const result of results) {
      const { bytes, seconds, bytesPerSecond, bandwidth, share, flops, speedup, copies, rounds } = result;
      assertEquals([result.rows, result.cols, result.tokens, result.cold], [40, 96, tokens, false]);
      assert(seconds > 0 && copies >= 1 && rounds >= 3);
      assertEquals(bytes, result.weightBytes + 4 * tokens * (40 + 96));
      assertAlmostEquals(bytesPerSecond * seconds / bytes, 1, 1e-9);
      assertAlmostEquals(flops * seconds / (2 * 40 * 96 * tokens), 1, 1e-9);
      assertAlmostEquals(speedup! * seconds / half.seconds, 1, 1e-9);
      assertEquals(bandwidth === undefined, name === "plain");
      if (bandwidth) assertAlmostEquals(share! * bandwidth / bytesPerSecond, 1, 1e-9);
    }
    assert(done.every((part, i) => part <= 1 && part >= (done[i - 1] ?? 0)));
    assertEquals(done.at(-1), 1);
  }
});

Deno.test("linearSpeed() takes as many weights as its bytes ask for, and has no ratio without f16", async () => {
  using backend = await createBackend("plain");
  const [few] = await linearSpeed(backend, {
    ...quick,
    rows: 32,
    cols: 64,
    formats: ["f32"],
    bytes: 3 * 8192,
  });
  assertEquals([few!.copies, few!.speedup], [3, undefined]);
  const [many] = await linearSpeed(backend, { ...quick, rows: 1, cols: 32, formats: ["any2"], bytes: 1e9 });
  assertEquals([many!.copies, many!.cold], [256, false]);
  const [large] = await linearSpeed(backend, {
    rows: 1024,
    cols: 4096,
    formats: ["f32"],
    bytes: 256 << 20,
    seconds: 0,
  });
  assertEquals([large!.copies, large!.cold], [16, true]);
});

Deno.test("linearSpeed() refuses unknown formats and sizes that are none", async () => {
  using backend = await createBackend("plain");
  const options = { ...quick, rows: 8, cols: 32 };
  const wrong = [
    [{ formats: ["f16", "int5"] }, "int5"],
    [{ rows: 0 }, "rows"],
    [{ cols: 1.5 }, "cols"],
    [{ tokens: -1 }, "tokens"],
    [{ groupSize: 0 }, "group size"],
  ] as const;
  for (const [change, word] of wrong) {
    await assertRejects(() => linearSpeed(backend, { ...options, ...change }), OptionError, word);
  }
  assertEquals(SPEED_FORMATS.filter((format) => !all.includes(format)), []);
});

Deno.test("random weights are finite, of their format's shape, and no two rows alike", () => {
  for (const format of all) {
    const weight = randomWeight({ rows: 70, cols: 1000 }, { format });
    const values = isPacked(weight) ? dequantize(weight) : weight.data;
    assertEquals(values.length, 70_000);
    assert(values.every(Number.isFinite), format);
    const rows = new Set(Array.from({ length: 70 }, (_, r) => values.slice(1000 * r, 1000 * (r + 1)).join()));
    assertEquals(rows.size, 70, format);
    if (isPacked(weight)) assertEquals([weight.format, weight.bits], [format, formats.get(format)!.bits]);
  }
});
