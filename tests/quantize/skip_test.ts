import { assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "any4";
import { planOf } from "../../lib/quantize/plan.ts";

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
