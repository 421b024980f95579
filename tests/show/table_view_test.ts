import { assertEquals } from "@std/assert";
import { display } from "../../lib/display.ts";
import { recordsView } from "../../lib/show/table_view.ts";

Deno.test("numbers stand to the right, with their units too", () => {
  const html = recordsView([{ name: "a 1", part: "+5.0\u00a0%", bits: 4 }])[display]()["text/html"]!;
  assertEquals(html.match(/text-align:(\w+)/g)?.slice(0, 3).map((style) => style.slice(11)), [
    "left",
    "right",
    "right",
  ]);
});
