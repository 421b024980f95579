import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CheckpointError } from "any4";
import { parseCsv } from "../../../lib/measure/data/csv.ts";
import { readRows } from "../../../lib/measure/data/rows.ts";
import { openRows } from "../../../lib/measure/data/source.ts";
import { inFolder } from "../../in_folder.ts";

Deno.test("CSV: quotes, commas and line ends in fields; a record of another length is refused", () => {
  assertEquals(parseCsv('q,a\r\n"one\ntwo",\r\n,"x,y"'), [{ q: "one\ntwo", a: "" }, { q: "", a: "x,y" }]);
  assertThrows(() => parseCsv("a,b\n1\n"), SyntaxError, "record 1 has 1 fields, expected 2");
  assertThrows(() => parseCsv('a,b\n1,"2\n'), SyntaxError);
});

Deno.test("rows are read from lines, lists, named lists, gzip, text and Parquet", async () => {
  await inFolder(async (folder) => {
    const rows = [{ a: "x", b: [1, 2] }, { a: "y", b: [] }];
    const lines = rows.map((row) => JSON.stringify(row)).join("\n");
    Deno.writeTextFileSync(`${folder}/a.jsonl`, lines);
    Deno.writeTextFileSync(`${folder}/b.json`, JSON.stringify(rows));
    Deno.writeTextFileSync(`${folder}/c.json`, JSON.stringify({ canary: "c", examples: rows }));
    const gzip = new Blob([lines]).stream().pipeThrough(new CompressionStream("gzip"));
    Deno.writeFileSync(`${folder}/d.json.gz`, await new Response(gzip).bytes());
    for (const name of ["a.jsonl", "b.json", "c.json", "d.json.gz"]) {
      assertEquals(await readRows(`${folder}/${name}`), rows, name);
      assertEquals(await readRows(`${folder}/${name}`, { limit: 1 }), rows.slice(0, 1), name);
    }
    Deno.writeTextFileSync(`${folder}/e.txt`, lines);
    assertEquals(await readRows(`${folder}/e.txt`), [{ text: lines }]);
    assertEquals(await readRows("tests/golden/rows.parquet"), [
      { text: "first", label: 1, choices: { text: ["a", "b"], label: ["A", "B"] } },
      { text: "", label: 0, choices: { text: [], label: [] } },
    ]);
  });
});

Deno.test("a file that is cut off, or holds no rows, is refused by its name", async () => {
  await inFolder(async (folder) => {
    const bytes = Deno.readFileSync("tests/golden/rows.parquet");
    Deno.writeFileSync(`${folder}/a.parquet`, bytes.subarray(0, bytes.length - 20));
    await assertRejects(() => readRows(`${folder}/a.parquet`), CheckpointError, "a.parquet");
    Deno.writeTextFileSync(`${folder}/b.json`, "[1, 2]");
    await assertRejects(() => readRows(`${folder}/b.json`), CheckpointError, "row 1 is not an object");
  });
});

Deno.test("labels beside a file become its rows' labels, as many as there are rows", async () => {
  await inFolder(async (folder) => {
    const source = { local: ["piqa"], repo: "org/name", split: "validation" };
    Deno.writeTextFileSync(`${folder}/piqa.jsonl`, '{"goal":"a"}\n{"goal":"b"}\n');
    Deno.writeTextFileSync(`${folder}/piqa-labels.lst`, "1\n0\n");
    const { rows } = await openRows(source, { dataDir: folder });
    assertEquals(rows, [{ goal: "a", label: 1 }, { goal: "b", label: 0 }]);
    Deno.writeTextFileSync(`${folder}/piqa-labels.lst`, "1\n");
    await assertRejects(() => openRows(source, { dataDir: folder }), CheckpointError, "1 labels for 2 rows");
  });
});
