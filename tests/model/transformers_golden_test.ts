/**
 * The decoder and the tokenizers against transformers (tests/golden/make_logits.py), and real text against the
 * perplexity that stories260K is known to have.
 *
 * @module
 */
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { generate, loadModel, type Model, perplexity } from "any4";
import stories260K from "../golden/stories260K-logits.json" with { type: "json" };
import tinyworld from "../golden/tinyworld-logits.json" with { type: "json" };
import { hasStories, storiesFolder, storiesMeasure, storiesReason } from "../stories.ts";

const withStories = { ignore: !hasStories };

type Golden = typeof tinyworld;

async function checkLogits(model: Model, golden: Golden): Promise<void> {
  const vocab = model.config.vocab_size;
  const logits = await model.session().forward(golden.tokens, { logits: "all" });
  for (const [i, row] of golden.rows.entries()) {
    let [error, norm] = [0, 0];
    for (const [id, expected] of golden.logits[i]!.entries()) {
      error += (logits[row * vocab + id]! - expected) ** 2;
      norm += expected ** 2;
    }
    assertLess(Math.sqrt(error / norm), 1e-4, `token ${row}`);
    assertEquals(golden.logits[i]!.length, vocab);
  }
}

async function checkGreedy(model: Model, golden: Golden): Promise<void> {
  const prompt = model.tokenizer.decode(golden.prompt);
  const { tokens } = await generate(model, prompt, { maxTokens: golden.greedy.length });
  assertEquals(tokens, golden.greedy);
}

function checkTokens(model: Model, golden: Golden): void {
  for (const { text, ids } of golden.strings) assertEquals(model.tokenizer.encode(text), ids, text);
}

Deno.test("tinyworld's logits are those of transformers", async () => {
  using model = await loadModel("tinyworld");
  await checkLogits(model, tinyworld);
});

Deno.test("tinyworld continues a text greedily as transformers does", async () => {
  using model = await loadModel("tinyworld");
  await checkGreedy(model, tinyworld);
});

Deno.test("tinyworld's tokenizer gives the ids that the Rust tokenizers give", async () => {
  using model = await loadModel("tinyworld");
  checkTokens(model, tinyworld);
});

Deno.test(
  `stories260K's logits and text are those of transformers${storiesReason}`,
  withStories,
  async () => {
    using model = await loadModel(storiesFolder);
    await checkLogits(model, stories260K);
    await checkGreedy(model, stories260K);
    checkTokens(model, stories260K);
  },
);

Deno.test(`stories260K has a perplexity of 3.44 on its stories${storiesReason}`, withStories, async () => {
  using model = await loadModel(storiesFolder);
  const result = await perplexity(model, storiesMeasure());
  assertAlmostEquals(result.perplexity, 3.44, 0.005);
});
