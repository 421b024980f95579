import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CheckpointError, loadModel, OptionError } from "any4";
import { prepareTask, runTask, tasks, tasksOf } from "any4/measure";
import { sha256 } from "../../lib/files/sha256.ts";
import golden from "../golden/tasks.json" with { type: "json" };
import { inFolder } from "../in_folder.ts";
import { storiesFolder } from "../stories.ts";

interface Case {
  model: string;
  task: string;
  fewshot: number;
  limit: number | null;
  maxTokens: number | null;
  scores: Record<string, number>;
  items: { context: string; loglikelihoods?: number[]; text?: string; correct?: Record<string, number> }[];
}

const DATA = Deno.env.get("ANY4_DATA");
const OWN = "tests/golden/tasks";
const own = ["arc_easy", "hellaswag", "winogrande", "boolq", "lambada_openai"];

/** The examples of a case: its own documents, under the name of the split that they come from. */
async function prepared({ task: name, ...given }: Case) {
  const task = tasks.get(name)!;
  const examples = Array.isArray(task.examples) ? task.examples : task.source;
  return await prepareTask({ ...task, examples }, {
    dataDir: own.includes(name) ? OWN : `${DATA}/eval`,
    fewshot: given.fewshot,
    limit: given.limit ?? undefined,
  });
}

for (const one of golden as unknown as Case[]) {
  const wanting = (one.model !== "tinyworld" || !own.includes(one.task)) && DATA === undefined;
  const name = `${one.model}: ${one.task} with ${one.fewshot} examples scores as lm-evaluation-harness does` +
    (wanting ? " (ignored: ANY4_DATA is not set)" : "");
  Deno.test({ name, ignore: wanting }, async () => {
    using model = await loadModel(one.model === "tinyworld" ? "tinyworld" : storiesFolder);
    const asked = await prepared(one);
    const { items, scores } = await runTask(model, asked, { maxTokens: one.maxTokens ?? undefined });
    assertEquals(
      items.map(({ prompt }) => sha256([prompt]).slice(0, 12)),
      one.items.map(({ context }) => context),
    );
    for (const [i, { loglikelihoods, text, correct }] of one.items.entries()) {
      const found = items[i]!;
      for (const [c, value] of (loglikelihoods ?? []).entries()) {
        assertAlmostEquals(found.loglikelihoods![c]!, value, 1e-3, `item ${i}, choice ${c}`);
      }
      // Decoding the answer alone, as the harness does, drops SentencePiece's first space.
      if (text !== undefined) assertEquals(found.text!.replace(/^ /, ""), text.replace(/^ /, ""));
      for (const [filter, value] of Object.entries(correct ?? {})) {
        assertEquals(found.scores[`exact_match,${filter}`], value);
      }
    }
    for (const [key, value] of Object.entries(one.scores)) {
      if (key.includes("stderr")) continue;
      const found = scores[key.replace(/,none$/, "")]!;
      if (key.startsWith("perplexity")) assertAlmostEquals(found.value, value, 1e-3 * value);
      else assertEquals(found.value, value, key);
      const stderr = one.scores[key.replace(",", "_stderr,")];
      if (stderr !== undefined) assertAlmostEquals(found.stderr, stderr, 1e-9);
    }
  });
}

Deno.test("items have the same bits whatever is judged beside them", async () => {
  using model = await loadModel("tinyworld");
  for (const name of own) {
    const prepared = await prepareTask(tasks.get(name)!, { dataDir: OWN });
    const seen: number[] = [];
    const onProgress = (done: number) => seen.push(done);
    const [one, several] = [
      await runTask(model, prepared, { batchSize: 1, onProgress }),
      await runTask(model, prepared),
    ];
    assertEquals(one, several);
    assertEquals(seen.at(-1), prepared.documents.length);
    assertEquals(seen, seen.toSorted((a, b) => a - b));
  }
});

Deno.test("a task that is not known is refused with the names of those that are", () => {
  assertEquals(tasksOf("mmlu").length, 57);
  assertEquals(tasksOf("bbh").length, 27);
  assertEquals(tasksOf("bbh_boolean_expressions")[0]!.name, "bbh_cot_fewshot_boolean_expressions");
  assertThrows(() => tasksOf("pica"), OptionError, "Cannot run the task pica: expected piqa, arc_easy");
});

Deno.test("documents that lack a column, too few examples, or a context too small are errors", async () => {
  using model = await loadModel("tinyworld");
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/piqa.jsonl`, '{"goal": "Open a tin", "sol1": "by hand"}');
    await assertRejects(
      () => runTask(model, tasks.get("piqa")!, { dataDir: folder }),
      CheckpointError,
      "column sol2 has no text",
    );
    await Deno.writeTextFile(`${folder}/bbh-navigate.jsonl`, '{"input": "a", "target": "b"}');
    await assertRejects(
      () => runTask(model, tasksOf("bbh_navigate")[0]!, { dataDir: folder }),
      OptionError,
      "answers of 1024 tokens do not fit the model's context of 512",
    );
  });
  await assertRejects(
    () => runTask(model, tasks.get("boolq")!, { dataDir: OWN, batchSize: 0 }),
    OptionError,
    "batchSize must be a whole number of at least 1",
  );
  await assertRejects(
    () => prepareTask(tasks.get("lambada_openai")!, { dataDir: OWN, fewshot: 1 }),
    OptionError,
    "it has none",
  );
});
