import { assertEquals, assertStringIncludes } from "@std/assert";
import { marked, type Token } from "marked";
import { parse } from "yaml";
import { byFormat, type CardSummary, modelCard } from "any4/quantize";

const linear = { rows: 10, cols: 100, format: "any4", groupSize: 100, bitsPerWeight: 4.5, error: 0.01 };

const summary: CardSummary = {
  model: "llama",
  linears: [
    { ...linear, linear: "a" },
    { ...linear, linear: "b", rows: 30, bitsPerWeight: 5.5, error: 0.03 },
    { ...linear, linear: "c", format: "int8", groupSize: 64, bitsPerWeight: 8.5, error: 0 },
  ],
  ends: [],
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

Deno.test("a model card names a quantized head, and says that the rest stayed", () => {
  assertStringIncludes(modelCard(summary), "embeddings, norms and lm_head are as they were");
  const card = modelCard({ ...summary, ends: [{ ...linear, linear: "lm_head", format: "int8" }] });
  assertStringIncludes(card, "all else is as it was");
  assertStringIncludes(card, "| lm\\_head: int8, groups of 100 |");
});

Deno.test("a model card says what was done, and of perplexity only what was measured", () => {
  const card = modelCard(summary);
  for (
    const said of ["12.0 kB became 4.00 kB", "5.900 bits per weight", "a text (0123)", "most in `b` (3.0 %)"]
  ) {
    assertStringIncludes(card.replaceAll("\u00a0", " "), said);
  }
  assertStringIncludes(card, "Perplexity was not measured");
  const measured = modelCard(summary, { perplexity: 5.25, original: 5, tokens: 3000 });
  assertStringIncludes(measured, "Perplexity is 5.250, the original's 5.000, on 3,000 tokens");
});

Deno.test("a model card says how tables, scales and outliers are stored, where that is not as usual", () => {
  assertEquals(modelCard({ ...summary, codebook: "row" }).includes("Stored with"), false);
  const layout = { codebook: "16-tables", codebookType: "int8", scaleType: "f32", outliers: 0.005 };
  const card = modelCard({ ...summary, ...layout }).replaceAll("\u00a0", " ");
  assertStringIncludes(
    card,
    "Stored with codebooks by `16-tables`, codebooks in `int8`, scales in `f32`, 0.5 % of all weights beside the codes",
  );
});

/** Names that would be keys, markup, HTML, links or rows of a table, were they not taken as names. */
const NAMES = [
  "tinyworld",
  "a\nlicense: mit\ntags: [evil]",
  "a\r---\n# Title",
  "a: b # c",
  "- a",
  "[a, b]",
  "{a: b}",
  "!!python/object:os.system",
  "&a *a",
  "'a\" \\ b",
  "true",
  "1e3",
  "",
  " a ",
  "%a",
  "@a",
  "\x00\x1b[31m\x7f\x85\u2028\u2029\ufeff\u202e",
  "\ud800 half",
  "``` js\nalert(1)",
  "`a``b`",
  "``",
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "[link](javascript:alert(1))",
  "![image](http://evil.test/x.png)",
  "http://evil.test www.evil.test me@evil.test",
  "a | b | c |",
  "a \\| b",
  "**bold** _em_ ~~gone~~ $x$ &lt;",
];

/** All tokens of a text, those in others too. */
function* tokensOf(tokens: readonly Token[]): Generator<Token> {
  for (const token of tokens) {
    yield token;
    const { tokens: inner, items, header, rows } = token as Token & Record<string, never>;
    for (const more of [inner, items]) if (more) yield* tokensOf(more);
    if (token.type === "table") {
      for (const cell of [header, rows].flat(2) as { tokens: Token[] }[]) yield* tokensOf(cell.tokens);
    }
  }
}

Deno.test("whatever the names are, a card's YAML has its two keys, and its Markdown is the same but for names", () => {
  const shape = (card: string) => {
    const [, head, body] = /^---\n([^]*?)\n---\n([^]*)$/.exec(card)!;
    const tokens = [...tokensOf(marked.lexer(body!))];
    assertEquals(body!.split("\n").length, cardOf("tinyworld").split("---\n")[2]!.split("\n").length);
    return {
      yaml: parse(head!),
      types: tokens.map(({ type }) => type).filter((type) => type !== "text" && type !== "escape"),
      cells: tokens.filter(({ type }) => type === "table").map((table) =>
        (table as unknown as { rows: unknown[][] }).rows.map((row) => row.length)
      ),
    };
  };
  const cardOf = (name: string) =>
    modelCard({
      ...summary,
      model: name,
      calibration: name,
      weighting: name,
      linears: summary.linears.map((linear, i) => ({
        ...linear,
        linear: name,
        format: i === 0 ? "any4" : name,
      })),
    });
  const right = shape(cardOf("tinyworld"));
  assertEquals(right.yaml, { base_model: "tinyworld", tags: ["quantized", "any4"] });
  for (const name of NAMES) {
    const found = shape(cardOf(name));
    assertEquals(found.yaml, { ...right.yaml, base_model: name.toWellFormed() }, name);
    assertEquals(found.types, right.types, cardOf(name));
    assertEquals(found.cells, right.cells, name);
  }
});
