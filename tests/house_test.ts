import { assertEquals, assertThrows } from "@std/assert";
import { circles, codeLines, folderOf, upward } from "./house.ts";

Deno.test("circles of imports are found, of one file too", () => {
  const imports = new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b", "d"]], ["d", []], ["e", ["e"]]]);
  assertEquals(circles(imports), ["b", "c", "e"]);
  assertEquals(circles(new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", []]])), []);
});

Deno.test("an import of a folder above is found", () => {
  const imports = new Map([["lib/a/1.ts", ["lib/b/c/2.ts", "lib/3.ts"]], ["lib/b/c/2.ts", ["lib/a/1.ts"]]]);
  assertEquals(upward(imports, ["lib", "lib/a", "lib/b"]), ["lib/a/1.ts → lib/b/c/2.ts"]);
});

Deno.test("a file belongs to the innermost folder that is listed", () => {
  assertEquals(folderOf("lib/a/b/1.ts", ["lib", "lib/a"]), "lib/a");
  assertThrows(() => folderOf("kernels/1.ts", ["lib"]), Error, "kernels/1.ts is in no folder");
});

Deno.test("comments and blank lines are no lines of code", () => {
  assertEquals(
    codeLines("/**\n * A text.\n */\nconst a = 1;\n\n// Why.\nconst b = 2; // how\n/** One. */\nc();\n"),
    3,
  );
});
