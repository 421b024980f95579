import { assertEquals, assertStringIncludes } from "@std/assert";
import { resultsHtml, resultsText } from "../../lib/show/results_table.ts";
import { report, row } from "./sample_report.ts";

/** The texts of a format's cells that are bold. */
function bold(html: string, format: string): string[] {
  const line = html.split("<tr").find((line) => line.includes(`</span>${format}</th>`))!;
  return Array.from(
    line.matchAll(/<td class="best">([^<]*)</g),
    ([, text]) => text!.replaceAll("\u00a0", " "),
  );
}

Deno.test("the best at about equal bits is bold: least divergence and error, most agreement", () => {
  const good = { ...row("any4", 4.5, 3.1), kl: 0.01, top1: 0.9, layerError: 0.05 };
  const bad = { ...row("int4", 4.25, 3.2), kl: 0.02, top1: 0.8, layerError: 0.06 };
  const alone = row("int8", 8.25, 3.001);
  const html = resultsHtml({ ...report, rows: [alone, good, bad] });
  assertEquals(bold(html, "any4"), ["0.0100", "90.0 %", "5.0 %"]);
  assertEquals([bold(html, "int4"), bold(html, "int8")], [[], []]);
});

Deno.test("the table begins with the original, without what it has no number for", () => {
  const [, , first] = resultsText(report, { color: false }).split("\n");
  assertStringIncludes(first!, "original (BF16)");
  assertStringIncludes(first!, "100.0\u00a0%");
});

Deno.test("rows of other bits are no rivals, and group sizes and standard errors are shown", () => {
  const wide = {
    ...row("any4", 4.95, 3.1),
    name: "any4:row",
    kl: 0.01,
    klStderr: 0.002,
    perplexityStderr: 0.4,
  };
  const cheap = { ...row("int4", 4.25, 3.2), kl: 0.02 };
  const html = resultsHtml({ ...report, rows: [wide, cheap] });
  assertEquals([bold(html, "any4:row"), bold(html, "int4")], [[], []]);
  assertStringIncludes(html, ">0.0100\u00a0±\u00a00.0020<");
  assertStringIncludes(html, ">3.10\u00a0±\u00a00.40<");
  const lines = resultsText({ ...report, rows: [wide, cheap] }, { color: false }).split("\n");
  // The original, then int4 and any4 apart: the least bits first.
  assertEquals(lines.slice(2).map((line) => line.split(" ")[0]), ["original", "", "int4", "", "any4:row"]);
});
