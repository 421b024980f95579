import { assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "any4";
import { Tokenizer } from "any4/model";
import { cleanUp } from "../../../lib/model/tokenizer/decoding.ts";

const folder = `${import.meta.dirname}/../../../models/tinyworld`;
const read = (file: string) => JSON.parse(Deno.readTextFileSync(`${folder}/${file}`));
const [file, config] = [read("tokenizer.json"), read("tokenizer_config.json")];
const tokenizer = Tokenizer.open(folder);

/** What a stream yields at each token, and at the end. */
function pieces(of: Tokenizer, ids: number[]): string[] {
  const stream = of.stream();
  return [...ids.map((id) => stream.push(id)), stream.flush()];
}

Deno.test("byte-level BPE is never cleaned up, whatever clean_up_tokenization_spaces says", () => {
  const text = "Ça va ? x , y ! it 's n't";
  for (const clean_up_tokenization_spaces of [true, false, undefined]) {
    const other = new Tokenizer(file, { ...config, clean_up_tokenization_spaces });
    assertEquals(other.decode(other.encode(text)), text);
    assertEquals(pieces(other, other.encode(text)).join(""), text);
  }
});

/** A unigram model of some words. */
function words(list: string[]): object {
  return {
    model: { type: "Unigram", unk_id: 0, vocab: list.map((word) => [word, 0]) },
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [{ type: "Replace", pattern: { String: "▁" }, content: " " }, { type: "Fuse" }],
    },
  };
}

Deno.test("other models are cleaned up where it is asked for, in a stream as in a whole text", () => {
  const list = [
    "<unk>",
    "▁",
    "!",
    "▁!",
    "▁'",
    "s",
    "▁'s",
    "n't",
    "▁n't",
    "word",
    "▁word",
    ",",
    "▁do",
    "▁not",
    "'",
    "ve",
  ];
  const clean = new Tokenizer(words(list), { clean_up_tokenization_spaces: true });
  const plain = new Tokenizer(words(list), {});
  let seed = 1;
  for (let round = 0; round < 500; round++) {
    const ids = Array.from(
      { length: 1 + round % 12 },
      () => (seed = seed * 48271 % 0x7fffffff) % list.length,
    );
    const expected = cleanUp(plain.decode(ids));
    assertEquals(clean.decode(ids), expected);
    assertEquals(pieces(clean, ids).join(""), expected);
  }
});

Deno.test("bytes of one character wait for its last, and come as U+FFFD where it never comes", () => {
  const ids = tokenizer.encode("é🙂", { specialTokens: false });
  const whole = pieces(tokenizer, ids);
  assertEquals(whole.join(""), "é🙂");
  assertEquals(whole.filter((piece) => piece.includes("\uFFFD")), []);
  const cut = pieces(tokenizer, ids.slice(0, -1));
  assertEquals(cut.join(""), tokenizer.decode(ids.slice(0, -1)));
  assertEquals(cut.at(-1), "\uFFFD");
});

Deno.test("decode() of nothing is nothing, and of what is no id an error that names it", () => {
  assertEquals(tokenizer.decode([]), "");
  for (const bad of [1.5, null, true, -1, NaN, "1", undefined, tokenizer.size, 2 ** 32] as number[]) {
    const { message } = assertThrows(() => tokenizer.decode([1, bad]), OptionError, "token 1");
    assertEquals(message.includes(typeof bad === "string" ? `"1"` : String(bad)), true, message);
  }
  assertEquals(tokenizer.decode([tokenizer.size - 1]).length > 0, true);
});

Deno.test("decoding takes as long for each token, however many came before", () => {
  const ids = tokenizer.encode("The king and the queen. ".repeat(4000));
  const stream = tokenizer.stream();
  const half = ids.length >> 1;
  const time = (from: number, to: number) => {
    const start = performance.now();
    for (let at = from; at < to; at++) stream.push(ids[at]!);
    return performance.now() - start;
  };
  const [first, second] = [time(0, half), time(half, ids.length)];
  assertEquals(second < 5 * first + 50, true, `${first} ms, then ${second} ms`);
});
