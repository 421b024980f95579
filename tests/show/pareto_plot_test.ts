import { assert, assertEquals, assertLess } from "@std/assert";
import { paretoFront, paretoPlot } from "../../lib/show/pareto_plot.ts";
import { report, rows } from "./sample_report.ts";

const { baseline } = report;

Deno.test("paretoFront() keeps exactly what no other point beats", () => {
  for (let run = 0; run < 200; run++) {
    // A coarse grid, so that points tie in one cost or in both.
    const points = Array.from({ length: 1 + run % 12 }, () => ({
      bitsPerWeight: Math.floor(6 * Math.random()),
      perplexity: Math.random() < 0.1 ? NaN : Math.floor(6 * Math.random()),
    }));
    const beaten = (p: typeof points[0]) =>
      points.some((q) =>
        q.bitsPerWeight <= p.bitsPerWeight && q.perplexity <= p.perplexity &&
        (q.bitsPerWeight < p.bitsPerWeight || q.perplexity < p.perplexity)
      );
    const expected = points.filter((p, i) =>
      Number.isFinite(p.perplexity) && !beaten(p) &&
      !points.slice(0, i).some((q) => q.bitsPerWeight === p.bitsPerWeight && q.perplexity === p.perplexity)
    ).sort((a, b) => a.bitsPerWeight - b.bitsPerWeight);
    assertEquals(paretoFront(points), expected);
  }
});

Deno.test("the Pareto plot has every format at its bits, inside the axes, and joins the front", () => {
  const { data, layout } = paretoPlot(rows, { baseline });
  const [line, fixed, learned] = data;
  assertEquals(line!.x, paretoFront(rows).map(({ bitsPerWeight }) => bitsPerWeight));
  assertEquals(
    [...fixed!.x, ...learned!.x].sort(),
    rows.map(({ bitsPerWeight }) => bitsPerWeight).sort(),
  );
  assertEquals(learned!.x.length, 3);
  for (const { x, y } of data) {
    for (const [i, value] of x.entries()) {
      assertLess(layout.xaxis.range[0], Math.log10(value));
      assertLess(Math.log10(value), layout.xaxis.range[1]);
      assertLess(layout.yaxis.range[0], y[i]!);
      assertLess(y[i]!, layout.yaxis.range[1]);
    }
  }
  assertEquals(layout.annotations!.length, rows.length);
  // int2's perplexity is beyond the scale: its label says so.
  assert(layout.annotations!.some(({ text }) => /^int2 ×23,745 ↑$/.test(text)));
});

Deno.test("a format that fails does not flatten the others in the Pareto plot", () => {
  const { data, layout } = paretoPlot(rows, { baseline });
  const [low, high] = layout.yaxis.range;
  const places = data[2]!.y as number[];
  assertLess(0.15, (Math.max(...places) - Math.min(...places)) / (high - low));
});
