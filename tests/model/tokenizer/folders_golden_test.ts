/**
 * Folders with any of a tokenizer's files against transformers' AutoTokenizer (tests/golden/make_tokenizer_folders.py).
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Tokenizer } from "any4/model";

interface Golden {
  readonly strings: string[];
  readonly files: Record<string, string>;
  readonly folders: { name: string; files: Record<string, string>; ids: number[][]; texts: string[] }[];
}

const packed = Deno.readFileSync(`${import.meta.dirname}/../../golden/tokenizer_folders.json.gz`);
const golden: Golden = await new Response(
  new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")),
).json();

for (const { name, files, ids, texts } of golden.folders) {
  Deno.test(`${name}: the ids and texts of transformers`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      for (const [file, content] of Object.entries(files)) {
        const data = golden.files[content] ?? content;
        const bytes = content.endsWith(".model")
          ? Uint8Array.fromBase64(data)
          : new TextEncoder().encode(data);
        await Deno.writeFile(`${folder}/${file}`, bytes);
      }
      const tokenizer = Tokenizer.open(folder);
      for (const [i, text] of golden.strings.entries()) {
        assertEquals(tokenizer.encode(text), ids[i], JSON.stringify(text));
        assertEquals(tokenizer.decode(ids[i]!), texts[i]);
      }
      // What was made of the files is a tokenizer.json that gives the same.
      if (!tokenizer.files) return;
      for (const [file, json] of Object.entries(tokenizer.files)) {
        await Deno.writeTextFile(`${folder}/${file}`, JSON.stringify(json));
      }
      const again = Tokenizer.open(folder);
      for (const [i, text] of golden.strings.entries()) {
        assertEquals(again.encode(text), ids[i], JSON.stringify(text));
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
