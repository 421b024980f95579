/**
 * Placement of labels beside points without overlap.
 *
 * @module
 */

/** A point and how wide its label is, in pixels; y grows downwards. */
export interface Labelled {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** The space for the labels. */
export interface Scene {
  /** Width of the plot, in pixels. */
  readonly width: number;
  /** Height of the plot, in pixels. */
  readonly height: number;
  /** The corners of a line that labels should avoid. */
  readonly line?: readonly { readonly x: number; readonly y: number }[];
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The offset of a label's middle from its point, in pixels. */
type Way = readonly [Place, Place];

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Height of a label, in pixels. */
export const LABEL_HEIGHT_PX = 16;
/** Half the side of the square around a marker, in pixels. */
const MARKER_PX = 7;
/** In the order of preference: right, above, left, below, then between them. */
const DIRECTIONS = [[1, 0], [0, -1], [-1, 0], [0, 1], [1, -1], [1, 1], [-1, -1], [-1, 1]] as const;
/** Distance from the point to the label's nearest side, in pixels. */
const REACHES = [10, 18, 28, 40, 54, 70, 90, 112, 136];

/**
 * Places the middle of each label relative to its point.
 *
 * Greedy: the most crowded points choose first, and each takes the place that costs least in overlap with labels
 * and markers, in crossing the line or the way from another point to its label, in being nearer to another point than
 * to its own, and in distance.
 *
 * @returns offsets to the right and down in pixels, in the order of the points.
 */
export function placeLabels(points: readonly Labelled[], scene: Scene): { dx: number; dy: number }[] {
  const markers = points.map(({ x, y }) => around(x, y, [MARKER_PX, MARKER_PX]));
  const placed: Box[] = [];
  const ways: Way[] = [];
  const offsets = points.map(() => ({ dx: 0, dy: 0 }));
  const crowd = points.map(({ x, y }) => points.filter((p) => Math.hypot(p.x - x, p.y - y) < 60).length);
  const order = points.map((_, i) => i).sort((a, b) => crowd[b]! - crowd[a]! || a - b);
  for (const i of order) {
    const { x, y, width } = points[i]!;
    const half = [width / 2 + 2, LABEL_HEIGHT_PX / 2] as const;
    let best: { cost: number; box: Box; way: Way } = {
      cost: Infinity,
      box: around(x, y, half),
      way: [{ x, y }, { x, y }],
    };
    for (const [rank, reach] of REACHES.entries()) {
      for (const [preference, [right, down]] of DIRECTIONS.entries()) {
        const [dx, dy] = [right * (reach + half[0]), down * (reach + half[1])];
        const box = around(x + dx, y + dy, half);
        const way = [{ x, y }, { x: x + dx, y: y + dy }] as const;
        const nearer = points.filter((point) => distance(point, box) < distance({ x, y }, box)).length;
        const over = (others: readonly Box[]) => others.reduce((sum, other) => sum + overlap(box, other), 0);
        const cost = 1e6 * (over(placed) + outside(box, scene)) + 10 * over(markers) +
          6 * crossed(box, scene) + 200 * ways.filter((other) => cross(way, other)).length + 40 * nearer +
          30 * rank + 2 * preference;
        if (cost >= best.cost) continue;
        best = { cost, box, way };
        offsets[i] = { dx, dy };
      }
    }
    placed.push(best.box);
    ways.push(best.way);
  }
  return offsets;
}

function around(x: number, y: number, [width, height]: readonly [number, number]): Box {
  return { left: x - width, right: x + width, top: y - height, bottom: y + height };
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

/** The distance from a position to the nearest edge of a box, in pixels. */
function distance({ x, y }: Place, box: Box): number {
  return Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
}

/** Whether two line segments cross. */
function cross([a, b]: Way, [c, d]: Way): boolean {
  const side = (p: Place, q: Place, r: Place) => (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

/** The overhang of a box beyond the plot, in pixels. */
function outside(box: Box, { width, height }: Scene): number {
  return Math.max(0, -box.left) + Math.max(0, box.right - width) + Math.max(0, -box.top) +
    Math.max(0, box.bottom - height);
}

/** The approximate length of the line inside a box in pixels, by points along it. */
function crossed(box: Box, { line = [] }: Scene): number {
  let hits = 0;
  for (let i = 1; i < line.length; i++) {
    const [a, b] = [line[i - 1]!, line[i]!];
    const steps = Math.ceil(Math.hypot(b.x - a.x, b.y - a.y) / 4);
    for (let s = 0; s <= steps; s++) {
      const [x, y] = [a.x + (b.x - a.x) * s / steps, a.y + (b.y - a.y) * s / steps];
      if (x > box.left && x < box.right && y > box.top && y < box.bottom) hits += 4;
    }
  }
  return hits;
}
