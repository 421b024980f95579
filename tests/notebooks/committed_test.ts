import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  brokenLinks,
  codeHash,
  committedProblems,
  moduleOf,
  type Notebook,
  notebookNames,
  problems,
} from "./notebook.ts";

function notebook(source: string, outputs: Notebook["cells"][0]["outputs"] = []): Notebook {
  return {
    cells: [{ id: "a", cell_type: "code", source, metadata: {}, outputs, execution_count: 1 }],
    metadata: { kernelspec: { name: "deno" }, language_info: { name: "typescript" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

for (const name of notebookNames()) {
  Deno.test(`notebook ${name} is committed with the outputs of its code`, () => {
    assertEquals(committedProblems(name), []);
  });
}

Deno.test("what is wrong with a notebook is found", () => {
  const shown = (data: Record<string, unknown>) => [{ output_type: "display_data" as const, data }];
  const cases: [string, Notebook][] = [
    ["shows nothing", notebook("await show(1)")],
    ["ends with Error: bad", notebook("f()", [{ output_type: "error", ename: "Error", evalue: "bad" }])],
    ["path of some machine", notebook("1", shown({ "text/plain": "wrote /home/me/out" }))],
    ["path of some machine", notebook("1", shown({ "text/plain": "at file:///srv/a.ts:3" }))],
    ["plotly.js inside", notebook("1", shown({ "text/html": "/* plotly.js v4.1.1 */" }))],
    ["more than", notebook("1", shown({ "text/plain": "a".repeat(1_000_001) }))],
  ];
  for (const [problem, wrong] of cases) {
    assertEquals(problems(wrong).length, 1, problem);
    assertStringIncludes(problems(wrong)[0]!, problem);
  }
  assertEquals(
    problems(notebook("await show(1)", shown({ "text/plain": "1", "text/html": "<b>1</b> https://a.b/c" }))),
    [],
  );
});

Deno.test("a link to a file that is not there, or to a folder, is found", () => {
  const text = "See [a](../lib/errors.ts), [b](https://a.b/c), [c](../lib/nothing.ts) and [d](../lib).";
  const cell = { id: "a", cell_type: "markdown" as const, source: text, metadata: {} };
  assertEquals(brokenLinks({ ...notebook("1"), cells: [cell] }), [
    "cell 0 links to ../lib/nothing.ts, which is no file",
    "cell 0 links to ../lib, which is no file",
  ]);
});

Deno.test("a notebook's hash is that of its code, not of its outputs", () => {
  const bare = codeHash(notebook("1"));
  assertEquals(codeHash(notebook("1", [{ output_type: "stream", text: "1" }])), bare);
  assert(codeHash(notebook("2")) !== bare);
});

Deno.test("cells become one module, in which a name may be declared again", () => {
  const two = notebook('import { a } from "any4";\nconst x = a;');
  two.cells.push({ ...two.cells[0]!, source: "const x = 2;\nawait f(x);" });
  assertEquals(
    moduleOf(two),
    'import { a } from "any4";\n{ // cell 0\n\nconst x = a;\n{ // cell 1\nconst x = 2;\nawait f(x);\n}}\nexport {};\n',
  );
});
