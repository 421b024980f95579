import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CheckpointError } from "any4";
import { evaluationDocuments } from "any4/measure";
import { Tokenizer } from "any4/model";

const folder = `${import.meta.dirname}/../../../models/tinyworld`;
const read = (file: string) => JSON.parse(Deno.readTextFileSync(`${folder}/${file}`));
const [file, config] = [read("tokenizer.json"), read("tokenizer_config.json")];
const tokenizer = Tokenizer.open(folder);

/** Runs with a folder that holds these texts as files. */
function inFolder(files: Record<string, string>, use: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(`${folder}/${name}`, text);
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("encode() puts the beginning-of-sequence token first, unless told not to", () => {
  const [first, ...rest] = tokenizer.encode("Once upon a time");
  assertEquals(tokenizer.decode([first!], { specialTokens: true }), config.bos_token);
  assertEquals(tokenizer.encode("Once upon a time", { specialTokens: false }), rest);
  assertEquals(tokenizer.encode(""), [first]);
});

Deno.test("decode() gives back what was encoded, special tokens only when asked for", () => {
  const texts = [
    "",
    " two  spaces\tand a tab\n\n  indented",
    "naïve – 東京 🎉 \u{1d4d0} e\u0301",
    "1234567890 3.14 <b>&amp;</b> it's",
    ...evaluationDocuments().map(({ text }) => text),
  ];
  for (const text of texts) {
    const ids = tokenizer.encode(text);
    assertEquals(tokenizer.decode(ids), text);
    assertEquals(tokenizer.decode(ids, { specialTokens: true }), config.bos_token + text);
  }
});

const MESSAGES = [
  { role: "user", content: "Who are you?" },
  { role: "assistant", content: "A small model." },
  { role: "user", content: 'Say "{{ hi }}"' },
];
const TEMPLATE = `{{ bos_token }}{% for message in messages %}
{%- if message.role == "system" %}{{ raise_exception("no system messages") }}{% endif -%}
<{{ message.role }}>{{ message.content }}{{ eos_token }}
{%- endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`;

Deno.test("chat() renders a conversation by the checkpoint's template", () => {
  const chatty = new Tokenizer(file, {
    bos_token: "[BOS]",
    // As older checkpoints write it.
    eos_token: { content: "[EOS]", special: true },
    chat_template: TEMPLATE,
  });
  const turns = '[BOS]<user>Who are you?[EOS]<assistant>A small model.[EOS]<user>Say "{{ hi }}"[EOS]';
  assertEquals(chatty.chat(MESSAGES), turns + "<assistant>");
  assertEquals(chatty.chat(MESSAGES, { addGenerationPrompt: false }), turns);
});

Deno.test("a rendered conversation has one beginning when encoded without special tokens", () => {
  const chatty = new Tokenizer(file, { ...config, chat_template: TEMPLATE });
  const ids = chatty.encode(chatty.chat(MESSAGES), { specialTokens: false });
  const [bos] = chatty.encode("");
  assertEquals(ids.filter((id) => id === bos), [bos]);
  assertEquals(ids[0], bos);
});

Deno.test("a template that refuses, or is none, is an error that says why", () => {
  const system = [{ role: "system", content: "Be brief." }];
  const chatty = new Tokenizer(file, { ...config, chat_template: TEMPLATE });
  assertThrows(() => chatty.chat(system), CheckpointError, "no system messages");
  const broken = new Tokenizer(file, { ...config, chat_template: "{% if %}" });
  assertThrows(() => broken.chat(MESSAGES), CheckpointError, "chat_template");
  const none = new Tokenizer(file, { ...config, chat_template: undefined });
  assertThrows(() => none.chat(MESSAGES), CheckpointError, "no chat_template");
});

Deno.test("chat_template.jinja counts for more than tokenizer_config.json", () => {
  const files = {
    "tokenizer.json": JSON.stringify(file),
    "tokenizer_config.json": JSON.stringify({ chat_template: "old" }),
  };
  inFolder(files, (folder) => assertEquals(Tokenizer.open(folder).chat(MESSAGES), "old"));
  inFolder({ ...files, "chat_template.jinja": "new" }, (folder) => {
    assertEquals(Tokenizer.open(folder).chat(MESSAGES), "new");
  });
});

Deno.test("tokenizer.json alone is enough", () => {
  inFolder({ "tokenizer.json": JSON.stringify(file) }, (folder) => {
    assertEquals(Tokenizer.open(folder).encode("The king"), tokenizer.encode("The king"));
  });
});

/** Bytes as GPT-2's vocabulary writes them, for those that are their own characters. */
const BYTES = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).concat("Ġ", "Ċ");

Deno.test("vocab.json and merges.txt are enough, with special tokens as they are configured", () => {
  const tokens = ["<s>", "<|endoftext|>", ...BYTES, "Ġa", "ab", "Ġab"];
  const files = {
    "vocab.json": JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id]))),
    "merges.txt": "#version: 0.2\na b\nĠ ab\nĠ a\n",
  };
  const id = (...names: string[]) => names.map((name) => tokens.indexOf(name));
  inFolder(files, (folder) => {
    const tokenizer = Tokenizer.open(folder);
    assertEquals(tokenizer.encode("ab ab a#<|endoftext|>"), id("ab", "Ġab", "Ġa", "#", "<|endoftext|>"));
    assertEquals(tokenizer.decode(id("ab", "Ġab", "<|endoftext|>")), "ab ab");
  });
  const config = JSON.stringify({ bos_token: { content: "<s>" }, add_bos_token: true });
  inFolder({ ...files, "tokenizer_config.json": config }, (folder) => {
    const tokenizer = Tokenizer.open(folder);
    assertEquals(tokenizer.encode("ab<s>"), id("<s>", "ab", "<s>"));
    assertEquals(tokenizer.encode("ab", { specialTokens: false }), id("ab"));
  });
});

Deno.test("white space is Unicode's: U+0085 is some, U+FEFF is none", () => {
  const tokens = [...BYTES, "ĠĠ", "Ċ!", "Â", "ħ", "ï", "»", "¿"];
  const files = {
    "vocab.json": JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id]))),
    "merges.txt": "Ġ Ġ\n",
  };
  inFolder(files, (folder) => {
    const encode = (text: string) => Tokenizer.open(folder).encode(text).map((id) => tokens[id]);
    // Two spaces before a word are one for each; before what is no white space one is left to it.
    assertEquals(encode("!  \ufeff"), ["!", "Ġ", "Ġ", "ï", "»", "¿"]);
    assertEquals(encode("!  \u0085"), ["!", "ĠĠ", "Â", "ħ"]);
  });
});

Deno.test("a missing or malformed tokenizer file is an error that names it", () => {
  inFolder({}, (folder) => {
    const { message } = assertThrows(() => Tokenizer.open(folder), CheckpointError);
    assertStringIncludes(message, `${folder}/tokenizer.json is missing`);
  });
  inFolder({ "tokenizer.json": "{" }, (folder) => {
    assertThrows(() => Tokenizer.open(folder), CheckpointError, "tokenizer.json: it is malformed");
  });
  for (const text of ["{}", "[]", "null", '{"model": {}}']) {
    inFolder({ "tokenizer.json": text }, (folder) => {
      assertThrows(() => Tokenizer.open(folder), CheckpointError, folder);
    });
  }
  inFolder({ "tokenizer.json": JSON.stringify(file), "tokenizer_config.json": "[" }, (folder) => {
    assertThrows(() => Tokenizer.open(folder), CheckpointError, "tokenizer_config.json: it is malformed");
  });
});
