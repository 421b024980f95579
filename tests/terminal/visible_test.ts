import { assert, assertEquals } from "@std/assert";
import { table, visible } from "any4/show";

Deno.test("control characters are shown, line breaks, tabs, letters and emoji stay", () => {
  const text = "naïve 東京 👩‍👩‍👧 e\u0301\ttab\nline\r\nend";
  assertEquals(visible(text), text.replace("\r", ""));
  assertEquals(visible("\x1b]0;title\x07\x1b[2J\x00\x7f\b\r"), "^[]0;title^G^[[2J^@^?^H^M");
  assertEquals(
    visible("\x9b31m \u202eabc\u2066 \ud800 \u2028"),
    "\\x9b31m \\u202eabc\\u2066 \\ud800 \\u2028",
  );
});

Deno.test("no character that a terminal obeys passes", () => {
  for (let code = 0; code < 0x3000; code++) {
    const shown = visible(String.fromCharCode(code));
    // deno-lint-ignore no-control-regex -- control characters are what is looked for.
    assert(!/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(shown), `U+${code.toString(16)}`);
  }
});

Deno.test("cells of tables are shown so too", () => {
  const drawn = table([{ title: "name" }], [["a\x1b[31mb\nc"]], { color: false });
  assertEquals(drawn.split("\n").at(-1), "a^[[31mb c");
});
