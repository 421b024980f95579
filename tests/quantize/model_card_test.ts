import { assertEquals, assertStringIncludes } from "@std/assert";
import { byFormat, type CardSummary, modelCard } from "any4/quantize";

const linear = { rows: 10, cols: 100, format: "any4", groupSize: 100, bitsPerWeight: 4.5, error: 0.01 };

const summary: CardSummary = {
  model: "llama",
  linears: [
    { ...linear, linear: "a" },
    { ...linear, linear: "b", rows: 30, bitsPerWeight: 5.5, error: 0.03 },
    { ...linear, linear: "c", format: "int8", groupSize: 64, bitsPerWeight: 8.5, error: 0 },
  ],
  parameters: 6000,
  bitsPerWeight: 5.9,
  bytes: 4000,
  originalBytes: 12_000,
  calibration: "a text (0123)",
  weighting: "mean-square",
  sequential: false,
};

Deno.test("byFormat() weighs bits by weights and errors by Linears", () => {
  assertEquals(byFormat(summary.linears), [
    { format: "any4, groups of 100", linears: 2, weights: 4000, bitsPerWeight: 5.25, error: 0.02 },
    { format: "int8, groups of 64", linears: 1, weights: 1000, bitsPerWeight: 8.5, error: 0 },
  ]);
});

Deno.test("a model card says what was done, and of perplexity only what was measured", () => {
  const card = modelCard(summary);
  for (
    const said of ["12.0 kB became 4.00 kB", "5.900 bits per weight", "a text (0123)", "most in b (3.0 %)"]
  ) {
    assertStringIncludes(card.replaceAll("\u00a0", " "), said);
  }
  assertStringIncludes(card, "Perplexity was not measured");
  const measured = modelCard(summary, { perplexity: 5.25, original: 5, tokens: 3000 });
  assertStringIncludes(measured, "Perplexity is 5.250, the original's 5.000, on 3,000 tokens");
});
