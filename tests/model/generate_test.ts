import { assert, assertEquals, assertRejects } from "@std/assert";
import { CheckpointError, generate, generateStream, loadModel, OptionError } from "any4";
import { Tokenizer } from "any4/model";

const model = await loadModel("tinyworld");

Deno.test("generate() is greedy by default, streams what it returns, and stops where it is told", async () => {
  const pieces: string[] = [];
  const result = await generate(model, "Once upon a time", {
    maxTokens: 24,
    onText: (piece) => pieces.push(piece),
  });
  assertEquals(pieces.join(""), result.text);
  assertEquals(result.tokens.length, 24);
  assertEquals((await generate(model, "Once upon a time", { maxTokens: 24 })).text, result.text);
  const stopped = await generate(model, "Once upon a time", { maxTokens: 24, stop: result.text.slice(5, 9) });
  assertEquals([stopped.text, stopped.stoppedBy], [result.text.slice(0, 5), "stop"]);
  assertEquals((await generate(model, "Once", { maxTokens: 0 })).tokens, []);
});

Deno.test("of several stop texts the one that comes first cuts", async () => {
  const options = { maxTokens: 24 };
  const { text } = await generate(model, "Once upon a time", options);
  // Both are there with the same token.
  const [early, late] = [text.slice(3, 8), text.slice(5, 8)];
  for (const stop of [[late, early], [early, late], ["not there", late, early]]) {
    const stopped = await generate(model, "Once upon a time", { ...options, stop });
    assertEquals([stopped.text, stopped.stoppedBy], [text.slice(0, 3), "stop"]);
  }
});

Deno.test("what generation_config.json adds to the end tokens ends a text too", async () => {
  const { tokens } = await generate(model, "Once upon a time", { maxTokens: 8 });
  for (const eos_token_id of [tokens[5]!, [7, tokens[5]!]]) {
    const other = model.with({ generationConfig: { eos_token_id } });
    const ended = await generate(other, "Once upon a time", { maxTokens: 8 });
    assertEquals([ended.tokens, ended.stoppedBy], [tokens.slice(0, tokens.indexOf(tokens[5]!)), "eos"]);
  }
});

Deno.test("sampling depends on the seed alone", async () => {
  const draw = async (seed: number) =>
    (await generate(model, "The", { maxTokens: 16, temperature: 1.5, topK: 50, topP: 0.95, seed })).text;
  assertEquals(await draw(1), await draw(1));
  assert(new Set(await Promise.all([1, 2, 3, 4].map(draw))).size > 1);
});

Deno.test("generate() answers a conversation as it continues the chat template's text, with one BOS", async () => {
  using plain = await loadModel("tinyworld", { backend: "plain" });
  const file = JSON.parse(Deno.readTextFileSync(`${plain.folder}/tokenizer.json`));
  const chat_template =
    "{{ bos_token }}{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}" +
    "{% if add_generation_prompt %}assistant:{% endif %}";
  const tokenizer = new Tokenizer(file, { chat_template, bos_token: "<|bos|>" });
  const model = plain.with({ tokenizer });
  const answer = await generate(model, [{ role: "user", content: "Tell a story." }], { maxTokens: 12 });
  assertEquals(
    answer.tokens,
    (await generate(model, "user: Tell a story.\nassistant:", { maxTokens: 12 })).tokens,
  );
  await assertRejects(() => generate(plain, [{ role: "user", content: "Hello" }]), CheckpointError, "chat");
});

Deno.test("generate() throws on options out of range and on a prompt longer than the context", async () => {
  for (const bad of [{ temperature: -1 }, { topP: 0 }, { topK: 0 }, { maxTokens: -1 }, { maxTokens: 1.5 }]) {
    await assertRejects(() => generate(model, "The", { temperature: 1, ...bad }), OptionError);
  }
  await assertRejects(() => generate(model, "cat ".repeat(2000)), OptionError, "context");
});

Deno.test("generateStream() yields what is new after every token, and what ended it in the last", async () => {
  const steps = [];
  for await (const step of generateStream(model, "The king", { maxTokens: 8 })) steps.push(step);
  const { text, tokens } = await generate(model, "The king", { maxTokens: 8 });
  assertEquals(steps.map((step) => step.text).join(""), text);
  assertEquals(steps.flatMap((step) => step.tokens), tokens);
  assertEquals(steps.map((step) => step.stoppedBy), [...Array(7).fill(undefined), "length"]);
});

/** A model that continues any prompt with some tokens, one after another. */
function saying(texts: string[]) {
  const ids = texts.map((text) => {
    const [id, ...more] = model.tokenizer.encode(text, { specialTokens: false });
    assertEquals([more.length, model.tokenizer.decode([id!])], [0, text]);
    return id!;
  });
  const said = model.with({});
  const session = said.session.bind(said);
  said.session = (capacity) => {
    const made = session(capacity);
    made.greedy = (_, count) => Promise.resolve(ids.splice(0, count));
    return made;
  };
  return said;
}

Deno.test("a stop text over several tokens is never shown in part", async () => {
  const options = { maxTokens: 6, stop: ["EFG", "XYZ"] };
  const pieces: string[] = [];
  const result = await generate(saying([..."BCDEFG"]), "The", {
    ...options,
    onText: (piece) => pieces.push(piece),
  });
  assertEquals([result.text, result.stoppedBy, pieces.join("|")], ["BCD", "stop", "B|C|D"]);
  assertEquals(result.tokens.length, 6);
  // What only looked like one comes when it cannot be one any more, or the text ends.
  assertEquals((await generate(saying([..."BCEFEF"]), "The", options)).text, "BCEFEF");
  assertEquals((await generate(saying([..."EEFGAA"]), "The", options)).text, "E");
  await assertRejects(() => generate(model, "The", { stop: "" }), OptionError, "stop string");
});

Deno.test("spaces before punctuation are neither lost nor late", async () => {
  const pieces: string[] = [];
  const said = saying([" ", ",", "B", " ", "?"]);
  await generate(said, "The", { maxTokens: 5, onText: (piece) => pieces.push(piece) });
  assertEquals(pieces, [" ", ",", "B", " ", "?"]);
});

Deno.test("a signal calls generate() off, before and in the middle, and the model goes on", async () => {
  const controller = new AbortController();
  const work = generate(model, "Once", {
    maxTokens: 500,
    signal: controller.signal,
    onText: () => controller.abort(),
  });
  const error = await assertRejects(() => work);
  assertEquals((error as Error).name, "AbortError");
  await assertRejects(
    () => generate(model, "Once", { signal: AbortSignal.abort(new Error("no")) }),
    Error,
    "no",
  );
  assertEquals((await generate(model, "Once", { maxTokens: 3 })).tokens.length, 3);
});
