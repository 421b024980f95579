/**
 * Two public models as people have them, GGUF files: what llama.cpp and transformers find for them is found here too.
 * `deno task test:models`, with ANY4_MODELS the folder that has them and ANY4_DATA that with texts.
 *
 * @module
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import {
  any2,
  any3,
  any4,
  generate,
  int4,
  loadModel,
  type Model,
  nf4,
  perplexity,
  quantizeOnDisk,
} from "any4";
import { peakMemory } from "any4/measure";
import { texts } from "../golden/gguf_texts.ts";
import gemma3 from "../golden/gguf/ids-gemma3.json" with { type: "json" };
import smollm2 from "../golden/gguf/ids-smollm2.json" with { type: "json" };

const MODELS = Deno.env.get("ANY4_MODELS");
const DATA = Deno.env.get("ANY4_DATA");
const withModels = { ignore: MODELS === undefined };
const withData = { ignore: MODELS === undefined || DATA === undefined };
const reason = MODELS === undefined ? " (ignored: ANY4_MODELS is not set)" : "";
const dataReason = reason || (DATA === undefined ? " (ignored: ANY4_DATA is not set)" : "");

interface Real {
  name: string;
  file: string;
  /** llama.cpp's ids of the 300 texts (tests/golden/make_llama_cpp.mjs). */
  ids: number[][];
  /**
   * By transformers in float32, of the file's values rounded to BF16: one window of the first 2,049 ids of the first
   * 12,000 bytes of wikitext-2-raw-test.txt, a BOS first where the model has one.
   */
  perplexity: number;
  /** How "The capital of France is" goes on, where that is known. */
  greedy?: string;
}

const REAL: readonly Real[] = [
  {
    name: "SmolLM2-135M-Instruct",
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    ids: smollm2.ids,
    perplexity: 15.128,
    greedy: " Paris.\n\nThe answer is: 2018-01-22 12:12:53.",
  },
  {
    name: "Gemma 3 270M",
    file: "gemma-3-270m-q4_k_m.gguf",
    ids: gemma3.ids,
    perplexity: 12.717,
  },
];

const load = (real: Real): Promise<Model> => loadModel(`${MODELS}/${real.file}`);
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
const text = () =>
  new TextDecoder().decode(Deno.readFileSync(`${DATA}/text/wikitext-2-raw-test.txt`).subarray(0, 12_000));

for (const real of REAL) {
  Deno.test(`${real.name}: ids of 300 texts are llama.cpp's${reason}`, withModels, async () => {
    const start = performance.now();
    using model = await load(real);
    const seconds = (performance.now() - start) / 1000;
    console.log(`loaded in ${seconds.toFixed(1)} s, ${megabytes(peakMemory())} at most`);
    for (const [i, text] of texts().entries()) {
      assertEquals(model.tokenizer.encode(text, { specialTokens: false }), real.ids[i], JSON.stringify(text));
    }
  });

  const { greedy } = real;
  if (greedy !== undefined) {
    Deno.test(
      `${real.name}: a text goes on greedily as it does in transformers${reason}`,
      withModels,
      async () => {
        using model = await load(real);
        const { text } = await generate(model, "The capital of France is", { maxTokens: 30 });
        assertEquals(text, greedy);
      },
    );
  }

  Deno.test(`${real.name}: perplexity is transformers', within 0.3 %${dataReason}`, withData, async () => {
    using model = await load(real);
    const found = await perplexity(model, { text: text(), context: 2049, maxTokens: 2048 });
    console.log(`${found.perplexity.toFixed(3)}, ${megabytes(peakMemory())} at most`);
    assertEquals(found.tokens, 2048);
    assertLess(Math.abs(found.perplexity / real.perplexity - 1), 0.003);
  });

  for (const [name, quantize] of Object.entries({ any4, any3, any2, int4, nf4 })) {
    Deno.test(`${real.name}: ${name} in memory${dataReason}`, withData, async () => {
      using model = await load(real);
      const small = await quantize(model, { groupSize: 64 });
      const found = await perplexity(small, { text: text(), context: 256, maxTokens: 255 });
      console.log(`${found.perplexity.toFixed(2)}, ${megabytes(peakMemory())} at most`);
      // 2 bits without more than rounding are few, and still no noise.
      assertLess(found.perplexity, name === "any2" ? 1e5 : name === "any3" ? 200 : 60);
      assert(found.perplexity > 1);
    });
  }

  Deno.test(`${real.name}: any4 from disk to disk, and loaded again${reason}`, withModels, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await quantizeOnDisk(`${MODELS}/${real.file}`, folder, { format: "any4", groupSize: 64 });
      using model = await loadModel(folder);
      const found = await generate(model, "The capital of France is", { maxTokens: 8 });
      assertEquals(found.tokens.length, 8);
      assertEquals(model.tokenizer.encode(texts()[0]!, { specialTokens: false }), real.ids[0]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
