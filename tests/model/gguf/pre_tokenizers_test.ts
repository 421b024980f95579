import { assert, assertEquals } from "@std/assert";
import { Metadata } from "../../../lib/model/gguf/metadata.ts";
import { preTokenizerNames } from "../../../lib/model/gguf/pre_tokenizers.ts";
import { ggufTokenizer } from "../../../lib/model/gguf/tokenizer.ts";
import { Tokenizer } from "../../../lib/model/tokenizer/tokenizer.ts";
import { texts } from "../../golden/gguf_texts.ts";
import vocabulary from "../../golden/gguf/vocabulary.json" with { type: "json" };

interface Group {
  names: string[];
  ids: number[][];
}
const packed = Deno.readFileSync(new URL("../../golden/gguf/words.json.gz", import.meta.url));
const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
const { groups }: { groups: Group[] } = await new Response(unpacked).json();

function tokenizer(pre: string): Tokenizer {
  const metadata = new Metadata({
    "tokenizer.ggml.model": "gpt2",
    ...(pre === "absent" ? {} : { "tokenizer.ggml.pre": pre }),
    "tokenizer.ggml.tokens": vocabulary.tokens,
    "tokenizer.ggml.merges": vocabulary.merges,
  }, "x.gguf");
  return Tokenizer.ofGguf("x.gguf", ggufTokenizer(metadata));
}

for (const { names, ids } of groups) {
  Deno.test(`texts are split as llama.cpp splits them for ${names.join(", ")}`, () => {
    for (const name of names) {
      const own = tokenizer(name);
      for (const [i, text] of texts().entries()) {
        assertEquals(own.encode(text, { specialTokens: false }), ids[i], `${name}: ${JSON.stringify(text)}`);
      }
    }
  });
}

Deno.test("llama.cpp's ids are there for every pre-tokenizer, and for files that name none", () => {
  const there = new Set(groups.flatMap(({ names }) => names));
  assertEquals([...preTokenizerNames(), "absent"].filter((name) => !there.has(name)), []);
  assert(groups.length > 8);
});
