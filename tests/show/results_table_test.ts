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

Deno.test("the best of as many bits is bold: least perplexity, divergence and error, most agreement", () => {
  const good = { ...row("any4", 4.5, 3.1), kl: 0.01, top1: 0.9, layerError: 0.05 };
  const bad = { ...row("int4", 4.25, 3.2), kl: 0.02, top1: 0.8, layerError: 0.06 };
  const alone = row("int8", 8.25, 3.001);
  const html = resultsHtml({ ...report, rows: [alone, good, bad] });
  assertEquals(bold(html, "any4"), ["3.1000", "3.225", "2.975", "0.0100", "90.0 %", "5.0 %"]);
  assertEquals([bold(html, "int4"), bold(html, "int8")], [[], []]);
});

Deno.test("the table begins with the original, without what it has no number for", () => {
  const [, , first] = resultsText(report, { color: false }).split("\n");
  assertStringIncludes(first!, "original (BF16)");
  assertStringIncludes(first!, "100.0\u00a0%");
});
