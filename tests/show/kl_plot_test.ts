import { assertEquals, assertStringIncludes } from "@std/assert";
import { klPlot } from "../../lib/show/kl_plot.ts";
import { row } from "./sample_report.ts";

const some = [
  { ...row("any4", 4.6, 3.1), name: "any4:128", klStderr: 0.001 },
  { ...row("any4", 4.4, 3.2), name: "any4:row" },
  { ...row("int2", 2.25, 9), kl: NaN },
];

Deno.test("the plot joins a format's group sizes by rising bits and leaves out what is not known", () => {
  const { data, layout } = klPlot(some);
  assertEquals(data.map(({ name, x, y }) => [name, x, y]), [
    ["any4", [4.4, 4.6], [some[1]!.kl, some[0]!.kl]],
    ["int2", [2.25], [null]],
  ]);
  assertEquals(layout.yaxis.type, "log");
  assertStringIncludes(String(data[0]!.hovertext![1]), "any4:128: KL 0.0125\u00a0±\u00a00.0010");
});

Deno.test("on a phone the horizontal axis' title takes two lines", () => {
  const { layout } = klPlot(some, { width: 340 });
  assertEquals(layout.xaxis.title!.text, "bits per weight: codes,<br>scales, zeros and tables");
});

Deno.test("ticks are halves of bits, and within the axis", () => {
  assertEquals(klPlot(some).layout.xaxis.tickvals, [2.5, 3, 3.5, 4, 4.5]);
  const near = klPlot(some.slice(0, 2)).layout.xaxis;
  for (const tick of near.tickvals) {
    assertEquals([near.range[0] <= tick, tick <= near.range[1]], [true, true]);
  }
});
