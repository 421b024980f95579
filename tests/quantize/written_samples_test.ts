import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadModel, OptionError } from "any4";
import { writtenSamples } from "any4/quantize";

Deno.test("a model writes the same texts for a seed, others for another, as many tokens as asked, and keeps them", async () => {
  using model = await loadModel("tinyworld");
  const cache = await Deno.makeTempDir();
  try {
    const write = (seed: number, tokens = 600) => writtenSamples(model, { seed, tokens, cache });
    const [first, other] = [await write(0), await write(1)];
    assert(first.length >= 2 && first[0] !== first[1] && first[0] !== other[0]);
    const count = first.reduce((sum, text) => sum + model.tokenizer.encode(text).length, 0);
    assert(count >= 590 && count < 900, String(count));
    assertEquals(await writtenSamples(model, { tokens: 600, cache: null }), first);
    // What is kept is not written again.
    const [file] = [...Deno.readDirSync(`${cache}/written`)].map(({ name }) => `${cache}/written/${name}`)
      .filter((path) => JSON.parse(Deno.readTextFileSync(path)).texts[0] === first[0]);
    Deno.writeTextFileSync(file!, JSON.stringify({ texts: ["kept"] }));
    assertEquals(await write(0), ["kept"]);
    assertEquals((await write(0, 50)).length, 1);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("no tokens, or a seed that is no whole number, are refused", async () => {
  using model = await loadModel("tinyworld");
  for (const options of [{ tokens: 0 }, { tokens: 1.5 }, { seed: -1 }, { seed: NaN }]) {
    await assertRejects(
      () => writtenSamples(model, { ...options, cache: null }),
      OptionError,
      "current value is",
    );
  }
});
