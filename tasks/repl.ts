/**
 * `deno task repl` runs this file in Deno's REPL: it imports all entries and prints a hint.
 *
 * @module
 */
// Deno's REPL runs this file as if it were typed in: `import * as any4` would hide the function of that name.
Object.assign(
  globalThis,
  ...await Promise.all([
    import("any4"),
    import("any4/compute"),
    import("any4/formats"),
    import("any4/hub"),
    import("any4/learn"),
    import("any4/measure"),
    import("any4/model"),
    import("any4/quantize"),
    import("any4/show"),
  ]),
);

console.log(`any4-deno: all its functions are here. Try

  const model = await loadModel("tinyworld");
  const small = await any4(model);
  (await perplexity(small, { maxTokens: 300 })).perplexity
  (await generate(small, "Once upon a time")).text
`);
