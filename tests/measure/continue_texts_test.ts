import { assertEquals, assertRejects } from "@std/assert";
import { generate, type Model } from "any4";
import type { BackendName } from "any4/compute";
import { continueTexts } from "../../lib/measure/continue_texts.ts";
import { load, names } from "../tiny_models.ts";

/** Prompts that share beginnings, the longest neither first nor last. */
const PROMPTS = [
  "The king has",
  "The king has a small red boat and a dog",
  "The king ran",
  "A boat",
  "The king",
];
const idsOf = ({ tokenizer }: Model) => PROMPTS.map((prompt) => tokenizer.encode(prompt));

for (const backend of ["plain", "wasm"] as const satisfies BackendName[]) {
  Deno.test(`texts that are continued together are what each alone is, on ${backend}, with every architecture`, async (t) => {
    for (const name of names) {
      await t.step(name, async () => {
        using model = await load(name, backend);
        const alone = [];
        for (const prompt of PROMPTS) alone.push((await generate(model, prompt, { maxTokens: 6 })).text);
        for (const parallel of [1, 2, 8]) {
          const done: number[] = [];
          const onDone = (count: number) => done.push(count);
          const options = { until: [], maxTokens: 6, parallel, onDone };
          assertEquals(await continueTexts(model, idsOf(model), options), alone, `${parallel} at a time`);
          assertEquals(done, [1, 2, 3, 4, 5]);
        }
      });
    }
  });
}

Deno.test("a text that ends a continuation is left out, and a signal ends all", async () => {
  using model = await load("llama3", "wasm");
  const whole = await continueTexts(model, idsOf(model), { until: [], maxTokens: 8 });
  const until = [whole[0]!.slice(3, 5)];
  const ended = await continueTexts(model, idsOf(model), { until, maxTokens: 8 });
  for (const [i, text] of whole.entries()) assertEquals(ended[i], text.split(until[0]!)[0]);
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(
    () => continueTexts(model, idsOf(model), { until, maxTokens: 8, signal }),
    Error,
    "enough",
  );
});
