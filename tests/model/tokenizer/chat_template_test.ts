import { assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "any4";
import { Tokenizer } from "any4/model";
import { inFolder } from "../../in_folder.ts";

const tinyworld = `${import.meta.dirname}/../../../models/tinyworld`;
const file = JSON.parse(Deno.readTextFileSync(`${tinyworld}/tokenizer.json`));
const MESSAGES = [{ role: "user", content: "Hi" }];
const of = (chat_template: unknown, more = {}) => new Tokenizer(file, { chat_template, ...more });

Deno.test("of several templates the one that is asked for counts, else that for tools, else the default", () => {
  const both = [{ name: "default", template: "plain" }, { name: "tool_use", template: "tools" }, {
    name: "rag",
    template: "documents",
  }];
  for (
    const tokenizer of [of(both), of(Object.fromEntries(both.map(({ name, template }) => [name, template])))]
  ) {
    assertEquals(tokenizer.chat(MESSAGES), "plain");
    assertEquals(tokenizer.chat(MESSAGES, { tools: [] }), "tools");
    assertEquals(tokenizer.chat(MESSAGES, { template: "rag" }), "documents");
    assertThrows(
      () => tokenizer.chat(MESSAGES, { template: "none" }),
      CheckpointError,
      "default, tool_use, rag",
    );
  }
  assertThrows(() => of([{ name: "rag", template: "x" }]).chat(MESSAGES), CheckpointError, "rag");
  for (const none of [undefined, null, [], 5, [{}]]) {
    assertThrows(() => of(none).chat(MESSAGES), CheckpointError, "no chat_template");
  }
});

Deno.test("tools and documents are none where there are none, and special tokens have their names", () => {
  const template = "{{ tools is none }}{{ documents is none }}{% if tools is not none %}T{% endif %}" +
    "{{ bos_token }}{{ eos_token }}{{ unk_token }}{{ pad_token }}{{ sep_token is defined }}{{ date }}";
  const tokenizer = of(template, {
    bos_token: "<s>",
    eos_token: { content: "</s>" },
    unk_token: "<u>",
    pad_token: "<p>",
  });
  assertEquals(tokenizer.chat(MESSAGES), "TrueTrue<s></s><u><p>False");
  assertEquals(
    tokenizer.chat(MESSAGES, { tools: [{ a: 1 }], documents: [{ b: 2 }], variables: { date: "today" } }),
    "FalseFalseT<s></s><u><p>Falsetoday",
  );
});

Deno.test("what is null in a message is not there, and what was thought has the names that templates read", () => {
  const template =
    "{{ messages[0].content is defined }}{{ messages[0].reasoning_content }}{{ messages[0].thinking }}";
  const message = { role: "assistant", content: null as never, reasoning: "hm" };
  assertEquals(of(template).chat([message]), "Falsehmhm");
});

Deno.test("chat_template.json counts where there is no chat_template.jinja", () => {
  inFolder((folder) => {
    Deno.copyFileSync(`${tinyworld}/tokenizer.json`, `${folder}/tokenizer.json`);
    Deno.writeTextFileSync(`${folder}/chat_template.json`, JSON.stringify({ chat_template: "json" }));
    assertEquals(Tokenizer.open(folder).chat(MESSAGES), "json");
    Deno.writeTextFileSync(`${folder}/chat_template.jinja`, "jinja");
    assertEquals(Tokenizer.open(folder).chat(MESSAGES), "jinja");
  });
});

Deno.test("a template that loops ends the conversation with an error", () => {
  const endless = of("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}");
  assertThrows(() => endless.chat(MESSAGES), CheckpointError, "may never end");
});
