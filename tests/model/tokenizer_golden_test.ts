/**
 * Real tokenizers against Python's ids for 1,000 mixed strings (tests/golden/make_tokenizers.py).
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Tokenizer } from "any4/model";

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

for (const name of ["llama2", "gpt2", "opt", "gpt_neox_pythia", "mistral"]) {
  Deno.test({
    name: `${name}'s tokenizer gives Python's ids for 1,000 mixed strings${reason}`,
    ignore: !data,
    fn: () => compare(`${data}/tokenizers/${name}`, name),
  });
}

Deno.test({
  name: `llama2's SentencePiece model alone gives the ids that its tokenizer.json gives${reason}`,
  ignore: !data,
  async fn() {
    const folder = await Deno.makeTempDir();
    await Deno.copyFile(`${data}/tokenizers/llama2/tokenizer.model`, `${folder}/tokenizer.model`);
    // Special tokens aside, which llama2's tokenizer.json finds behind spaces only.
    await compare(folder, "llama2", (text) => !/<s>|<\/s>|<unk>/.test(text));
    await Deno.remove(folder, { recursive: true });
  },
});

/** Compares a folder's tokenizer with the ids of that name, but for strings that have none. */
async function compare(folder: string, name: string, fits: (text: string) => boolean = () => true) {
  const { strings, tokenizers } = await golden();
  const { hashes, count } = tokenizers[name]!;
  const tokenizer = Tokenizer.open(folder);
  let [total, left] = [0, 0];
  for (const [i, text] of strings.entries()) {
    const expected = hashes.slice(8 * i, 8 * i + 8);
    if (expected === "--------" || !fits(text)) {
      left++;
      continue;
    }
    const ids = tokenizer.encode(text);
    total += ids.length;
    const bytes = new TextEncoder().encode(ids.join());
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 8);
    assertEquals(hash, expected, JSON.stringify(text));
  }
  assertEquals(strings.length, 1000);
  assert(left < 200);
  if (left === 0 || name === "mistral") assertEquals(total, count);
}
