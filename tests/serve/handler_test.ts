import { assert, assertAlmostEquals, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { generate } from "any4";
import { type Answer, ask, chatModel, events, handlerOf, post } from "./server.ts";

const model = await chatModel();
const handler = handlerOf(model, { parallel: 4, apiKey: undefined });
const PROMPT = "Once upon a time, a girl";
const greedy = { prompt: PROMPT, max_tokens: 24, temperature: 0 };

Deno.test("/v1/models lists the models, and one by its name", async () => {
  const get = async (path: string) => await handler.fetch(new Request(`http://localhost${path}`));
  const { data } = await (await get("/v1/models")).json();
  assertEquals(data.map(({ id }: Answer) => id), ["tinyworld"]);
  assertEquals((await (await get("/v1/models/tinyworld")).json()).id, "tinyworld");
  assertEquals((await get("/v1/models/other")).status, 404);
});

Deno.test("a completion is what generate() writes, and says what it took", async () => {
  const { status, body } = await ask(handler, "/v1/completions", greedy);
  const expected = await generate(model, PROMPT, { maxTokens: 24 });
  assertEquals(status, 200);
  assertEquals(body.choices, [{ index: 0, text: expected.text, logprobs: null, finish_reason: "length" }]);
  const prompt_tokens = model.tokenizer.encode(PROMPT).length;
  assertEquals([body.usage.prompt_tokens, body.usage.completion_tokens], [prompt_tokens, 24]);
});

Deno.test("ids get no first token, several prompts are answered in order, n times each", async () => {
  const ids = [PROMPT, "The king"].map((text) => model.tokenizer.encode(text));
  const byText = await ask(handler, "/v1/completions", { ...greedy, prompt: [PROMPT, "The king"], n: 2 });
  const byIds = await ask(handler, "/v1/completions", { ...greedy, prompt: ids, n: 2 });
  assertEquals(byIds.body.choices, byText.body.choices);
  assertEquals(byIds.body.choices.map(({ index }: Answer) => index), [0, 1, 2, 3]);
  assertEquals(byIds.body.choices[0].text, byIds.body.choices[1].text);
  const one = await ask(handler, "/v1/completions", { ...greedy, prompt: ids[0] });
  assertEquals(one.body.choices[0], byText.body.choices[0]);
});

Deno.test("echo with logprobs has an entry for each token of the prompt and one more, of the model's own numbers", async () => {
  const ids = model.tokenizer.encode(PROMPT);
  const { body } = await ask(handler, "/v1/completions", {
    prompt: [ids],
    max_tokens: 1,
    temperature: 0,
    logprobs: 1,
    echo: true,
    seed: 1234,
  });
  const { tokens, token_logprobs, top_logprobs, text_offset } = body.choices[0].logprobs;
  assertEquals(
    [tokens, token_logprobs, top_logprobs, text_offset].map(({ length }) => length),
    Array(4).fill(ids.length + 1),
  );
  assertEquals([token_logprobs[0], top_logprobs[0]], [null, null]);
  assert(body.choices[0].text.startsWith(PROMPT));
  using session = model.session();
  const logits = await session.forward(ids, { logits: "all" });
  const vocabulary = model.config.vocab_size;
  for (let t = 1; t < ids.length; t++) {
    const row = logits.subarray((t - 1) * vocabulary, t * vocabulary);
    const sum = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
    assertAlmostEquals(token_logprobs[t], row[ids[t]!]! - sum, 1e-4);
    // Likeliest tokens have the very number of the token itself: clients compare them for equality.
    const most = Math.max(...Object.values<number>(top_logprobs[t]));
    const best = row.indexOf(row.reduce((a, b) => Math.max(a, b)));
    assertEquals(token_logprobs[t] === most, best === ids[t]);
  }
  const alone = await ask(handler, "/v1/completions", {
    prompt: ids,
    max_tokens: 0,
    logprobs: 1,
    echo: true,
  });
  assertEquals(alone.body.choices[0].logprobs.token_logprobs, token_logprobs.slice(0, -1));
  assertEquals(alone.body.choices[0].text, PROMPT);
});

Deno.test("a stream says what the whole answer says, for completions and chat", async () => {
  const common = { temperature: 0.8, seed: 7, max_tokens: 20, n: 2, stop: ["."] };
  const texts = { prompt: PROMPT, logprobs: 2, echo: true, ...common };
  const chats = { messages: [{ role: "user", content: PROMPT }], logprobs: true, top_logprobs: 2, ...common };
  for (const [path, asked] of [["/v1/completions", texts], ["/v1/chat/completions", chats]] as const) {
    const { body: whole } = await ask(handler, path, asked);
    const response = await handler.fetch(
      post(path, { ...asked, stream: true, stream_options: { include_usage: true } }),
    );
    assertEquals(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    const all = await events(response);
    assertEquals(all.pop(), "[DONE]");
    const last = all.pop();
    assertEquals([last.choices, last.usage.completion_tokens], [[], whole.usage.completion_tokens]);
    assertEquals(new Set(all.map(({ id }) => id)).size, 1);
    assert(all.every(({ usage }) => usage === null));
    for (const choice of whole.choices) {
      const parts: Answer[] = all.flatMap(({ choices }) => choices).filter(({ index }: Answer) =>
        index === choice.index
      );
      assertEquals(parts.at(-1).finish_reason, choice.finish_reason);
      assert(parts.slice(0, -1).every(({ finish_reason }) => finish_reason === null));
      if (path === "/v1/completions") {
        assertEquals(parts.map(({ text }) => text).join(""), choice.text);
        for (const list of ["tokens", "token_logprobs", "top_logprobs", "text_offset"]) {
          assertEquals(parts.flatMap(({ logprobs }) => logprobs[list]), choice.logprobs[list], list);
        }
      } else {
        assertEquals(parts[0].delta.role, "assistant");
        assertEquals(parts.map(({ delta }) => delta.content ?? "").join(""), choice.message.content);
        assertEquals(parts.flatMap(({ logprobs }) => logprobs?.content ?? []), choice.logprobs.content);
        assertGreater(choice.logprobs.content.length, 0);
      }
    }
  }
});

Deno.test("one seed gives one text, another another, and n continuations differ", async () => {
  const asked = { prompt: PROMPT, max_tokens: 16, temperature: 1, n: 2, seed: 5 };
  const texts = async (seed: number) =>
    (await ask(handler, "/v1/completions", { ...asked, seed })).body.choices.map(({ text }: Answer) => text);
  const [first, again, other] = [await texts(5), await texts(5), await texts(99)];
  assertEquals(first, again);
  assert(first[0] !== first[1] && first[0] !== other[0]);
});

Deno.test("a stop text ends a continuation and is left out", async () => {
  const { body: whole } = await ask(handler, "/v1/completions", greedy);
  const stop = whole.choices[0].text.slice(8, 11);
  const { body } = await ask(handler, "/v1/completions", { ...greedy, stop });
  const { text, finish_reason } = body.choices[0];
  assertEquals([text, finish_reason], [whole.choices[0].text.split(stop)[0], "stop"]);
});

Deno.test("a bias forbids and forces tokens, a penalty keeps from repeating", async () => {
  const [id] = model.tokenizer.encode(" dragon", { specialTokens: false });
  const forced = await ask(handler, "/v1/completions", {
    ...greedy,
    max_tokens: 3,
    logit_bias: { [id!]: 100 },
  });
  assertEquals(forced.body.choices[0].text, model.tokenizer.decode([id!, id!, id!]));
  const punished = await ask(handler, "/v1/completions", {
    ...greedy,
    max_tokens: 3,
    logit_bias: { [id!]: 30 },
    presence_penalty: 2,
    frequency_penalty: 2,
    logprobs: 0,
  });
  assertEquals(punished.status, 200);
  const unbiased = await ask(handler, "/v1/completions", { ...greedy, logit_bias: {} });
  assertEquals(
    unbiased.body.choices[0].text,
    (await ask(handler, "/v1/completions", greedy)).body.choices[0].text,
  );
});

Deno.test("what cannot be done is refused with its field, not left out", async () => {
  const message = [{ role: "user", content: "Hi" }];
  const cases: [path: string, body: unknown, param: string | null, status?: number][] = [
    ["/v1/completions", { ...greedy, best_of: 3 }, "best_of"],
    ["/v1/completions", { ...greedy, suffix: "x" }, "suffix"],
    ["/v1/completions", { ...greedy, temperature: -1 }, "temperature"],
    ["/v1/completions", { ...greedy, temperature: "hot" }, "temperature"],
    ["/v1/completions", { ...greedy, top_p: 0 }, "top_p"],
    ["/v1/completions", { ...greedy, n: 1.5 }, "n"],
    ["/v1/completions", { ...greedy, n: 129 }, "n"],
    ["/v1/completions", { ...greedy, stop: [""] }, "stop"],
    ["/v1/completions", { ...greedy, logprobs: 21 }, "logprobs"],
    ["/v1/completions", { ...greedy, max_tokens: 0 }, "max_tokens"],
    ["/v1/completions", { ...greedy, logit_bias: { "5000": 1 } }, "logit_bias"],
    ["/v1/completions", { ...greedy, logit_bias: { "5": 101 } }, "logit_bias.5"],
    ["/v1/completions", { ...greedy, grammar: "x" }, "grammar"],
    ["/v1/completions", { ...greedy, stream_options: {} }, "stream_options"],
    ["/v1/completions", { ...greedy, stream: true, stream_options: { every: 1 } }, "stream_options.every"],
    ["/v1/completions", { ...greedy, prompt: [[1, 5000]] }, "prompt"],
    ["/v1/completions", { ...greedy, prompt: [[]] }, "prompt"],
    ["/v1/completions", { ...greedy, prompt: [] }, "prompt"],
    ["/v1/completions", { ...greedy, prompt: undefined }, "prompt"],
    ["/v1/completions", { ...greedy, prompt: Array(600).fill(5) }, "prompt"],
    ["/v1/completions", { ...greedy, max_tokens: 600 }, "prompt"],
    ["/v1/completions", { ...greedy, model: "gpt" }, "model", 404],
    ["/v1/chat/completions", { messages: [] }, "messages"],
    ["/v1/chat/completions", { messages: [{ role: "user" }] }, "messages.0.content"],
    [
      "/v1/chat/completions",
      { messages: [{ role: "user", content: [{ type: "image_url" }] }] },
      "messages.0.content",
    ],
    ["/v1/chat/completions", { messages: message, tools: [{}] }, "tools"],
    [
      "/v1/chat/completions",
      { messages: message, response_format: { type: "json_object" } },
      "response_format",
    ],
    ["/v1/chat/completions", { messages: message, top_logprobs: 2 }, "top_logprobs"],
    ["/tokenize", { prompt: 5 }, "prompt"],
    ["/tokenize", {}, "prompt"],
    ["/detokenize", { tokens: ["a"] }, "tokens"],
    ["/v1/completions", "{", null],
    ["/v1/completions", "[1]", null],
    ["/v1/completions", "\u0000", null],
  ];
  for (const [path, body, param, expected = 400] of cases) {
    const { status, body: answer } = await ask(handler, path, body);
    assertEquals([status, answer.error?.param], [expected, param], JSON.stringify(body));
    assertEquals(Object.keys(answer.error), ["message", "type", "code", "param"]);
  }
});

Deno.test("a chat template is asked, and a model without one answers 400", async () => {
  const messages = [{
    role: "user",
    content: [{ type: "text", text: "Once upon" }, { type: "text", text: " a time" }],
  }];
  const { body } = await ask(handler, "/v1/chat/completions", { messages, max_tokens: 8, temperature: 0 });
  const expected = await generate(model, [{ role: "user", content: "Once upon a time" }], { maxTokens: 8 });
  assertEquals(body.choices[0].message, { role: "assistant", content: expected.text, refusal: null });
  using plain = model.with({ tokenizer: (await import("any4/model")).Tokenizer.open(model.folder) });
  using other = handlerOf(plain);
  const refused = await ask(other, "/v1/chat/completions", { messages });
  assertEquals([refused.status, refused.body.error.code], [400, "chat_template"]);
});

Deno.test("the tokenizer is there for clients that have none", async () => {
  const ids = model.tokenizer.encode(PROMPT);
  assertEquals((await ask(handler, "/tokenize", { prompt: PROMPT })).body.tokens, ids);
  assertEquals(
    (await ask(handler, "/tokenize", { content: PROMPT })).body.tokens,
    model.tokenizer.encode(PROMPT, { specialTokens: false }),
  );
  const bare = await ask(handler, "/tokenize", { prompt: PROMPT, add_special_tokens: false });
  assertEquals(
    (await ask(handler, "/detokenize", bare.body.tokens && { tokens: bare.body.tokens })).body.prompt,
    PROMPT,
  );
  const info = await (await handler.fetch(new Request("http://localhost/tokenizer_info"))).json();
  assertEquals([info.bos_token, info.eos_token], ["<|bos|>", "<|eos|>"]);
  const eos = await ask(handler, "/tokenize", { prompt: "<|eos|>", add_special_tokens: false });
  assertEquals(eos.body.tokens, [1]);
});

Deno.test("a key is asked for everywhere but at /health and the page", async () => {
  using locked = handlerOf(model, { apiKey: "secret" });
  const status = async (path: string, key?: string) =>
    (await locked.fetch(
      new Request(`http://localhost${path}`, key ? { headers: { authorization: key } } : {}),
    )).status;
  assertEquals(await status("/v1/models"), 401);
  assertEquals(await status("/metrics", "Bearer secreT"), 401);
  assertEquals(await status("/v1/models", "Bearer secret"), 200);
  assertEquals([await status("/health"), await status("/"), await status("/main.js")], [200, 200, 200]);
  assertEquals((await locked.fetch(post("/v1/completions", greedy))).status, 401);
});

Deno.test("pages of other sites are refused unless they are let in", async () => {
  const from = (origin: string) => ({ headers: { origin } });
  assertEquals((await handler.fetch(post("/v1/completions", greedy, from("https://evil.test")))).status, 403);
  assertEquals(
    (await handler.fetch(post("/tokenize", { prompt: "a" }, from("http://localhost")))).status,
    200,
  );
  using open = handlerOf(model, { cors: "https://good.test" });
  const asked = await open.fetch(
    new Request("http://localhost/tokenize", { method: "OPTIONS", ...from("https://good.test") }),
  );
  assertEquals([asked.status, asked.headers.get("access-control-allow-origin")], [204, "https://good.test"]);
  assertEquals((await open.fetch(post("/tokenize", { prompt: "a" }, from("https://evil.test")))).status, 403);
});

Deno.test("unknown paths, wrong methods and large bodies have their statuses", async () => {
  using small = handlerOf(model, { maxBody: 100 });
  assertEquals((await handler.fetch(new Request("http://localhost/nothing"))).status, 404);
  assertEquals((await handler.fetch(new Request("http://localhost/v1/completions"))).status, 405);
  assertEquals((await small.fetch(post("/v1/completions", { prompt: "x".repeat(200) }))).status, 413);
  // One that does not say how large it is, and does not end.
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(64)) });
  assertEquals((await small.fetch(post("/v1/completions", "", { body: endless }))).status, 413);
});

Deno.test("metrics count requests, tokens and shared steps", async () => {
  using own = handlerOf(model, { parallel: 4 });
  await ask(own, "/v1/completions", { ...greedy, n: 4 });
  await ask(own, "/v1/completions", { ...greedy, n: 0 });
  const text = await (await own.fetch(new Request("http://localhost/metrics"))).text();
  assertMatch(text, /any4_requests_total\{path="\/v1\/completions",status="200"\} 1\n/);
  assertMatch(text, /any4_requests_total\{path="\/v1\/completions",status="400"\} 1\n/);
  assertMatch(text, /any4_generated_tokens_total 96\n/);
  assertMatch(text, /any4_stepped_total\{model="tinyworld"\} 96\n/);
  const steps = Number(/any4_steps_total\{model="tinyworld"\} (\d+)/.exec(text)![1]);
  assert(steps < 32, `${steps} steps`);
});
