import { plotly } from "../../lib/show/plotly.ts";
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { escapeHtml } from "../../lib/escape_html.ts";
import { reportHtml } from "../../lib/show/report.ts";
import { HOSTILE, report } from "./sample_report.ts";

const page = reportHtml(report);

/** The page without the program that draws. */
const own = page.replace(plotly.replaceAll("</script", "<\\/script"), "");

Deno.test("the report has the program that draws inside", () => {
  assertLess(own.length, page.length - 1e6);
});

Deno.test("the report shows every row with every number", () => {
  const table = own.slice(own.indexOf("<tbody>"), own.indexOf("</tbody>"));
  const lines = table.match(/<tr.*<\/tr>/g)!;
  assertEquals(lines.length, report.rows.length + 1);
  for (const row of report.rows) {
    const name = `</span>${escapeHtml(row.format)}</th>`;
    const line = lines.find((line) => line.includes(name))!.replaceAll("\u00a0", " ");
    assertStringIncludes(line, `>${row.bitsPerWeight.toFixed(2)}<`);
    assertStringIncludes(line, `>${row.bitsPerWeight.toPrecision(3)} MB<`);
    for (const end of [">93.8 %<", ">6.3 %<", ">1.3 s<"]) assertStringIncludes(line, end);
  }
  const any3 = lines.find((line) => line.includes(">any3<"))!;
  for (const number of ["3.22", "0.0270"]) assertStringIncludes(any3, `>${number}</td>`);
  assertEquals(any3.match(/class="best"/g)?.length, 3);
});

Deno.test("the report says how it was measured and shows the samples", () => {
  assertStringIncludes(own, "<dt>backend</dt><dd>plain</dd>");
  assertStringIncludes(own, '<span class="same"> one</span>');
});

Deno.test("the report refers to nothing outside itself", () => {
  const urls = own.match(/\b(?:https?|wss?|ftp):\/\/[^\s"')]*/g) ?? [];
  assertEquals(urls.filter((url) => url !== "http://www.w3.org/2000/svg"), []);
  for (const way of [/<link\b/i, /<iframe\b/i, /<script[^>]*\ssrc/i, /@import/, /url\(/, /<img\b/i]) {
    assert(!way.test(own), String(way));
  }
  assertStringIncludes(own, "default-src 'none'");
});

Deno.test("names that hold markup are shown as text everywhere", () => {
  assert(!own.includes("<img"));
  // Three scripts, each ended once: data, plotly and the page's own.
  assertEquals(own.match(/<script\b/g)!.length, 3);
  assertEquals(own.match(/<\/script/g)!.length, 3);
  const json = /<script type="application\/json" id="figures">(.*?)<\/script>/s.exec(own)![1]!;
  const figures = JSON.parse(json);
  assertEquals(Object.keys(figures), ["kl", "kinds", "layers", "histogram"]);
  // Plotly reads its texts as a kind of HTML.
  for (const { data, layout } of [figures.kl.wide, figures.layers.narrow, figures.kinds.wide]) {
    assert(![...data, ...layout.annotations ?? []].some((one) => (one.name ?? one.text).includes("<img")));
    for (const text of data.flatMap(({ hovertext = [] }) => hovertext)) assert(!text.includes("<img"));
  }
  assertStringIncludes(own, `<title>Formats on ${escapeHtml(HOSTILE)}</title>`);
});

Deno.test("the report is readable without plots, samples or kinds of text", () => {
  const bare = reportHtml({
    ...report,
    rows: [],
    baseline: { ...report.baseline, kinds: {} },
    histogram: { layer: "", values: [], formats: [] },
    layers: { names: [], series: [] },
    samples: { prompt: "", outputs: [] },
  });
  assert(!bare.includes('class="plot"'));
  assertStringIncludes(bare, "perplexity is 3.00.");
});

Deno.test("tables and plots are named for those who cannot see them", () => {
  assertEquals(own.match(/<th scope="col">/g)!.length, own.match(/<th scope="col">[^<]+<\/th>/g)!.length);
  assertEquals(own.match(/<th scope="row">/g)!.length, report.rows.length + 1);
  assertEquals(own.match(/class="plot" id="\w+" role="img" aria-label="Plot: [^"]+"/g)!.length, 4);
});
