import { assertEquals } from "@std/assert";
import { openGguf } from "../../../lib/model/gguf/open.ts";
import { Tokenizer } from "../../../lib/model/tokenizer/tokenizer.ts";
import { texts } from "../../golden/gguf_texts.ts";
import llama from "../../golden/gguf/ids-llama.json" with { type: "json" };
import qwen2 from "../../golden/gguf/ids-qwen2.json" with { type: "json" };

for (const [name, { ids }] of Object.entries({ llama, qwen2 })) {
  Deno.test(`300 texts have llama.cpp's ids by the vocabulary of ${name}.gguf`, () => {
    const path = new URL(`../../golden/gguf/${name}.gguf`, import.meta.url).pathname;
    const gguf = openGguf(path);
    gguf.weights[Symbol.dispose]();
    const tokenizer = Tokenizer.ofGguf(path, gguf.tokenizer);
    for (const [i, text] of texts().entries()) {
      assertEquals(tokenizer.encode(text, { specialTokens: false }), ids[i], JSON.stringify(text));
    }
  });
}
