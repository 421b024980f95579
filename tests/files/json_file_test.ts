import { assertEquals, assertThrows } from "@std/assert";
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
