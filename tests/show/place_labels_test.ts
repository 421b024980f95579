import { assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { paretoPlot } from "../../lib/show/pareto_plot.ts";
import { Random } from "../../lib/random.ts";
import { LABEL_HEIGHT_PX, placeLabels } from "../../lib/show/place_labels.ts";
import { report, rows } from "./sample_report.ts";

interface Placed {
  x: number;
  y: number;
  width: number;
}

/** How many pairs of labels lie over one another. */
function overlaps(labels: readonly Placed[]): number {
  return labels.flatMap((a, i) =>
    labels.slice(i + 1).filter((b) =>
      Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < LABEL_HEIGHT_PX
    )
  ).length;
}

Deno.test("placeLabels() puts no label over another and none outside, even around one spot", () => {
  for (let run = 0; run < 1000; run++) {
    const random = new Random(run);
    const spread = run % 2 === 0 ? 400 : 20;
    const points = Array.from({ length: 12 }, () => ({
      x: 300 + spread * (random.next() - 0.5),
      y: 200 + spread * (random.next() - 0.5),
      width: 30 + 20 * random.next(),
    }));
    const offsets = placeLabels(points, { width: 600, height: 400, line: points.slice(0, 4) });
    const labels = points.map(({ x, y, width }, i) => ({
      x: x + offsets[i]!.dx,
      y: y + offsets[i]!.dy,
      width,
    }));
    assertEquals(overlaps(labels), 0);
    for (const { x, y, width } of labels) {
      assertGreaterOrEqual(x - width / 2, 0);
      assertLessOrEqual(x + width / 2, 600);
      assertGreaterOrEqual(y, 0);
      assertLessOrEqual(y, 400);
    }
  }
});

Deno.test("the Pareto plot's labels do not overlap on a telephone, a screen or in the README", () => {
  for (const width of [340, 800, 960]) {
    const { layout } = paretoPlot(rows, { baseline: report.baseline, width });
    const { margin, height, xaxis, yaxis, annotations = [] } = layout;
    const pixels = (value: number, [low, high]: readonly [number, number], room: number) =>
      (value - low) / (high - low) * room;
    const labels = annotations.map(({ text, x, y, ax, ay }) => ({
      x: pixels(x, xaxis.range, width - margin.l - margin.r) + ax,
      y: -pixels(y, yaxis.range, height - margin.t - margin.b) + ay,
      width: 6.5 * text.replace(/<[^>]*>/g, "").length,
    }));
    assertEquals(overlaps(labels), 0, `${width} pixels`);
  }
});
