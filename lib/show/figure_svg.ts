/**
 * A figure as static SVG, for README files and for notebook front ends without plotly.
 *
 * @module
 */
import { bmpUrl } from "./bmp.ts";
import { colorAt } from "./color_scale.ts";
import type { Axis, Figure, Trace } from "./figure.ts";
import { escapeHtml } from "../escape_html.ts";
import type { FilledShape } from "./palette.ts";

/** Options of {@linkcode figureSvg}. */
export interface SvgOptions {
  /** Width in pixels. */
  readonly width: number;
  /** A description for screen readers. */
  readonly title?: string;
  /** The text's colour, for pages of unknown brightness. */
  readonly ink?: string;
}

/** Text has the surrounding colour; a stand-alone SVG follows the reader's colour scheme. */
const STYLE = "svg:root{color:#1e2227}@media(prefers-color-scheme:dark){svg:root{color:#e9e7e3}}";
const DASHES: Record<string, string> = { dash: "7 4", dot: "2 3", dashdot: "7 3 2 3" };

interface Attributes {
  readonly [name: string]: string | number | undefined;
}

function element(name: string, attributes: Attributes, content = ""): string {
  const written = Object.entries(attributes).filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? Math.round(100 * value) / 100 : value}"`);
  return `<${name}${written.join("")}>${content}</${name}>`;
}

/** Plotly's text is already escaped; bold is the only tag in use. */
function text(words: string, attributes: Attributes): string {
  return element(
    "text",
    attributes,
    words.replaceAll("<b>", '<tspan font-weight="600">').replaceAll("</b>", "</tspan>"),
  );
}

function marker(x: number, y: number, { marker }: Trace): string {
  const { color, size = 6, symbol = "circle" } = marker!;
  const r = size / 2;
  if (symbol === "line-ns-open") {
    return element("path", { d: `M${x.toFixed(1)} ${y - r}v${size}`, stroke: color, "stroke-width": 2 });
  }
  const open = symbol.endsWith("-open");
  const style = open ? { fill: "none", stroke: color, "stroke-width": 2 } : { fill: color };
  const shape = symbol.replace("-open", "") as FilledShape;
  if (shape === "circle") return element("circle", { cx: x, cy: y, r, ...style });
  const corners = {
    diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
    square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    "triangle-down": [[-1.1, -0.8], [1.1, -0.8], [0, 1.1]],
  }[shape];
  const points = corners.map(([dx, dy]) => `${(x + r * dx!).toFixed(1)},${(y + r * dy!).toFixed(1)}`);
  return element("polygon", { points: points.join(" "), ...style });
}

function stroke({ color, width, dash }: NonNullable<Trace["line"]>): Attributes {
  return { fill: "none", stroke: color, "stroke-width": width, "stroke-dasharray": DASHES[dash ?? "solid"] };
}

/** The position of a value between the axis's ends, in pixels. */
export function scale({ range, type }: Axis, [start, end]: readonly [number, number]) {
  return (value: number, plain = type !== "log") =>
    start + (end - start) * ((plain ? value : Math.log10(value)) - range[0]) / (range[1] - range[0]);
}

/**
 * Draws a figure as SVG.
 *
 * @returns an svg element without external references, for a file of its own or for HTML.
 */
export function figureSvg(
  { data, layout }: Pick<Figure, "data" | "layout">,
  options: SvgOptions,
): string {
  const { width, title = "", ink } = options;
  const { margin, height, xaxis, yaxis, yaxis2, shapes = [], annotations = [] } = layout;
  const [left, right, top, bottom] = [margin.l, width - margin.r, margin.t, height - margin.b];
  const vertical = (axis: Axis) => {
    const [low, high] = axis.domain ?? [0, 1];
    return scale(axis, [bottom - low * (bottom - top), bottom - high * (bottom - top)]);
  };
  const px = scale(xaxis, [left, right]);
  const axes = [yaxis, ...(yaxis2 ? [yaxis2] : [])].map((axis) => ({ axis, py: vertical(axis) }));
  const parts: string[] = [];
  if (layout.title) {
    layout.title.text.split("<br>").forEach((line, i) =>
      parts.push(text(line, { x: 12, y: 24 + 20 * i, "font-size": 15, fill: "currentColor" }))
    );
  }
  const grid = { stroke: "currentColor", "stroke-opacity": 0.14 };
  const muted = { fill: "currentColor", "fill-opacity": ink ? 1 : 0.75 };

  xaxis.tickvals.forEach((value, i) => {
    const x = px(value);
    if (xaxis.showgrid !== false) parts.push(element("path", { d: `M${x} ${top}V${bottom}`, ...grid }));
    const turned = xaxis.tickangle
      ? { "text-anchor": "end", transform: `translate(${x + 4} ${bottom + 8}) rotate(${xaxis.tickangle})` }
      : { "text-anchor": "middle", x, y: bottom + 18 };
    parts.push(
      text(xaxis.ticktext[i]!, {
        ...muted,
        "font-size": xaxis.tickfont?.size ?? (xaxis.tickangle ? 11 : 13),
        ...turned,
      }),
    );
  });
  for (const { axis, py } of axes) {
    axis.tickvals.forEach((value, i) => {
      const y = py(value);
      if (axis.showgrid !== false) parts.push(element("path", { d: `M${left} ${y}H${right}`, ...grid }));
      parts.push(text(axis.ticktext[i]!, { ...muted, "text-anchor": "end", x: left - 8, y: y + 4.5 }));
    });
    if (axis.title) {
      const y = (py(axis.range[0], true) + py(axis.range[1], true)) / 2;
      parts.push(text(axis.title.text, {
        ...muted,
        "text-anchor": "middle",
        transform: `translate(14 ${y}) rotate(-90)`,
      }));
    }
  }
  if (xaxis.title) {
    const place = { ...muted, "text-anchor": "middle", x: (left + right) / 2 };
    xaxis.title.text.split("<br>").forEach((line, i) =>
      parts.push(text(line, { ...place, y: bottom + 40 + 17 * i }))
    );
  }
  for (const { xref, yref, x0, x1, y0, y1, line } of shapes) {
    const x = (value: number) => xref === "paper" ? left + value * (right - left) : px(value);
    const y = (value: number) => yref === "paper" ? bottom - value * (bottom - top) : axes[0]!.py(value);
    parts.push(element("path", { d: `M${x(x0)} ${y(y0)}L${x(x1)} ${y(y1)}`, ...stroke(line) }));
  }
  for (const trace of data) {
    if (trace.visible === false) continue;
    if (trace.type === "heatmap") {
      parts.push(
        cells(trace, { px, py: axes[0]!.py }),
        colorBar(trace, { left: right + 14, top, bottom, muted }),
      );
      continue;
    }
    const { py } = axes[trace.yaxis === "y2" ? 1 : 0]!;
    const points = trace.x.flatMap((x, i) => {
      const y = trace.y[i];
      return y === null || y === undefined ? [] : [{ x, y }];
    });
    if (trace.type === "bar") {
      for (const { x, y } of points) {
        const [from, to] = [px(x - trace.width! / 2), px(x + trace.width! / 2)];
        // A logarithmic axis has no 0, so bars start at its lower end.
        const [a, b] = [py(y), axes[0]!.axis.type === "log" ? bottom : py(0)];
        const size = { x: from, y: Math.min(a, b), width: to - from, height: Math.abs(b - a) };
        parts.push(element("rect", { ...size, fill: trace.marker!.color }));
      }
      continue;
    }
    if (trace.mode!.includes("lines")) {
      const path = points.map(({ x, y }) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`);
      parts.push(element("polyline", { points: path.join(" "), ...stroke(trace.line!) }));
    }
    if (trace.mode!.includes("markers")) parts.push(...points.map(({ x, y }) => marker(px(x), py(y), trace)));
  }
  for (const { text: label, x, y, ax, ay } of annotations) {
    const point = [px(x, true), axes[0]!.py(y, true)] as const;
    const middle = [point[0] + ax, point[1] + ay] as const;
    parts.push(leader(point, { middle, letters: label.replace(/<[^>]*>/g, "").length }));
    const place = { x: middle[0], y: middle[1] + 4.5 };
    parts.push(text(label, { fill: "currentColor", "text-anchor": "middle", ...place }));
  }
  parts.push(...legend(data, { width, height }));
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    style: `max-width:100%;height:auto${ink ? `;color:${ink}` : ""}`,
    role: "img",
    "font-family": "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "font-size": 13,
  };
  return element(
    "svg",
    attributes,
    `<title>${escapeHtml(title)}</title>${ink ? "" : `<style>${STYLE}</style>`}${parts.join("\n")}`,
  );
}

/** A thin line from a point to its label, if they are far enough apart. */
function leader(
  [x, y]: readonly [number, number],
  { middle, letters }: { middle: readonly [number, number]; letters: number },
): string {
  const nearest = (from: number, center: number, half: number) =>
    Math.min(Math.max(from, center - half), center + half);
  const [dx, dy] = [nearest(x, middle[0], 3.7 * letters) - x, nearest(y, middle[1], 7) - y];
  const length = Math.hypot(dx, dy);
  if (length < 14) return "";
  const along = (pixels: number) =>
    `${(x + pixels * dx / length).toFixed(1)} ${(y + pixels * dy / length).toFixed(1)}`;
  const d = `M${along(7)}L${along(length - 2)}`;
  return element("path", { d, stroke: "currentColor", "stroke-opacity": 0.5 });
}

/** The position of a point on both axes, in pixels. */
interface AxisScales {
  readonly px: (value: number) => number;
  readonly py: (value: number) => number;
}

/** Cells as one small picture with a pixel per cell, enlarged by the viewer; the first row is at the top. */
function cells({ x, y, z, zmin, zmax, colorscale }: Trace, { px, py }: AxisScales): string {
  const level = (value: number) => 255 * Math.min(Math.max((value - zmin!) / (zmax! - zmin!), 0), 1);
  const [rows, cols] = [z!.length, z![0]!.length];
  const palette = Array.from({ length: 256 }, (_, i) => colorAt(colorscale!, i / 255));
  const middles = { x: [px(x[0]!), px(x.at(-1)!)], y: [py(y[0]!), py(y.at(-1)! as number)] } as const;
  const [width, height] = [cellSize(middles.x, cols), cellSize(middles.y, rows)];
  return element("image", {
    x: middles.x[0] - width / 2,
    y: middles.y[0] - height / 2,
    width: width * cols,
    height: height * rows,
    preserveAspectRatio: "none",
    style: "image-rendering:pixelated",
    href: bmpUrl(Uint8Array.from(z!.flat(), (value) => Math.round(level(value))), { width: cols, palette }),
  });
}

/** The distance between the middles of neighbours, in pixels. */
function cellSize([first, last]: readonly [number, number], count: number): number {
  return count > 1 ? (last - first) / (count - 1) : 40;
}

/** The colour bar to the right of the plot. */
function colorBar(
  { zmin, zmax, colorscale, colorbar }: Trace,
  { left, top, bottom, muted }: { left: number; top: number; bottom: number; muted: Attributes },
): string {
  if (!colorbar) return "";
  const steps = 64;
  const height = (bottom - top) / steps;
  const bands = Array.from({ length: steps }, (_, i) =>
    element("rect", {
      x: left,
      y: bottom - (i + 1) * height,
      width: colorbar.thickness,
      // Bands overlap a little, so that the background does not show between them.
      height: height + 0.5,
      fill: `rgb(${colorAt(colorscale!, (i + 0.5) / steps).join(" ")})`,
    }));
  const y = (value: number) => bottom - (bottom - top) * (value - zmin!) / (zmax! - zmin!);
  const right = left + colorbar.thickness;
  const words = colorbar.tickvals.map((value, i) =>
    text(colorbar.ticktext[i]!, { ...muted, x: right + 5, y: y(value) + 4.5 })
  );
  const title = text(colorbar.title.text, {
    ...muted,
    "text-anchor": "middle",
    transform: `translate(${right + 62} ${(top + bottom) / 2}) rotate(-90)`,
  });
  return [...bands, ...words, title].join("\n");
}

/** The legend, at the bottom, in columns as wide as the longest entry. */
function legend(data: readonly Trace[], { width, height }: { width: number; height: number }): string[] {
  const shown = data.filter(({ showlegend, visible }) => showlegend !== false && visible !== false);
  const entry = 50 + 7 * Math.max(...shown.map(({ name }) => name.length));
  const columns = Math.max(Math.floor(width / entry), 1);
  const lines = Math.ceil(shown.length / columns);
  return shown.flatMap((trace, i) => {
    const x = (i % columns) * entry + 6;
    const y = height - 20 * (lines - Math.floor(i / columns)) + 8;
    const words = text(trace.name, { x: x + 38, y: y + 4.5, fill: "currentColor" });
    if (trace.type === "bar") {
      return [
        element("rect", { x: x + 9, y: y - 6, width: 12, height: 12, fill: trace.marker!.color }),
        words,
      ];
    }
    return [
      trace.mode!.includes("lines") ? element("path", { d: `M${x} ${y}h30`, ...stroke(trace.line!) }) : "",
      trace.mode!.includes("markers") ? marker(x + 15, y, trace) : "",
      words,
    ];
  });
}
