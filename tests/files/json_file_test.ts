import { assert, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "../../lib/errors.ts";
import { isObject, readJson, writeJson } from "../../lib/files/json_file.ts";
import { inFolder, list } from "../in_folder.ts";

Deno.test("what is written is read again, floats as floats", () => {
  inFolder((folder) => {
    const path = `${folder}/a.json`;
    writeJson(path, { theta: 10000, layers: 4, "é": [null, true] }, new Set(["theta"]));
    assertEquals(readJson(path), { theta: 10000, layers: 4, "é": [null, true] });
    assertEquals(Deno.readTextFileSync(path).split("\n").slice(0, 3), [
      "{",
      '  "theta": 10000.0,',
      '  "layers": 4,',
    ]);
    assertEquals(list(folder), ["a.json"]);
  });
});

Deno.test("a file that holds no object, or is none, is an error that names it", () => {
  inFolder((folder) => {
    const path = `${folder}/a.json`;
    for (const text of ["", "[1]", "null", '"a"', "{", '{"a": 1} 2']) {
      Deno.writeTextFileSync(path, text);
      assertThrows(() => readJson(path), CheckpointError, `Cannot read ${path}: `);
    }
    assertThrows(() => readJson(folder), CheckpointError, "it is not a file");
    assertThrows(() => readJson(`${folder}/b.json`), CheckpointError, "Cannot read");
    assertThrows(() => writeJson(`${folder}/no/a.json`, {}), CheckpointError, "Cannot write");
  });
});

Deno.test("lists and null are no objects", () => {
  assertEquals([{}, { a: 1 }, [], null, "a", 1, undefined].map(isObject), [
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

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
