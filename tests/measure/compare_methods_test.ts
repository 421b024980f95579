import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { loadModel, OptionError, quantizeModel } from "any4";
import { type CandidateCost, candidatesOf, compare, compareMethods, referenceLogits } from "any4/measure";

const text = "One day a girl found a key near the old well. ";

Deno.test("candidates are formats by methods; what makes no sense is refused or left out", () => {
  const names = (formats: string[], methods: string[]) =>
    candidatesOf(formats, methods).map(({ name }) => name);
  assertEquals(names(["int4", "any4:64"], ["kmeans", "lloyd", "awq+gptq:damping=0.1"]), [
    "int4",
    "int4 awq+gptq:damping=0.1",
    "any4:64",
    "any4:64 lloyd",
    "any4:64 awq+gptq:damping=0.1",
  ]);
  assertEquals(candidatesOf(["any4:row/matrix"], ["awq"])[0], {
    name: "any4:row/matrix awq",
    format: "any4",
    groupSize: "row",
    codebook: "matrix",
    awq: true,
    method: { name: "kmeans" },
  });
  const [stored] = candidatesOf(["any2sym:64/16-tables/int8/outliers=0.005"], ["kmeans"]);
  const { codebook, codebookType, scaleType, outliers } = stored!;
  assertEquals([codebook, codebookType, scaleType, outliers], ["16-tables", "int8", "int8", 0.005]);
  assertThrows(() => candidatesOf(["any4/int9"], ["kmeans"]), OptionError, "int9");
  assertThrows(() => candidatesOf(["int4/matrix"], ["kmeans"]), OptionError, "int4");
  assertThrows(() => candidatesOf(["any5"], ["kmeans"]), OptionError, "any5");
  assertThrows(() => candidatesOf(["any4"], ["lnq:rounds"]), OptionError, "option=value");
  assertThrows(() => candidatesOf(["any4"], ["lnq:round=3"]), OptionError, "round");
});

Deno.test("a comparison has each candidate's own costs, and measures no row that is known", async () => {
  using model = await loadModel("tinyworld");
  const options = { maxTokens: 100, calibration: text };
  const candidates = candidatesOf(["int3:64"], ["kmeans", "gptq"]);
  const told: CandidateCost[] = [];
  const { original, rows } = await compareMethods(model, {
    ...options,
    candidates,
    onRow: (row) => told.push(row),
  });
  assertEquals(told, rows);
  const reference = await referenceLogits(model, options);
  assertEquals(original, reference.perplexity);
  for (const [i, method] of (["kmeans", "gptq"] as const).entries()) {
    using small = await quantizeModel(model, { format: "int3", groupSize: 64, method, calibration: text });
    const { kl, klStderr, perplexity } = await compare(small, reference);
    const row = rows[i]!;
    assertEquals([row.kl, row.klStderr, row.perplexity, row.method], [kl, klStderr, perplexity, method]);
    assert(row.klStderr > 0 && row.perplexityStderr > 0);
    assertLess(row.klStderr, row.kl);
  }
  const altered = { ...rows[0]!, kl: 7 };
  const again = await compareMethods(model, {
    ...options,
    candidates: candidates.slice(0, 1),
    known: [altered],
    onRow: () => assert(false, "measured again"),
  });
  assertEquals(again.rows, [altered]);
});
