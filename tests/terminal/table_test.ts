import { assert, assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { rowsOfEqualBits } from "../../lib/show/equal_bits.ts";
import { resultsText } from "../../lib/show/results_table.ts";
import { table } from "../../lib/terminal/table.ts";
import { cut, displayWidth, fold } from "../../lib/terminal/width.ts";
import { report } from "../show/sample_report.ts";

const columns = [{ title: "format" }, { title: "perplexity", align: "right" as const }];

Deno.test("table() aligns texts to the left and numbers to the right", () => {
  assertEquals(table(columns, [["any4", "3.57"], ["original", "12.125"]], { color: false }).split("\n"), [
    "format    perplexity",
    "────────  ──────────",
    "any4            3.57",
    "original      12.125",
  ]);
});

Deno.test("table() aligns by columns of the terminal, not by letters", () => {
  const lines = table(columns, [["日本語", "1"], ["e\u0301te\u0301", "2"], ["👩‍🔬", "3"]], { color: false })
    .split("\n");
  assertEquals(lines.map(displayWidth), Array(5).fill(displayWidth(lines[0]!)));
});

Deno.test("table() writes colours only when asked to, and they take no room", () => {
  const plain = table(columns, [["any4", "3.57"]], { color: false });
  const painted = table(columns, [["any4", "3.57"]], { color: true });
  assert(!plain.includes("\x1b"));
  assert(painted.includes("\x1b[1m"));
  // deno-lint-ignore no-control-regex -- the escape character is what starts a colour.
  assertEquals(painted.replace(/\x1b\[\d+m/g, ""), plain);
});

Deno.test("table() shortens a long text before it folds, and keeps a cell on one line", () => {
  const long = "model.layers.0.self_attn.q_proj and\nmore of the same";
  const lines = table(columns, [[long, "3.57"]], { width: 40, color: false }).split("\n");
  assertEquals(lines.length, 3);
  assertMatch(lines[2]!, /^model\.layers.*… +3\.57$/);
});

Deno.test("the table of results fits 80 and 120 columns, each block beginning with the format", () => {
  for (const width of [80, 120]) {
    const blocks = resultsText(report, { width, color: false }).split(/\n\n(?=format )/);
    assertEquals(blocks.length, width === 80 ? 2 : 1);
    const sets = rowsOfEqualBits(report.rows).length;
    for (const block of blocks) {
      const lines = block.split("\n");
      // The head, its rule, the original, and a line before each set.
      assertEquals(lines.length, report.rows.length + sets + 3);
      assertMatch(lines[0]!, /^format /);
      for (const line of lines) assertLessOrEqual(displayWidth(line), width);
    }
  }
});

Deno.test("table() gives every column its place even where one alone is too wide", () => {
  const blocks = table([...columns, ...columns], [["a", "1", "b", "2"]], { width: 5, color: false }).split(
    "\n\n",
  );
  assertEquals(blocks.length, 3);
});

Deno.test("cut() and fold() keep within the columns", () => {
  assertEquals(cut("abcdef", 4), "abc…");
  assertEquals(cut("日本語", 5), "日本…");
  assertEquals(cut("abc", 3), "abc");
  assertEquals(fold("once upon a time\nthere was", 9), ["once upon", "a time", "there was"]);
});
