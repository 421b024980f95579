import { assert, assertEquals, assertGreater, assertStringIncludes, assertThrows } from "@std/assert";
import { generate, OptionError, quantizeModel } from "any4";
import { type Answer, ask, chatModel, events, handlerOf, post } from "./server.ts";

const model = await chatModel();
const PROMPT = "Once upon a time, a girl";
const write = { prompt: PROMPT, max_tokens: 12, temperature: 0 };
const names = async ({ fetch }: ReturnType<typeof handlerOf>) =>
  (await (await fetch(new Request("http://localhost/v1/models"))).json()).data.map(({ id }: Answer) => id);

Deno.test("a model is quantized while it is served, with progress, and the next one takes its place", async () => {
  using handler = handlerOf(model, { lab: "tinyworld" });
  const [made, meanwhile] = await Promise.all([
    handler.fetch(post("/quantize", { format: "any2", group_size: 64 })).then(events),
    ask(handler, "/v1/completions", write),
  ]);
  assertEquals(meanwhile.body.choices[0].text, (await generate(model, PROMPT, { maxTokens: 12 })).text);
  const [last, ...progress] = made.reverse();
  assertEquals(last, { model: "tinyworld:any2:64" });
  assertEquals([progress[0].done, progress[0].total, progress.length], [28, 28, 28]);
  using same = await quantizeModel(model, { format: "any2", groupSize: 64 });
  const { body } = await ask(handler, "/v1/completions", { ...write, model: "tinyworld:any2:64" });
  assertEquals(body.choices[0].text, (await generate(same, PROMPT, { maxTokens: 12 })).text);

  const busy = model.backend.bytes!;
  const response = await handler.fetch(
    post("/quantize", { format: "int8", group_size: "row", method: "gptq" }),
  );
  assertEquals((await events(response)).at(-1), { model: "tinyworld:int8:row:gptq" });
  assertEquals(await names(handler), ["tinyworld", "tinyworld:int8:row:gptq"]);
  assertEquals((await ask(handler, "/v1/completions", { ...write, model: "tinyworld:any2:64" })).status, 404);
  assertGreater(2 * busy, model.backend.bytes!, "the one before has been freed");
});

Deno.test("one model is made at a time, and a client that leaves ends it", async () => {
  using handler = handlerOf(model, { lab: "tinyworld" });
  const first = await handler.fetch(post("/quantize", { format: "any4" }));
  const second = await ask(handler, "/quantize", { format: "any3" });
  assertEquals([second.status, second.body.error.code], [409, "busy"]);
  await first.body!.cancel();
  let answer: Response;
  do {
    await new Promise((resolve) => setTimeout(resolve, 50));
    answer = await handler.fetch(post("/quantize", { format: "int4" }));
    if (answer.status === 409) await answer.body!.cancel();
  } while (answer.status === 409);
  assertEquals((await events(answer)).at(-1), { model: "tinyworld:int4:128" });
  assertEquals(await names(handler), ["tinyworld", "tinyworld:int4:128"]);
});

Deno.test("what cannot be made is refused with the reason", async () => {
  using handler = handlerOf(model, { lab: "tinyworld", freeBytes: () => 1e6 });
  const cases: [unknown, number, string][] = [
    [{ format: "any5" }, 400, "expected one of"],
    [{ method: "magic" }, 400, "kmeans"],
    [{ group_size: 3.5 }, 400, "whole number"],
    [{ bits: 4 }, 400, "no such option"],
    [{ format: "any4" }, 507, "1 MB are left"],
  ];
  for (const [body, expected, text] of cases) {
    const { status, body: answer } = await ask(handler, "/quantize", body);
    assertEquals(status, expected);
    assertStringIncludes(answer.error.message, text);
  }
  using plain = handlerOf(model);
  assertEquals((await ask(plain, "/quantize", { format: "any4" })).status, 404);
  const { data: [listed] } = await (await plain.fetch(new Request("http://localhost/v1/models"))).json();
  assert(!("quantizes_to" in listed));
  assertThrows(() => handlerOf(model, { lab: "other" }), OptionError, "no model of that name");
});
