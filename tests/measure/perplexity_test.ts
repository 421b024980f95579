import { assert, assertAlmostEquals, assertEquals, assertLess, assertRejects } from "@std/assert";
import { int2, loadModel, nf4, OptionError, perplexity } from "any4";
import {
  compare,
  compareModels,
  evaluationDocuments,
  referenceLogits,
  type TokenizedDocument,
} from "any4/measure";
import { createBackend } from "../../lib/compute/create_backend.ts";
import type { Matrix } from "../../lib/matrix/matrix.ts";
import { Model } from "../../lib/model/model.ts";
import { layoutOf } from "../../lib/model/architectures/mod.ts";
import { parseConfig } from "../../lib/model/architectures/parse_config.ts";
import { tensorsOf } from "../../lib/model/decoder/layout.ts";

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

Deno.test("each piece of a text longer than the context loses its first token, unless it begins as the text does", async () => {
  const n = model.tokenizer.encode(text).length;
  const other = model.with({ config: { ...model.config, bos_token_id: null } });
  for (const context of [2, 7, n - 1, n, n + 1]) {
    assertEquals((await perplexity(model, { text, context })).tokens, n - 1, `context ${context}`);
    // A last piece of one token predicts nothing.
    const lost = Math.ceil(n / context);
    assertEquals((await perplexity(other, { text, context })).tokens, n - lost, `context ${context}`);
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
  const { kl, klStderr, top1, ...own } = await compare(model, reference);
  assertAlmostEquals(kl, 0, 1e-12);
  assertAlmostEquals(klStderr, 0, 1e-12);
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

/** A model whose embedding, tied to its head, has rows of zeros more. */
function padded(of: Model, rows: number): Model {
  const name = of.layout.embedding.name;
  const { cols, data } = of.tensors.get(name) as Matrix;
  const more = new Float32Array((vocab + rows) * cols);
  more.set(data);
  const tensors = new Map([...of.tensors, [name, { rows: vocab + rows, cols, data: more }] as const]);
  return of.with({ tensors, config: { ...of.config, vocab_size: vocab + rows } });
}

Deno.test("models of other vocabulary sizes are compared over the tokens that both have", async () => {
  const small = await nf4(model);
  const [wide, narrow] = [
    await compareModels(padded(small, 64), model, { text }),
    await compareModels(small, model, { text }),
  ];
  assertAlmostEquals(wide.kl, narrow.kl, 1e-6);
  assertEquals([wide.top1, wide.original], [narrow.top1, narrow.original]);
  // Rows of zeros take some of the probability.
  assert(wide.perplexity > narrow.perplexity);
  assertEquals((await compareModels(small, padded(model, 64), { text })).top1, narrow.top1);
  const reference = await referenceLogits(padded(model, 64), { text });
  assertAlmostEquals((await compare(model, reference)).kl, 0, 1e-9);
});

Deno.test("compareModels() says what compare() says of the original's logits", async () => {
  const small = await int2(model);
  const { original, ...own } = await compareModels(small, model, { maxTokens: 300 });
  const reference = await referenceLogits(model, { maxTokens: 300 });
  assertEquals([own, original], [await compare(small, reference), reference.perplexity]);
});

Deno.test("models whose tokenizers give other ids are not compared", async () => {
  const tokenizer = Object.create(model.tokenizer, { encode: { value: () => [1, 2, 3] } });
  const other = model.with({ tokenizer });
  await assertRejects(
    () => compareModels(model, other, { text }),
    OptionError,
    "their tokenizers give other ids",
  );
});

Deno.test("memory does not grow with vocabulary × tokens: Llama 3.2's takes under 350 MB, whatever the text", async () => {
  const vocab_size = 128_256;
  const { tokenizer } = model;
  const config = {
    model_type: "llama",
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    tie_word_embeddings: true,
    max_position_embeddings: 131_072,
    vocab_size,
  };
  const parsed = parseConfig(config, "config.json");
  const tensors = new Map(
    Array.from(tensorsOf(layoutOf(parsed, () => false))).filter(({ optional }) => !optional).map(
      ({ name, rows, cols }) => {
        const data = Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i));
        return [name, { rows, cols, data }] as const;
      },
    ),
  );
  using wide = new Model({
    ...{ name: "wide", folder: "", config: parsed, rawConfig: config, generationConfig: null },
    ...{ tokenizer, tensors, backend: await createBackend("wasm") },
  });
  const used = () => {
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  let peak = 0;
  // All logits of so many tokens of two models would take 600 MB.
  const { tokens } = await compareModels(wide, wide, {
    text: text.repeat(30),
    maxTokens: 600,
    onProgress: () => peak = Math.max(peak, used() - before),
  });
  assert(tokens > 590);
  assertLess(peak, 350e6);
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
