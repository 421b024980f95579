import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { CheckpointError } from "../../../lib/errors.ts";
import { toFloat32 } from "../../../lib/matrix/dtype.ts";
import { Metadata } from "../../../lib/model/gguf/metadata.ts";
import { openGguf } from "../../../lib/model/gguf/open.ts";
import { ggufTokenizer } from "../../../lib/model/gguf/tokenizer.ts";
import { loadModel } from "../../../lib/model/load_model.ts";
import { any4 } from "../../../lib/quantize/quantize_model.ts";
import { saveModel } from "../../../lib/model/save.ts";
import { Tokenizer } from "../../../lib/model/tokenizer/tokenizer.ts";

const folder = new URL("../../golden/gguf/", import.meta.url).pathname;
interface Golden {
  ids: number[];
  logits: string;
  weights: Record<string, string>;
  texts: Record<string, number[]>;
}
const { models }: { models: Record<string, Golden> } = JSON.parse(
  Deno.readTextFileSync(`${folder}models.json`),
);
const floats = (text: string) => new Float32Array(Uint8Array.fromBase64(text).buffer);

Deno.test("a GGUF file's weights have the names, values and row order of transformers", () => {
  for (const [name, { weights }] of Object.entries(models)) {
    const gguf = openGguf(`${folder}${name}.gguf`);
    using file = gguf.weights;
    for (const [tensor, values] of Object.entries(weights)) {
      const [expected, read] = [floats(values), file.readFloat32(tensor)];
      read.forEach((value, i) => assertAlmostEquals(value, expected[i]!, 1e-6, `${name} ${tensor} ${i}`));
      assertEquals(toFloat32(file.read(tensor), file.info(tensor).dtype), read);
    }
    assertEquals([...file.names()].length, name === "llama" ? 21 : 26);
  }
});

Deno.test("a GGUF file's config is Hugging Face's", () => {
  const { config, weights } = openGguf(`${folder}qwen2.gguf`);
  weights[Symbol.dispose]();
  const { vocab_size, architectures, ...sizes } = config;
  assertEquals(architectures, ["Qwen2ForCausalLM"]);
  assert(Number(vocab_size) > 256);
  assertEquals(sizes, {
    model_type: "qwen2",
    hidden_act: "silu",
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 8,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    rope_scaling: null,
    tie_word_embeddings: true,
    attention_bias: true,
    bos_token_id: null,
    eos_token_id: [Number(vocab_size) - 1, Number(vocab_size) - 2],
    torch_dtype: "float32",
  });
});

Deno.test("a GGUF file's tokenizer gives the ids that transformers makes of it", () => {
  for (const [name, { texts }] of Object.entries(models)) {
    const gguf = openGguf(`${folder}${name}.gguf`);
    gguf.weights[Symbol.dispose]();
    const tokenizer = Tokenizer.ofGguf(name, gguf.tokenizer);
    for (const [text, ids] of Object.entries(texts)) {
      assertEquals(tokenizer.encode(text), ids, `${name}: ${text}`);
      assertEquals(tokenizer.decode(ids, { specialTokens: true }).replace(/^<s> ?/, ""), text, name);
    }
  }
});

Deno.test("a GGUF file loads, computes what transformers does, and can be quantized and saved", async () => {
  const golden = models.llama!;
  using model = await loadModel(`${folder}llama.gguf`, { backend: "plain" });
  using session = model.session(golden.ids.length);
  const logits = await session.forward(golden.ids, { logits: "all" }) as Float32Array;
  const expected = floats(golden.logits);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assertEquals(logits.length, expected.length);
  logits.forEach((value, i) => assertLess(Math.abs(value - expected[i]!), 1e-4 * largest));
  assertEquals(model.tokenizer.chat([{ role: "user", content: "Hi" }]), "[user] Hi\n");

  const small = await any4(model, { groupSize: 32 });
  const out = await Deno.makeTempDir();
  await saveModel(small, out);
  using again = await loadModel(out, { backend: "plain" });
  assertEquals(
    again.tensors.get("model.layers.0.mlp.up_proj.weight"),
    small.weights("model.layers.0.mlp.up_proj"),
  );
  const [text] = Object.keys(golden.texts);
  assertEquals(again.tokenizer.encode(text!), golden.texts[text!]!);
  await Deno.remove(out, { recursive: true });
});

const vocabulary = (more: Record<string, unknown>) =>
  new Metadata({ "tokenizer.ggml.tokens": ["a", "b", "ab"], ...more }, "x.gguf");

Deno.test("vocabularies that cannot be expressed say so", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ "tokenizer.ggml.model": "t5" }, 'must be "llama" or "gpt2"'],
    [{ "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "kimi-k2" }, 'current value is "kimi-k2"'],
    [{ "tokenizer.ggml.model": "gpt2" }, '"tokenizer.ggml.merges" is missing'],
    [{ "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.merges": ["ab"] }, "must hold pairs"],
    [{ "tokenizer.ggml.model": "llama", "tokenizer.ggml.scores": [1] }, "as many as tokens, 3"],
    [{ "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": [1] }, "must be a list of strings"],
  ];
  for (const [values, says] of cases) {
    assertThrows(() => ggufTokenizer(vocabulary(values)), CheckpointError, says);
  }
});

Deno.test("a GGUF file of another architecture says which are supported", () => {
  assertThrows(
    () => openGguf(`${folder}tensors.gguf`),
    CheckpointError,
    '"llama.attention.head_count" is missing',
  );
});

const data = Deno.env.get("ANY4_DATA");
Deno.test({
  name: "merges made of Llama 2's scores give the ids of its own tokenizer.json",
  ignore: data === undefined,
  fn() {
    const at = `${data}/tokenizers/llama2`;
    const original = JSON.parse(Deno.readTextFileSync(`${at}/tokenizer.json`));
    const vocab: Record<string, number> = original.model.vocab;
    const tokens = Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!);
    // As its SentencePiece model has them: a piece's score is its rank, and runs of spaces come last.
    const scores = tokens.map((token, id) => /^▁▁+$/.test(token) ? -1e9 : Math.min(0, 259 - id));
    const kinds = tokens.map((_, id) => id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1);
    const files = ggufTokenizer(
      vocabulary({
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
      }),
    );
    const [own, its] = [Tokenizer.ofGguf("llama2", files), Tokenizer.open(at)];
    const lines = Deno.readTextFileSync(`${data}/text/wikitext-2-raw-test.txt`).split("\n").slice(0, 1500)
      .concat(["café 你好 🦕 naïve\t\t", "  x  ", "1234567890 ¼ ß ﬁ", "def f(x):\n    return x**2"]);
    for (const line of lines) assertEquals(own.encode(line), its.encode(line), line);
  },
});
