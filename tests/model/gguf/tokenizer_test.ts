import { assertEquals } from "@std/assert";
import { Metadata } from "../../../lib/model/gguf/metadata.ts";
import { openGguf } from "../../../lib/model/gguf/open.ts";
import { ggufTokenizer } from "../../../lib/model/gguf/tokenizer.ts";
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

Deno.test("chat templates are one, or a list of named ones", () => {
  const templates = (more: Record<string, string | string[]>) => {
    const values = {
      "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.tokens": ["a"],
      "tokenizer.ggml.merges": [],
      ...more,
    };
    return ggufTokenizer(new Metadata(values, "x.gguf"))["tokenizer_config.json"].chat_template;
  };
  assertEquals(templates({}), undefined);
  assertEquals(templates({ "tokenizer.chat_template": "A" }), "A");
  const several = {
    "tokenizer.chat_template": "A",
    "tokenizer.chat_templates": ["tool_use", "lost"],
    "tokenizer.chat_template.tool_use": "B",
  };
  assertEquals(templates(several), [{ name: "default", template: "A" }, { name: "tool_use", template: "B" }]);
});
