import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { int2, loadModel, OptionError, perplexity } from "any4";
import { compare, evaluationDocuments, referenceLogits, type TokenizedDocument } from "any4/measure";

const model = await loadModel("tinyworld");
const vocab = model.config.vocab_size;
const text = "Once upon a time, a girl lived in a small village near the river. One day she found a key.";

/** ln p of every token of the vocabulary, by the definition of softmax. */
function logProbabilities(logits: Float32Array): number[] {
  const exponentials = Array.from(logits, Math.exp);
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => Math.log(value / sum));
}

/** ln p of the vocabulary after each token but the last: what is measured. */
function predictions(logits: Float32Array): number[][] {
  const rows = Array.from(
    { length: logits.length / vocab },
    (_, t) => logits.subarray(t * vocab, (t + 1) * vocab),
  );
  return rows.slice(0, -1).map(logProbabilities);
}

/** Negative log-likelihood of a document, in nats. */
function nats({ ids }: TokenizedDocument, logits: Float32Array): number {
  return -predictions(logits).reduce((sum, row, t) => sum + row[ids[t + 1]!]!, 0);
}

Deno.test("perplexity is e to the mean negative log-likelihood of all tokens but the first", async () => {
  const ids = model.tokenizer.encode(text);
  const logits = await model.session().forward(ids, { logits: "all" });
  const loss = nats({ kind: "text", ids }, logits) / (ids.length - 1);
  const result = await perplexity(model, { text });
  assertEquals(result.tokens, ids.length - 1);
  assertAlmostEquals(result.loss, loss, 1e-9);
  assertAlmostEquals(result.perplexity, Math.exp(loss), 1e-9 * Math.exp(loss));
  assertEquals(result.kinds, { text: result.perplexity });
});

Deno.test("every predicted token counts alike, whatever the kind and length of its text", async () => {
  const documents = [
    { kind: "story", text },
    { kind: "story", text: "The king slept." },
    { kind: "sum", text: "1 + 2 = 3" },
  ];
  const reference = await referenceLogits(model, { documents });
  const losses = reference.documents.map((document, d) => nats(document, reference.logits[d]!));
  const tokens = reference.documents.map(({ ids }) => ids.length - 1);
  const mean = (which: number[]) =>
    which.reduce((sum, d) => sum + losses[d]!, 0) / which.reduce((sum, d) => sum + tokens[d]!, 0);
  const { perplexity: all, kinds } = reference.perplexity;
  assertAlmostEquals(Math.log(all), mean([0, 1, 2]), 1e-9);
  assertAlmostEquals(Math.log(kinds.story!), mean([0, 1]), 1e-9);
  assertAlmostEquals(Math.log(kinds.sum!), mean([2]), 1e-9);
  assertEquals(await perplexity(model, { documents }), reference.perplexity);
});

Deno.test("each piece of a text longer than the context loses its first token", async () => {
  const n = model.tokenizer.encode(text).length;
  for (const context of [2, 7, n - 1, n, n + 1]) {
    // A last piece of one token predicts nothing.
    const lost = Math.ceil(n / context);
    assertEquals((await perplexity(model, { text, context })).tokens, n - lost, `context ${context}`);
  }
  const truncated = await perplexity(model, { text, context: 7, truncate: true });
  assertEquals(truncated.tokens, 6);
});

Deno.test("a context longer than the model's own is the model's own", async () => {
  const long = text.repeat(1 + Math.ceil(model.config.max_position_embeddings / 20));
  const limit = model.config.max_position_embeddings;
  assert(model.tokenizer.encode(long).length > limit);
  const settings = { text: long, maxTokens: limit + 10 };
  assertEquals(
    await perplexity(model, { ...settings, context: 10 * limit }),
    await perplexity(model, settings),
  );
});

Deno.test("without a text the library's own is measured, every kind of it", async () => {
  const kinds = new Set(evaluationDocuments().map(({ kind }) => kind));
  const result = await perplexity(model, { maxTokens: 100 });
  assertEquals(new Set(Object.keys(result.kinds)), kinds);
  assert(result.tokens <= 100 && result.tokens > 100 - kinds.size, String(result.tokens));
});

Deno.test("a model compared with itself has no divergence and agrees everywhere", async () => {
  const reference = await referenceLogits(model, { maxTokens: 200 });
  const { kl, top1, ...own } = await compare(model, reference);
  assertAlmostEquals(kl, 0, 1e-12);
  assertEquals(top1, 1);
  assertEquals(own, reference.perplexity);
  assertEquals(own, await perplexity(model, { maxTokens: 200 }));
});

Deno.test("KL and top-1 are means over the predicted tokens of their definitions", async () => {
  const reference = await referenceLogits(model, { text });
  const changed = await int2(model, { groupSize: "row" });
  const q = predictions((await referenceLogits(changed, { text })).logits[0]!);
  const p = predictions(reference.logits[0]!);
  const likeliest = (row: number[]) => row.indexOf(Math.max(...row));
  const divergence = p.map((row, t) =>
    row.reduce((sum, log, i) => sum + Math.exp(log) * (log - q[t]![i]!), 0)
  );
  const { kl, top1 } = await compare(changed, reference);
  assertAlmostEquals(kl, divergence.reduce((sum, value) => sum + value, 0) / p.length, 1e-6);
  assertEquals(top1, p.filter((row, t) => likeliest(row) === likeliest(q[t]!)).length / p.length);
  assert(kl > 0 && top1 < 1);
});

Deno.test("progress rises to the whole", async () => {
  const told: [number, number][] = [];
  await perplexity(model, { maxTokens: 50, onProgress: (done, total) => told.push([done, total]) });
  assert(told.length > 1);
  assert(told.every(([done], i) => i === 0 || done > told[i - 1]![0]));
  assertEquals(told.at(-1)![0], told.at(-1)![1]);
});

Deno.test("an empty text, and options out of range, are errors", async () => {
  await assertRejects(() => perplexity(model, { text: "" }), OptionError, "fewer than 2 tokens");
  await assertRejects(() => perplexity(model, { documents: [] }), OptionError, "fewer than 2 tokens");
  await assertRejects(() => referenceLogits(model, { text: "" }), OptionError, "fewer than 2 tokens");
  await assertRejects(() => perplexity(model, { text, context: 1 }), OptionError, "context");
  await assertRejects(() => perplexity(model, { text, maxTokens: 0 }), OptionError, "maxTokens");
});
