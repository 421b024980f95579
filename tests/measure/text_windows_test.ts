import { assert, assertAlmostEquals, assertEquals, assertLess, assertRejects } from "@std/assert";
import { any3, CheckpointError, loadModel, OptionError } from "any4";
import {
  corpusWindows,
  evaluationDocuments,
  lossDifference,
  type Recipe,
  windowedPerplexity,
} from "any4/measure";
import words from "../golden/words.json" with { type: "json" };
import golden from "../golden/perplexity.json" with { type: "json" };
import { inFolder } from "../in_folder.ts";
import { storiesFolder } from "../stories.ts";

const DATA = Deno.env.get("ANY4_DATA");
const MODELS = Deno.env.get("ANY4_MODELS");

/** What a model's name in the golden file wants, where it is not there. */
function lacking(model: string): string | undefined {
  if (model !== "tinyworld" && DATA === undefined) return "ANY4_DATA is not set";
  if (model.endsWith(".gguf") && MODELS === undefined) return "ANY4_MODELS is not set";
}

for (const { model: name, recipe, context, windows: count, perplexity, first, ...rest } of golden) {
  const reason = lacking(name);
  const test =
    `${name}: ${recipe}'s perplexity on ${"drawn" in rest ? "drawn " : ""}windows of ${context} is ` +
    `transformers' to 1e-4${reason ? ` (ignored: ${reason})` : ""}`;
  Deno.test({ name: test, ignore: reason !== undefined }, async () => {
    using model = await loadModel(
      name === "tinyworld" ? name : name.endsWith(".gguf") ? `${MODELS}/${name}` : storiesFolder,
    );
    await inFolder(async (folder) => {
      const texts = evaluationDocuments().map(({ text }) => ({ text }));
      await Deno.writeTextFile(`${folder}/wikitext-2.txt`, texts.map(({ text }) => text).join("\n\n"));
      await Deno.writeTextFile(`${folder}/c4.jsonl`, texts.map((row) => JSON.stringify(row)).join("\n"));
      const { windows } = await corpusWindows(model, "drawn" in rest ? "c4" : "wikitext-2", {
        dataDir: name === "tinyworld" ? folder : `${DATA}/text`,
        recipe: recipe as Recipe,
        context,
        windows: count,
      });
      assertEquals(windows.length, count);
      const [measured] = await windowedPerplexity([model], windows);
      assertAlmostEquals(measured!.losses[0]!.nats / measured!.losses[0]!.weight, first, 1e-4);
      assertAlmostEquals(measured!.perplexity, perplexity, 1e-4 * perplexity);
    });
  });
}

Deno.test("two models' difference on the same windows is surer than their perplexities", async () => {
  using model = await loadModel("tinyworld");
  using small = await any3(model);
  await inFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/wikitext-2.txt`,
      evaluationDocuments().map(({ text }) => text).join("\n\n"),
    );
    const { windows } = await corpusWindows(model, "wikitext-2", {
      dataDir: folder,
      context: 64,
      windows: 20,
    });
    const [before, after] = await windowedPerplexity([model, small], windows);
    const { loss, stderr } = lossDifference(after!, before!);
    assertAlmostEquals(loss, after!.loss - before!.loss, 1e-12);
    assertLess(stderr, after!.lossStderr);
    // The standard error of a mean, by its definition.
    const each = before!.losses.map(({ nats, weight }) => nats / weight);
    const mean = each.reduce((sum, value) => sum + value, 0) / each.length;
    const variance = each.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (each.length - 1);
    assertAlmostEquals(before!.lossStderr, Math.sqrt(variance / each.length), 1e-12);
  });
});

Deno.test("words: the loss of each page, and the perplexity a word, are lm-evaluation-harness's", async () => {
  using model = await loadModel("tinyworld");
  for (const { context, perplexity, pages } of words) {
    const options = { dataDir: "tests/golden/tasks", recipe: "words" as const, context };
    const { windows } = await corpusWindows(model, "wikitext-2", options);
    const [found] = await windowedPerplexity([model], windows);
    // A page has windows until the next one that counts words.
    const sums: { nats: number; words: number }[] = [];
    for (const { nats, weight } of found!.losses) {
      if (weight > 0) sums.push({ nats: 0, words: weight });
      sums.at(-1)!.nats += nats;
    }
    assertEquals(sums.map(({ words }) => words), pages.map(({ words }) => words));
    for (const [i, { nats }] of pages.entries()) assertAlmostEquals(sums[i]!.nats, nats, 1e-3);
    assertAlmostEquals(found!.perplexity, perplexity, 1e-4 * perplexity);
  }
});

Deno.test("words: a text longer than the context has each id predicted once, and its words counted once", async () => {
  using model = await loadModel("tinyworld");
  await inFolder(async (folder) => {
    const text = "Once upon a time, a girl lived in a small village near the river. One day she found a key.";
    await Deno.writeTextFile(`${folder}/ptb.jsonl`, JSON.stringify({ sentence: text }));
    const options = { dataDir: folder, recipe: "words" as const };
    const whole = await corpusWindows(model, "ptb", options);
    const parts = await corpusWindows(model, "ptb", { ...options, context: 8 });
    const predicted = ({ windows }: typeof whole) => windows.flatMap(({ ids, first }) => ids.slice(first));
    assertEquals(predicted(whole), model.tokenizer.encode(text));
    assertEquals(predicted(parts), model.tokenizer.encode(text));
    assertEquals(parts.windows.map(({ weight }) => weight).slice(0, 2), [text.split(" ").length, 0]);
    assert(parts.windows.every(({ ids }) => ids.length <= 9));
  });
});

Deno.test("a text that is not known, is not there, has no such column or is too short is refused", async () => {
  using model = await loadModel("tinyworld");
  await inFolder(async (folder) => {
    const dataDir = folder;
    await assertRejects(
      () => corpusWindows(model, "wiki", { dataDir }),
      OptionError,
      "expected one of wikitext-2",
    );
    await assertRejects(
      () => corpusWindows(model, "ptb", { dataDir }),
      CheckpointError,
      "expected ptb-validation or ptb",
    );
    await Deno.writeTextFile(`${folder}/ptb.jsonl`, '{"words": "a"}');
    await assertRejects(
      () => corpusWindows(model, "ptb", { dataDir }),
      OptionError,
      "no text in its column sentence",
    );
    await Deno.writeTextFile(`${folder}/ptb.jsonl`, '{"sentence": "a"}\n{"sentence": 1');
    await assertRejects(
      () => corpusWindows(model, "ptb", { dataDir }),
      CheckpointError,
      "Cannot read rows of",
    );
    await Deno.writeTextFile(`${folder}/ptb.jsonl`, '{"sentence": "a"}');
    await assertRejects(
      () => corpusWindows(model, "ptb", { dataDir }),
      OptionError,
      "no window of 512 tokens",
    );
  });
});
