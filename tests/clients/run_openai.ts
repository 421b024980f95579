/**
 * OpenAI's own client for JavaScript against the server.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError, RateLimitError } from "openai";
import { serve } from "any4/serve";
import { chatModel } from "../serve/server.ts";

const model = await chatModel();
const messages = [{ role: "user" as const, content: "Once upon a time, a girl" }];
const settings = { model: "tinyworld", max_tokens: 24, temperature: 0.7, seed: 3 };

Deno.test("OpenAI's client for JavaScript talks, streams, stops, and understands errors", async (t) => {
  await using server = serve(new Map([["tinyworld", model]]), { port: 0, apiKey: "secret" });
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "secret", maxRetries: 0 });

  await t.step("models", async () => {
    const names: string[] = [];
    for await (const { id } of client.models.list()) names.push(id);
    assertEquals(names, ["tinyworld"]);
  });

  await t.step("a completion and its stream", async () => {
    const asked = { ...settings, prompt: "Once upon a time", logprobs: 2, n: 2, stop: ["\n"] };
    const whole = await client.completions.create(asked);
    const stream = await client.completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts = ["", ""];
    const numbers: unknown[][] = [[], []];
    let usage;
    for await (const chunk of stream) {
      for (const { index, text, logprobs } of chunk.choices) {
        texts[index] += text;
        numbers[index]!.push(...logprobs!.token_logprobs!);
      }
      usage = chunk.usage;
    }
    assertEquals(texts, whole.choices.map(({ text }) => text));
    assertEquals(numbers, whole.choices.map(({ logprobs }) => logprobs!.token_logprobs!));
    assertEquals(usage!.total_tokens, whole.usage!.total_tokens);
    assertEquals((await client.completions.create(asked)).choices, whole.choices);
  });

  await t.step("a chat and its stream", async () => {
    const asked = { ...settings, messages, logprobs: true, top_logprobs: 3 };
    const whole = await client.chat.completions.create(asked);
    const [choice] = whole.choices;
    assertEquals(choice!.logprobs!.content![0]!.top_logprobs.length, 3);
    const stream = client.chat.completions.stream({ ...asked, stream: true });
    const last = await stream.finalChatCompletion();
    assertEquals(last.choices[0]!.message.content, choice!.message.content);
    assertEquals(last.choices[0]!.finish_reason, choice!.finish_reason);
    assertEquals(last.choices[0]!.logprobs!.content, choice!.logprobs!.content);
  });

  await t.step("a client that leaves a stream", async () => {
    const stream = await client.chat.completions.create({
      ...settings,
      messages,
      max_tokens: 300,
      stream: true,
    });
    for await (const _ of stream) break;
    for (let tries = 0;; tries++) {
      const metrics =
        await (await fetch(`${server.url}/metrics`, { headers: { authorization: "Bearer secret" } })).text();
      if (metrics.includes('any4_sequences_running{model="tinyworld"} 0')) break;
      assert(tries < 50, metrics);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  await t.step("errors", async () => {
    const asked = { ...settings, prompt: "Once" };
    const bad = await assertRejects(
      () => client.completions.create({ ...asked, best_of: 4 }),
      BadRequestError,
    );
    assertEquals([bad.param, bad.code, bad.type], ["best_of", "invalid_value", "invalid_request_error"]);
    await assertRejects(() => client.completions.create({ ...asked, model: "other" }), NotFoundError);
    const long = await assertRejects(
      () => client.completions.create({ ...asked, max_tokens: 1000 }),
      BadRequestError,
    );
    assertEquals(long.code, "context_length_exceeded");
    const stranger = client.withOptions({ apiKey: "wrong" });
    await assertRejects(() => stranger.completions.create(asked), AuthenticationError);
  });
});

Deno.test("OpenAI's client for JavaScript is told to come again", async () => {
  await using server = serve(new Map([["tinyworld", model]]), { port: 0, parallel: 1, queue: 1 });
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
  const asked = { ...settings, prompt: "Once", max_tokens: 200, logit_bias: { "1": -100 } };
  const results = await Promise.allSettled([1, 2, 3, 4].map(() => client.completions.create(asked)));
  const refused = results.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
  assertEquals(refused.length, 2);
  assert(refused.every(({ reason }) => reason instanceof RateLimitError));
});
