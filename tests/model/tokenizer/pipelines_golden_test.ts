/**
 * Every kind of tokenizer.json against the tokenizers library (tests/golden/make_pipelines.py).
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Tokenizer } from "any4/model";
import { CheckpointError } from "../../../lib/errors.ts";

interface Golden {
  readonly strings: string[];
  readonly vocabularies: Record<string, Record<string, unknown>>;
  readonly pipelines: {
    readonly name: string;
    readonly json: Record<string, unknown> & { model: string };
    /** Digits of the hash of each string's ids. */
    readonly hashes: string;
    /** Ids, and digits of the hash of what they decode to without and with special tokens. */
    readonly texts: [number[], string, string][];
  }[];
}

const packed = Deno.readFileSync(`${import.meta.dirname}/../../golden/pipelines.json.gz`);
const golden: Golden = await new Response(
  new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")),
).json();

async function digits(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 8);
}

function idsOf(tokenizer: Tokenizer, text: string): string {
  try {
    return tokenizer.encode(text).join();
  } catch (error) {
    assert(error instanceof CheckpointError, `${error}`);
    return "error";
  }
}

for (const { name, json, hashes, texts } of golden.pipelines) {
  Deno.test(`${name}: the ids and texts of the tokenizers library`, async () => {
    const tokenizer = new Tokenizer({ ...json, model: golden.vocabularies[json.model] }, {});
    for (const [i, text] of golden.strings.entries()) {
      const ids = idsOf(tokenizer, text);
      assertEquals(await digits(ids), hashes.slice(8 * i, 8 * i + 8), `${JSON.stringify(text)}: ${ids}`);
    }
    for (const [ids, plain, special] of texts) {
      const decoded = tokenizer.decode(ids);
      assertEquals(await digits(decoded), plain, `${ids} gives ${JSON.stringify(decoded)}`);
      const whole = tokenizer.decode(ids, { specialTokens: true });
      assertEquals(await digits(whole), special, `${ids} gives ${JSON.stringify(whole)}`);
      // A piece that came is never taken back.
      const stream = tokenizer.stream();
      assertEquals(ids.map((id) => stream.push(id)).join("") + stream.flush(), decoded);
    }
  });
}
