/**
 * Real tokenizers against Python's ids for 1,000 mixed strings (tests/golden/make_tokenizers.py).
 *
 * @module
 */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CheckpointError, Tokenizer } from "any4";

const data = Deno.env.get("ANY4_DATA");
const reason = data ? "" : " (ignored: ANY4_DATA is not set)";

interface Golden {
  strings: string[];
  /** Digits of the hash of each string's ids, and the number of ids. */
  tokenizers: Record<string, { hashes: string; count: number }>;
}

async function golden(): Promise<Golden> {
  const packed = Deno.readFileSync(`${import.meta.dirname}/../golden/tokenizers.json.gz`);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).json();
}

for (const name of ["llama2", "gpt2", "opt", "gpt_neox_pythia"]) {
  Deno.test({
    name: `${name}'s tokenizer gives Python's ids for 1,000 mixed strings${reason}`,
    ignore: !data,
    async fn() {
      const { strings, tokenizers } = await golden();
      const { hashes, count } = tokenizers[name]!;
      const tokenizer = Tokenizer.open(`${data}/tokenizers/${name}`);
      let total = 0;
      for (const [i, text] of strings.entries()) {
        const ids = tokenizer.encode(text);
        total += ids.length;
        const bytes = new TextEncoder().encode(ids.join());
        const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 8);
        assertEquals(hash, hashes.slice(8 * i, 8 * i + 8), JSON.stringify(text));
      }
      assertEquals([strings.length, total], [1000, count]);
    },
  });
}

Deno.test({
  name: `a tokenizer that is a SentencePiece model alone is an error that says what to do${reason}`,
  ignore: !data,
  fn() {
    const { message } = assertThrows(() => Tokenizer.open(`${data}/tokenizers/mistral`), CheckpointError);
    assertStringIncludes(message, "tokenizer.model.v1, a SentencePiece model, is not read");
    assertStringIncludes(message, "save_pretrained");
  },
});
