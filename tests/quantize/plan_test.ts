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

Deno.test("a choice says how it is stored, in any order, and what makes no sense is refused", () => {
  const { format, ...stored } = parseChoice("any2sym:64/16-tables/int8/outliers=0.005", 128);
  assertEquals([format.name, stored], ["any2sym", {
    groupSize: 64,
    codebook: "16-tables",
    codebookType: "int8",
    scaleType: "int8",
    outliers: 0.005,
  }]);
  assertEquals(parseChoice("any4/int8/matrix"), parseChoice("any4/matrix/int8"));
  for (const text of ["any4/int9", "int4/matrix", "any4/outliers=0.5", "any4/outliers=x", "any4/int8:64"]) {
    assertThrows(() => parseChoice(text), OptionError);
  }
});

const LINEARS = ["q_proj", "v_proj"].flatMap((part) =>
  [0, 1].map((i) => `model.layers.${i}.self_attn.${part}`)
);

Deno.test("planOf() skips what patterns fit, and takes those of what stays in any case", () => {
  assertEquals([...planOf(LINEARS, { skip: "*.v_proj" }).keys()], LINEARS.slice(0, 2));
  assertEquals([...planOf(LINEARS, { skip: ["*.0.*", "*q_proj"] }).keys()], LINEARS.slice(3));
  for (const skip of ["lm_head", "*lm_head", "model.embed_tokens", "*.block_sparse_moe.gate", "embed_out"]) {
    assertEquals([...planOf(LINEARS, { skip }).keys()], LINEARS, skip);
  }
});

Deno.test("planOf() refuses patterns that fit nothing, with a pattern that would", () => {
  const wrong: [string, string][] = [
    ["v_proj", 'Cannot skip "v_proj": it fits no Linear, did you mean "*.v_proj"'],
    ["self_attn", 'did you mean "*.self_attn.*"'],
    ["*.o_proj", `this model has Linears such as ${LINEARS[0]}`],
    ["lm_heads", "this model has Linears such as "],
  ];
  for (const [pattern, message] of wrong) {
    assertThrows(() => planOf(LINEARS, { skip: ["*.q_proj", pattern] }), OptionError, message);
  }
  assertThrows(
    () => planOf(LINEARS, { override: { v_proj: "int8" } }),
    OptionError,
    'did you mean "*.v_proj"',
  );
});
