import { assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "../../lib/errors.ts";
import { parseChoice, planOf } from "../../lib/quantize/plan.ts";

const linears = ["layers.0.q_proj", "layers.0.up_proj", "layers.1.q_proj", "layersX1.q_proj"];

/** The plan as texts: "int4", "any4:64 overridden". */
const planned = (options: Parameters<typeof planOf>[1]) =>
  Object.fromEntries(Array.from(planOf(linears, options), ([name, { format, groupSize, overridden }]) => [
    name,
    format.name + (groupSize ? `:${groupSize}` : "") + (overridden ? " overridden" : ""),
  ]));

Deno.test("every Linear gets the format, but those that are skipped", () => {
  assertEquals(planned({}), Object.fromEntries(linears.map((name) => [name, "any4"])));
  assertEquals(planned({ format: "int4", groupSize: 32, skip: ["*.up_proj", "layers.1.*"] }), {
    "layers.0.q_proj": "int4:32",
    "layersX1.q_proj": "int4:32",
  });
});

Deno.test("of several patterns that fit the last one counts; a dot is a dot, and a pattern fits the whole name", () => {
  const override = { "*q_proj": "int8:16", "layers.0.*": "any3", "layers.1.q_proj": "any2:row" };
  assertEquals(planned({ groupSize: 64, override }), {
    "layers.0.q_proj": "any3:64 overridden",
    "layers.0.up_proj": "any3:64 overridden",
    "layers.1.q_proj": "any2:row overridden",
    "layersX1.q_proj": "int8:16 overridden",
  });
  assertThrows(() => planned({ override: { "q_proj": "int8" } }), OptionError, 'Cannot override "q_proj"');
});

Deno.test("a group size that is no whole number is an error", () => {
  assertEquals(parseChoice("any4", 64).groupSize, 64);
  assertEquals(parseChoice("any4:32", 64).groupSize, 32);
  for (const size of ["0", "-1", "1.5", "", "rows"]) {
    assertThrows(() => parseChoice(`any4:${size}`), OptionError, `any4:${size}`);
  }
});
