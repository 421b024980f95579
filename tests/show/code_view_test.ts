import { assertEquals, assertStringIncludes } from "@std/assert";
import { codeView } from "../../lib/show/code_view.ts";
import { display } from "../../lib/display.ts";

Deno.test("codeView() numbers lines, marks those that are new, and shows < as it is", () => {
  const bundle = codeView("a < b\nc\n\nd", { before: "c\nd\n" })[display]();
  assertEquals(bundle["text/plain"], "1 > a < b\n2   c\n3\n4   d");
  assertStringIncludes(bundle["text/html"]!, "1 &gt; a &lt; b</b>\n2   c\n");
  assertEquals(codeView("a")[display]()["text/plain"], "1   a");
});
