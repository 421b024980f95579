import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "../../lib/errors.ts";
import { af4Values } from "../../lib/formats/af4.ts";
import { formatOf, formats } from "../../lib/formats/formats.ts";
import { mx4 } from "../../lib/formats/mx4.ts";

Deno.test("every fixed format has 2^bits values", () => {
  for (const format of formats.values()) {
    if (format.values) assertEquals(format.values(64).length, 2 ** format.bits, format.name);
  }
});

Deno.test("af4 agrees with the published table for groups of 64 and 128", () => {
  const published: Record<number, number[]> = {
    64: [-1, -0.69441008, -0.51243739, -0.3736951, -0.25607552, -0.14982478, -0.04934812, 0]
      .concat([0.04273164, 0.12934483, 0.21961274, 0.31675666, 0.42563882, 0.55496234, 0.72424863, 1]),
    128: [-1, -0.66495284, -0.48589589, -0.3529405, -0.24139225, -0.14109901, -0.04645526, 0]
      .concat([0.04021689, 0.12176897, 0.2068883, 0.29877409, 0.40238482, 0.52697805, 0.69496104, 1]),
  };
  for (const [size, values] of Object.entries(published)) {
    const ours = af4Values(Number(size));
    values.forEach((value, i) => assertAlmostEquals(ours[i]!, value, 5e-5, `group ${size}, value ${i}`));
  }
});

Deno.test("mx4's scale is the power of two that puts the largest magnitude in [4, 8)", () => {
  for (const largest of [1e-30, 0.1, 0.9999999, 1, 1.0000001, 3.9999, 4, 5, 6, 7.999, 8, 1e30]) {
    const scale = mx4.scaling.scale(-largest, 0);
    assert(Number.isInteger(Math.log2(scale)), `${scale} is no power of two`);
    assert(largest / scale >= 4 && largest / scale < 8, `${largest} / ${scale}`);
  }
  assertEquals(mx4.scaling.scale(0, 0), 2 ** -127);
});

Deno.test("formatOf() throws on an unknown name and lists the known ones", () => {
  assertThrows(() => formatOf("any5"), OptionError, "any4");
});
