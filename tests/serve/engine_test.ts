import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { type Model, quantizeModel } from "any4";
import { Engine, type Sequence } from "../../lib/serve/engine.ts";
import { chatModel, handlerOf, post } from "./server.ts";

const dense = await chatModel();
const packed = await quantizeModel(dense, { format: "int4", groupSize: 64 });
const TEXT = "Once upon a time, a girl lived in a small village near the river. One day she found a key. ";

/** Runs a sequence and keeps all logits that it is given. */
async function logitsOf(
  engine: Engine,
  { ids, steps, scored, delay = 0 }: { ids: number[]; steps: number; scored?: boolean; delay?: number },
): Promise<{ prompt: Float32Array[]; next: Float32Array[] }> {
  const found = { prompt: [] as Float32Array[], next: [] as Float32Array[] };
  await new Promise((resolve) => setTimeout(resolve, delay));
  await engine.run({
    ids,
    maxTokens: steps,
    signal: new AbortController().signal,
    ...scored && { score: (_from: number, logits: Float32Array) => found.prompt.push(logits.slice()) },
    next(logits) {
      found.next.push(logits.slice());
      return (ids.length * 7 + found.next.length * 13) % 1000;
    },
  });
  return found;
}

for (const [name, model] of [["dense", dense], ["packed", packed]] as const satisfies [string, Model][]) {
  Deno.test(`logits have the same bits whatever the batch, the place and the known prefix: ${name}`, async () => {
    const long = model.tokenizer.encode(TEXT.repeat(6)).slice(0, 200);
    const prompts = [1, 3, 66, 130, 200, 129, 64, 65].map((
      length,
      i,
    ) => [...long.slice(0, length - 1), 40 + i]);
    const expected = [];
    for (const [i, ids] of prompts.entries()) {
      // Alone, in an engine that has seen nothing.
      using engine = new Engine(model, { parallel: 1 });
      expected.push(await logitsOf(engine, { ids, steps: 4 + i }));
    }
    using engine = new Engine(model, { parallel: 5 });
    for (let round = 0; round < 3; round++) {
      const order = [...prompts.keys()].sort((a, b) => (a * 5 + round) % 8 - (b * 5 + round) % 8);
      const found = await Promise.all(order.map(async (i) => {
        const ids = prompts[i]!;
        return [i, await logitsOf(engine, { ids, steps: 4 + i, delay: (i * round) % 5 })] as const;
      }));
      for (const [i, logits] of found) assertEquals(logits, expected[i], `prompt ${i}, round ${round}`);
    }
    assertGreater(engine.counts.cached, 0);
    assertLess(engine.counts.steps, engine.counts.stepped);
    // To be scored changes nothing either.
    const scored = await logitsOf(engine, { ids: prompts[3]!, steps: 7, scored: true });
    assertEquals(scored.next, expected[3]!.next);
    using fresh = new Engine(model, { parallel: 1 });
    assertEquals(scored, await logitsOf(fresh, { ids: prompts[3]!, steps: 7, scored: true }));
  });
}

Deno.test("an abort frees its place within one step, whether it runs, reads or waits", async () => {
  using engine = new Engine(dense, { parallel: 1 });
  const controller = new AbortController();
  let steps = 0;
  const endless = (signal: AbortSignal, ids: number[]): Sequence => ({
    ids,
    maxTokens: 400,
    signal,
    next() {
      if (++steps === 3) controller.abort(new Error("left"));
      return 5;
    },
  });
  const running = engine.run(endless(controller.signal, [1, 2, 3]));
  const waiting = engine.run(endless(AbortSignal.abort(new Error("left")), [1, 2, 3]));
  const other = logitsOf(engine, { ids: [4, 5], steps: 1 });
  await assertRejects(() => waiting, Error, "left");
  await assertRejects(() => running, Error, "left");
  assertEquals(steps, 3);
  assertEquals((await other).next.length, 1);
  assertEquals(engine.load, { running: 0, waiting: 0 });
});

Deno.test("an error of one sequence leaves the others", async () => {
  using engine = new Engine(dense, { parallel: 2 });
  const broken = engine.run({
    ids: [1, 2],
    maxTokens: 4,
    signal: new AbortController().signal,
    next: () => {
      throw new Error("broken");
    },
  });
  const other = logitsOf(engine, { ids: [4, 5], steps: 3 });
  await assertRejects(() => broken, Error, "broken");
  assertEquals((await other).next.length, 3);
});

Deno.test("where no room is left, a request is refused with 429 and told when to come again", async () => {
  using handler = handlerOf(dense, { parallel: 1, queue: 1 });
  const asked = { prompt: "Once", max_tokens: 30, temperature: 0 };
  const answers = await Promise.all([1, 2, 3, 4].map(() => handler.fetch(post("/v1/completions", asked))));
  const statuses = answers.map(({ status }) => status);
  assertEquals(statuses.filter((status) => status === 200).length, 2);
  const refused = answers.filter(({ status }) => status === 429);
  assertEquals(refused.length, 2);
  assert(refused.every(({ headers }) => headers.get("retry-after") === "1"));
  for (const response of answers) await response.text();
  const tooMany = await handler.fetch(post("/v1/completions", { ...asked, n: 3 }));
  assertEquals(tooMany.status, 400);
  await tooMany.text();
});

Deno.test("an answer that takes too long ends with 504, in a stream with an error and no [DONE]", async () => {
  using handler = handlerOf(dense, { timeout: 0.02 });
  const asked = { prompt: "Once", max_tokens: 480, temperature: 0, logit_bias: { 1: -100 } };
  const whole = await handler.fetch(post("/v1/completions", asked));
  assertEquals([whole.status, (await whole.json()).error.code], [504, "timeout"]);
  const text = await (await handler.fetch(post("/v1/completions", { ...asked, stream: true }))).text();
  assert(text.includes('"code":"timeout"') && !text.includes("[DONE]"));
});

Deno.test("a server that ends refuses what is new", async () => {
  const handler = handlerOf(dense);
  const running = handler.fetch(post("/v1/completions", { prompt: "Once", max_tokens: 30 }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  handler.close();
  const refused = await handler.fetch(post("/v1/completions", { prompt: "Once" }));
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "5"]);
  await refused.text();
  assertEquals((await (await running).json()).usage.completion_tokens > 0, true);
  handler[Symbol.dispose]();
});
