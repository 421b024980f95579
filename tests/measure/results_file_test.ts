import { assert, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError, loadModel } from "any4";
import {
  evaluate,
  paperMarkdown,
  paperTables,
  publishedPerplexity,
  type Result,
  ResultsFile,
} from "any4/measure";
import { inFolder } from "../in_folder.ts";

Deno.test("what has been measured is not measured again, other settings are", async () => {
  using model = await loadModel("tinyworld");
  await inFolder(async (folder) => {
    const path = `${folder}/results.jsonl`;
    const run = async (limit: number) => {
      const measured: string[] = [];
      const results = await Array.fromAsync(evaluate(model, {
        formats: [null, "int4"],
        tasks: ["boolq"],
        dataDir: "tests/golden/tasks",
        limit,
        results: new ResultsFile<Result>(path),
        onProgress: (_, name) => measured.push(name),
      }));
      return { results, measured };
    };
    const first = await run(2);
    assert(first.measured.length > 0);
    assertEquals(await run(2), { results: first.results, measured: [] });
    assert((await run(3)).measured.length > 0);
    assertEquals(new ResultsFile<Result>(path).all.length, 4);
    const [table] = paperTables(first.results);
    assertEquals(table!.rows.map(([format, bits]) => [format, bits]), [
      ["original", "16.00"],
      ["int4, groups of 128", "4.25"],
    ]);
    assert(
      paperMarkdown([table!]).startsWith(
        "## tinyworld\n\n| format | bits | boolq acc (2 items, 0 shots) |\n",
      ),
    );
  });
});

Deno.test("a line that was cut off by a kill is dropped, one that holds no result is refused", () => {
  inFolder((folder) => {
    const path = `${folder}/results.jsonl`;
    Deno.writeTextFileSync(path, '{"key":"a"}\n{"key":"b","va');
    const results = new ResultsFile(path);
    assertEquals(results.all, [{ key: "a" }]);
    results.add({ key: "c" });
    assertEquals(Deno.readTextFileSync(path), '{"key":"a"}\n{"key":"c"}\n');
    Deno.writeTextFileSync(path, '{"value":1}\n{"key":"a"}\n');
    assertThrows(() => new ResultsFile(path), CheckpointError, "line 1 is no result");
  });
});

Deno.test("published perplexities are found by model, format and text", () => {
  assertEquals(publishedPerplexity("Llama-3.2-1B", { format: null, data: "wikitext-2" }), 9.76);
  assertEquals(publishedPerplexity("Llama-2-7b-hf", { format: "nf4", data: "ptb" }), 22.82);
  assertEquals(publishedPerplexity("Llama-3.2-1B", { format: "any3", data: "ptb" }), undefined);
  assertEquals(publishedPerplexity("tinyworld", { format: null, data: "ptb" }), undefined);
});
