import { assert, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError, loadModel, saveModel } from "any4";
import { Tokenizer } from "any4/model";

const utf8 = new TextEncoder();

/** A field of a protocol buffer: a varint, a float, or bytes. */
function field(number: number, value: number | { float: number } | Uint8Array | string): number[] {
  const tag = (type: number) => varint(number * 8 + type);
  if (typeof value === "number") return [...tag(0), ...varint(value)];
  if (typeof value === "string") value = utf8.encode(value);
  if (value instanceof Uint8Array) return [...tag(2), ...varint(value.length), ...value];
  return [...tag(5), ...new Uint8Array(Float32Array.of(value.float).buffer)];
}

function varint(value: number): number[] {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return [...bytes, value];
}

const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
/** Words, the better the earlier, then letters. */
const pieces = ["▁t", "he", "▁the", "▁a", ..."▁theacr\ufeff"];
const vocabulary = ["<unk>", "<s>", "</s>", ...bytes, ...pieces];

/** A model of that vocabulary. */
function model({ type = 2 } = {}): Uint8Array {
  const trainer = [...field(3, type), ...field(35, 1), ...field(40, 0), ...field(41, 1), ...field(42, 2)];
  const kind = (id: number) => id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1;
  const parts = vocabulary.map((text, id) =>
    field(1, Uint8Array.from([...field(1, text), ...field(2, { float: -id }), ...field(3, kind(id))]))
  );
  return Uint8Array.from([
    ...parts.flat(),
    ...field(2, Uint8Array.from(trainer)),
    // A space is put first; none is taken away.
    ...field(3, Uint8Array.from([...field(3, 1), ...field(4, 0)])),
  ]);
}

async function inFolder(file: Uint8Array, run: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/tokenizer.model`, file);
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a SentencePiece model alone is a tokenizer: BOS first, best pieces, bytes for what is none", async () => {
  await inFolder(model(), async (folder) => {
    const tokenizer = Tokenizer.open(folder);
    const tokens = (text: string) => tokenizer.encode(text).map((id) => vocabulary[id]);
    assertEquals(tokens("the cat"), ["<s>", "▁the", "▁", "c", "a", "t"]);
    assertEquals(tokens("a😀"), ["<s>", "▁a", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>"]);
    assertEquals(tokens("\ufeff a"), ["<s>", "▁", "\ufeff", "▁a"]);
    assertEquals(tokenizer.decode(tokenizer.encode("the 😀 cat")), "the 😀 cat");
    await Deno.writeTextFile(`${folder}/tokenizer_config.json`, JSON.stringify({ add_bos_token: false }));
    assertEquals(Tokenizer.open(folder).encode("a").length, 1);
  });
});

Deno.test("what was made of a SentencePiece model is saved as tokenizer.json", async () => {
  using tinyworld = await loadModel("tinyworld");
  await inFolder(model(), async (folder) => {
    const changed = tinyworld.with({ tokenizer: Tokenizer.open(folder), folder });
    await saveModel(changed, `${folder}/saved`);
    assertEquals(Tokenizer.open(`${folder}/saved`).encode("the cat"), changed.tokenizer.encode("the cat"));
  });
});

Deno.test("a SentencePiece model that is cut off, malformed or of another kind is an error", async () => {
  const whole = model();
  await inFolder(model({ type: 3 }), (folder) => {
    const { message } = assertThrows(() => Tokenizer.open(folder), CheckpointError, "model_type");
    assert(message.includes("tokenizer.model"), message);
  });
  for (const broken of [new Uint8Array(), whole.slice(0, 3), whole.slice(0, 1001), Uint8Array.of(7, 7)]) {
    await inFolder(broken, (folder) => {
      assertThrows(() => Tokenizer.open(folder), CheckpointError);
    });
  }
});
