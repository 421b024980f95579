import { assert, assertEquals } from "@std/assert";
import { heatMap } from "../../lib/show/heat_map.ts";

Deno.test("a heat map of a large matrix keeps its outlier", () => {
  const large = { rows: 300, cols: 500, data: new Float32Array(150_000) };
  large.data[200 * 500 + 333] = -7;
  const { data } = heatMap(large);
  const cells = data[0]!.z!.flat();
  assert(cells.length <= 96 * 160);
  assertEquals(cells.filter((cell) => cell !== 0), [-7]);
});

Deno.test("a heat map has room below for long names of columns", () => {
  const matrix = { rows: 1, cols: 20, data: new Float32Array(20) };
  const room = (name: string) => heatMap(matrix, { columns: Array(20).fill(name) }).layout.margin.b;
  assert(room("a very long name") > room("not long"));
});
