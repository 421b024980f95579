import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Conversation, generate, loadModel, type Model } from "any4";
import { type ConversationOptions, Tokenizer } from "any4/model";
import { BusyError, CheckpointError, DisposedError, OptionError } from "../../lib/errors.ts";

using plain = await loadModel("tinyworld");
const file = JSON.parse(Deno.readTextFileSync(`${plain.folder}/tokenizer.json`));
const chat_template =
  "{{ bos_token }}{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}" +
  "{% if add_generation_prompt %}assistant:{% endif %}";
const model = plain.with({ tokenizer: new Tokenizer(file, { chat_template, bos_token: "<|bos|>" }) });

async function say(talk: Conversation, text: string): Promise<string> {
  let answer = "";
  for await (const step of talk.say(text)) answer += step.text;
  return answer;
}

/** Says some things, and compares each answer with that to the whole conversation at once. */
async function compare(of: Model, options: ConversationOptions): Promise<void> {
  using talk = new Conversation(of, options);
  for (const [turn, text] of ["Tell a story.", "And then?", "The end?"].entries()) {
    const answer = await say(talk, text);
    const before = talk.messages.slice(0, -1);
    const seed = (options.seed ?? 0) + turn;
    assertEquals(answer, (await generate(of, before, { ...options, seed })).text, `${turn}`);
  }
  assertEquals(talk.messages.length, 6 + (options.system ? 1 : 0));
}

Deno.test("a conversation's answers are those to all of its turns at once", async () => {
  await compare(model, { maxTokens: 12 });
  await compare(model, { maxTokens: 12, system: "You are kind.", stop: [" the", "."] });
  await compare(model, { maxTokens: 12, temperature: 1, topK: 20, seed: 3 });
});

Deno.test("what earlier turns left in the KV cache does not go through the decoder again", async () => {
  using talk = new Conversation(model, { maxTokens: 6 });
  await say(talk, "Tell a story. ".repeat(20));
  let fed = 0;
  const counted = model.with({});
  const session = counted.session.bind(counted);
  counted.session = (capacity) => {
    const made = session(capacity);
    const greedy = made.greedy.bind(made);
    made.greedy = (tokens, count) => {
      fed += tokens.length;
      return greedy(tokens, count);
    };
    return made;
  };
  using other = new Conversation(counted, { maxTokens: 6 });
  await say(other, "Tell a story. ".repeat(20));
  const first = fed;
  await say(other, "And then?");
  assert(fed - first < first / 3, `${fed - first} of ${first}`);
});

Deno.test("a conversation can be reset, and interrupted in the middle of an answer", async () => {
  using talk = new Conversation(model, { maxTokens: 12 });
  const first = await say(talk, "Tell a story.");
  let steps = 0;
  for await (const _ of talk.say("More!")) if (++steps === 3) break;
  const answer = await say(talk, "And then?");
  assertEquals(answer, (await generate(model, talk.messages.slice(0, -1), { maxTokens: 12 })).text);
  talk.reset();
  assertEquals(talk.messages, []);
  assertEquals(await say(talk, "Tell a story."), first);
});

Deno.test("a turn that does not fit is not taken, and a model without a template cannot talk", async () => {
  using talk = new Conversation(model, { maxTokens: 2 });
  await say(talk, "Hello");
  await assertRejects(() => say(talk, "cat ".repeat(2000)), OptionError, "context");
  assertEquals(talk.messages.length, 2);
  using mute = new Conversation(plain);
  await assertRejects(() => say(mute, "Hello"), CheckpointError, "chat_template");
});

Deno.test("a turn is refused while another is answered, and after the conversation was disposed of", async () => {
  const talk = new Conversation(model, { maxTokens: 6 });
  await say(talk, "Tell a story.");
  const expected = talk.messages[1]!.content;
  talk.reset();
  for await (const _ of talk.say("Tell a story.")) {
    await assertRejects(() => say(talk, "And then?"), BusyError);
    assertThrows(() => talk.reset(), BusyError);
  }
  assertEquals(talk.messages.map(({ content }) => content), ["Tell a story.", expected]);
  // Whoever stops listening to an answer can go on.
  for await (const _ of talk.say("And then?")) break;
  await say(talk, "The end?");
  const rest = talk.say("Really?");
  await rest.next();
  talk[Symbol.dispose]();
  await assertRejects(() => rest.next(), DisposedError);
  await assertRejects(() => say(talk, "Hello?"), DisposedError);
});
