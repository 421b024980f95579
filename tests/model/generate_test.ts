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

Deno.test("generateStream() yields the continuation so far after every token", async () => {
  let last = "";
  for await (const { text } of generateStream(model, "The king", { maxTokens: 8 })) {
    assert(text.startsWith(last));
    last = text;
  }
  assert(last.length > 0);
});
