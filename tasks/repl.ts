/**
 * `deno task repl` opens Deno's REPL on this: the front door imported, and a hint.
 *
 * @module
 */
import * as any4 from "any4";

Object.assign(globalThis, any4);

console.log(`any4-deno: everything of mod.ts is here. Try

  const model = await loadModel("tinyworld");
  const small = await any4(model);
  (await perplexity(small, { maxTokens: 300 })).perplexity
  (await generate(small, "Once upon a time")).text
`);
