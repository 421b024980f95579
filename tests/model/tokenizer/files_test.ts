import { assert, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "any4";
import { Tokenizer } from "any4/model";
import { inFolder } from "../../in_folder.ts";

const tinyworld = `${import.meta.dirname}/../../../models/tinyworld`;
const whole = Deno.readTextFileSync(`${tinyworld}/tokenizer.json`);

const NAMES = [
  ...["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"],
  ...["chat_template.jinja", "vocab.json", "tokenizer.model"],
];

/** A folder with tokenizer.json, unless another file takes its place, and something under another name. */
function withFile(name: string, make: (path: string) => unknown): void {
  inFolder((folder) => {
    if (!["tokenizer.json", "vocab.json", "tokenizer.model"].includes(name)) {
      Deno.writeTextFileSync(`${folder}/tokenizer.json`, whole);
    }
    make(`${folder}/${name}`);
    const start = performance.now();
    const before = Deno.memoryUsage().rss;
    assertThrows(() => Tokenizer.open(folder), CheckpointError, name);
    assert(performance.now() - start < 1000);
    assert(Deno.memoryUsage().rss - before < 100e6);
  });
}

Deno.test("pipes, devices, folders and huge files are no tokenizer's files, and are not read", () => {
  for (const name of NAMES) {
    if (Deno.build.os !== "windows") {
      withFile(name, (path) => new Deno.Command("mkfifo", { args: [path] }).outputSync());
      withFile(name, (path) => Deno.symlinkSync("/dev/zero", path));
    }
    withFile(name, (path) => Deno.mkdirSync(path));
    withFile(name, (path) => {
      Deno.writeTextFileSync(path, "{}");
      Deno.truncateSync(path, 200e6);
    });
  }
});

Deno.test("files that are not UTF-8, no JSON, or nested too deep are errors that name them", () => {
  for (const name of NAMES.filter((name) => name.endsWith(".json"))) {
    withFile(name, (path) => Deno.writeFileSync(path, Uint8Array.of(0x7b, 0xff, 0x7d)));
    withFile(name, (path) => Deno.writeTextFileSync(path, "{"));
    withFile(
      name,
      (path) => Deno.writeTextFileSync(path, `{"a":${"[".repeat(10000)}${"]".repeat(10000)}}`),
    );
    withFile(name, (path) => Deno.writeTextFileSync(path, "[1]"));
  }
});

Deno.test("a class whose files are others is refused by its name", () => {
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/vocab.json`, "{}");
    Deno.writeTextFileSync(`${folder}/merges.txt`, "");
    Deno.writeTextFileSync(`${folder}/tokenizer_config.json`, '{"tokenizer_class":"WhisperTokenizer"}');
    assertThrows(() => Tokenizer.open(folder), CheckpointError, "WhisperTokenizer");
  });
});

Deno.test("one endless piece of a SentencePiece model costs no more than its letters", () => {
  inFolder((folder) => {
    const text = new TextEncoder().encode("ab".repeat(350_000));
    const varint = (value: number): number[] =>
      value > 127 ? [value % 128 + 128, ...varint(value >> 7)] : [value];
    const field = (
      number: number,
      bytes: Uint8Array | number[],
    ) => [number * 8 + 2, ...varint(bytes.length), ...bytes];
    const piece = (bytes: Uint8Array | number[]) => field(1, field(1, bytes));
    const model = [
      ...piece([0x61]),
      ...piece([0x62]),
      ...piece([0x61, 0x62]),
      ...piece(text),
      ...field(2, [24, 2]),
    ];
    Deno.writeFileSync(`${folder}/tokenizer.model`, Uint8Array.from(model));
    const start = performance.now();
    assertEquals(Tokenizer.open(folder).size, 4);
    assert(performance.now() - start < 2000, `${performance.now() - start} ms`);
  });
});

Deno.test("a megabyte of text without a space is encoded in seconds", () => {
  const tokenizer = Tokenizer.open(tinyworld);
  const start = performance.now();
  const text = "abcdefghij".repeat(100_000);
  assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
  assert(performance.now() - start < 10_000, `${performance.now() - start} ms`);
});
