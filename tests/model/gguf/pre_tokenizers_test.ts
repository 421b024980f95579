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

const TEXTS = texts({ plain: true });

/** How many of the texts llama.cpp splits in another way than the models' own tokenizers do. */
const OTHERWISE: Record<string, number> = {
  ...{ "gpt-4o": 51, llama4: 51, kanana2: 51, tekken: 51 },
  ...{ "deepseek-llm": 1, "deepseek-coder": 1 },
};

function differing(pre: string, ids: number[][]): string[] {
  const own = tokenizer(pre);
  return TEXTS.filter((text, i) =>
    JSON.stringify(own.encode(text, { specialTokens: false })) !== JSON.stringify(ids[i])
  );
}

for (const { names, ids } of groups) {
  const [first] = names;
  const but = OTHERWISE[first!] ? `, but for ${OTHERWISE[first!]}` : "";
  Deno.test(`texts are split as llama.cpp splits them for ${names.join(", ")}${but}`, () => {
    for (const name of names) {
      const found = differing(name, ids);
      assertEquals(found.length, OTHERWISE[name] ?? 0, `${name}: ${JSON.stringify(found[0])}`);
    }
  });
}

Deno.test("where llama.cpp splits otherwise, texts are split as the models' own tokenizers do", () => {
  for (const [name, ids] of Object.entries(vocabulary.own)) assertEquals(differing(name, ids), [], name);
});

Deno.test("llama.cpp's ids are there for every pre-tokenizer, and for files that name none", () => {
  const there = new Set(groups.flatMap(({ names }) => names));
  assertEquals([...preTokenizerNames(), "absent"].filter((name) => !there.has(name)), []);
  assert(groups.length > 8);
});
