import { assertEquals, assertGreater } from "@std/assert";

const root = new URL("../", import.meta.url);

/** The TypeScript files below a folder, as paths from the project's root. */
function files(folder: string): string[] {
  return [...Deno.readDirSync(new URL(`${folder}/`, root))].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? files(path) : /(?<!\.d)\.ts$/.test(name) ? [path] : [];
  });
}

/** The examples of a file, by the line where each begins. */
function examples(path: string): { line: number; code: string }[] {
  const text = Deno.readTextFileSync(new URL(path, root));
  return Array.from(text.matchAll(/^ *\* ```ts.*\n([^]*?)^ *\* ```$/gm), ({ 1: code, index }) => ({
    line: text.slice(0, index).split("\n").length,
    code: code!,
  }));
}

Deno.test("every example in the docs asserts a result, and none is skipped", () => {
  const all = ["mod.ts", ...files("lib"), ...files("kernels/wgsl")].flatMap((path) =>
    examples(path).map((example) => ({ ...example, place: `${path}:${example.line}` }))
  );
  assertGreater(all.length, 90);
  const wrong = all.filter(({ code }) => !/\bassert\w*\(/.test(code)).map(({ place }) => place);
  assertEquals(wrong, []);
  const skipped = ["mod.ts", ...files("lib")].filter((path) =>
    /```ts (ignore|no-run|no-eval)/.test(Deno.readTextFileSync(new URL(path, root)))
  );
  assertEquals(skipped, []);
});

Deno.test("every entry begins with a module text and an example", async () => {
  const { exports } = (await import("../deno.json", { with: { type: "json" } })).default;
  for (const path of Object.values(exports)) {
    const text = Deno.readTextFileSync(new URL(path, root));
    const [head] = /^\/\*\*[^]*?\*\//.exec(text) ?? [""];
    assertEquals([head.includes("@module"), head.includes("```ts")], [true, true], path);
  }
});
