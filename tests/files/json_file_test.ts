import { assert, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "../../lib/errors.ts";
import { readJson, writeJson } from "../../lib/files/json_file.ts";

/** What readJson() makes of a text. */
function read(text: string): Record<string, unknown> {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, text);
    return readJson(path);
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("readJson() reads what Python's json module writes: NaN, infinities, whole numbers of any size, escapes", () => {
  const text = String
    .raw`{"a": NaN, "b": [Infinity, -Infinity], "c": 1180591620717411303424, "d": "\ud800", "e": "\u00e9😀"}`;
  assertEquals(read(text), { a: NaN, b: [Infinity, -Infinity], c: 2 ** 70, d: "\ud800", e: "é😀" });
});

Deno.test("readJson() takes the last of two equal keys, and __proto__ for a key like others", () => {
  assertEquals(read('{"a": 1, "a": 2}'), { a: 2 });
  const json = read('{"__proto__": {"b": 1}}');
  assert(Object.hasOwn(json, "__proto__") && !("b" in json));
});

Deno.test("readJson() refuses what Python refuses", () => {
  for (
    const text of [
      '{"a": nan}',
      '{"a": +Infinity}',
      '{"a": 01}',
      "{'a': 1}",
      '{"a": 1,}',
      '{"a": NaNs}',
      "NaN",
    ]
  ) {
    assertThrows(() => read(text), CheckpointError, "Cannot read ");
  }
});

Deno.test("writeJson() writes NaN and infinities as Python reads them, and texts that look alike as texts", () => {
  const path = Deno.makeTempFileSync();
  const json = { a: NaN, b: [Infinity, -Infinity], c: "NaN", d: 30 };
  writeJson(path, json, new Set(["d"]));
  assertEquals(
    Deno.readTextFileSync(path),
    '{\n  "a": NaN,\n  "b": [\n    Infinity,\n    -Infinity\n  ],\n  "c": "NaN",\n  "d": 30.0\n}\n',
  );
  assertEquals(readJson(path), json);
  Deno.removeSync(path);
});
