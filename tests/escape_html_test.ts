import { assertEquals } from "@std/assert";
import { escapeHtml } from "../lib/escape_html.ts";

Deno.test("what HTML gives a meaning is escaped, in elements and attributes", () => {
  assertEquals(
    escapeHtml(`<a href='x' title="&lt;">`),
    "&lt;a href=&#39;x&#39; title=&quot;&amp;lt;&quot;&gt;",
  );
});
