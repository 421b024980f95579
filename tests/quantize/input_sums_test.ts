import { assert, assertEquals, assertRejects } from "@std/assert";
import { calibrate, loadModel, type Model, OptionError } from "any4";
import type { Tensor } from "any4/compute";
import { calibrateLayers, sampleOf, sumsName, sumsOfPart } from "../../lib/quantize/calibrate.ts";
import { FileStore } from "../../lib/quantize/file_store.ts";
import { joinSums, type Sums } from "../../lib/quantize/input_sums.ts";
import { MemoryStore } from "../../lib/quantize/store.ts";

const models = `${import.meta.dirname}/../golden/models`;
const text = "One day a girl found a key near the old well. ".repeat(40);

/** Σx² of each input, by the first Linear that it goes to, as whole forward passes show it. */
async function squares(model: Model, pieces: readonly (readonly number[])[]) {
  const sums = new Map<string, { tokens: number; square: Float64Array }>();
  for (const piece of pieces) {
    using session = model.session(piece.length);
    await session.forward(piece, {
      logits: "none",
      async observe([linear], input: Tensor) {
        const { rows, cols } = input;
        const own = sums.get(linear!) ?? { tokens: 0, square: new Float64Array(cols) };
        const found = (await model.backend.columnSums(input)).subarray(2 * cols);
        for (let c = 0; c < cols; c++) own.square[c]! += found[c]!;
        own.tokens += rows;
        sums.set(linear!, own);
      },
    });
  }
  return sums;
}

Deno.test("layer by layer, Linears see what whole forward passes show them, bit for bit", async () => {
  const long = text.repeat(4);
  for (const name of ["tinyworld", `${models}/mixtral`, `${models}/gpt2`, `${models}/opt_post_norm`]) {
    using model = await loadModel(name, { backend: "wasm" });
    const { pieces } = sampleOf(model, { text: long });
    assert(pieces.length > 1, name);
    const stats = await calibrate(model, { text: long });
    const seen = await squares(model, pieces);
    assert(seen.size > model.layout.layers.length);
    for (const [linear, { tokens, square }] of seen) {
      const entry = stats.get(linear)!;
      assertEquals(entry.tokens, tokens, linear);
      assertEquals(entry.meanSquare, square.map((sum) => sum / tokens), linear);
    }
  }
});

Deno.test("parts added up in any order, in files, are joined to what one machine calibrates", async () => {
  for (const name of ["tinyworld", `${models}/mixtral`]) {
    using model = await loadModel(name, { backend: "wasm" });
    // A part of one letter leaves experts without tokens.
    const sample = { text: ["a", text.repeat(3), "b", text], parts: 3 };
    const folder = await Deno.makeTempDir();
    for (const part of [2, 0, 1]) await sumsOfPart(model, new FileStore(folder), { ...sample, part });
    const layers = [...model.layout.layers.keys()];
    const parts = [0, 1, 2].map((part) =>
      new Map(layers.flatMap((layer) => [...new FileStore(folder).get("sums", sumsName(part, layer))!]))
    );
    const expected = await calibrate(model, sample);
    const joined = joinSums(parts);
    assertEquals([...joined.keys()].sort(), [...expected.keys()].sort());
    for (const [linear, entry] of expected) assertEquals(joined.get(linear), entry, linear);
    // Joining leaves the parts as they were.
    assertEquals(joinSums(parts), joined);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("an expert that a part does not use is judged by the parts that do, and by all tokens where none does", () => {
  const entry = (tokens: number, x: number, everyToken?: true) => {
    const of = () => Float64Array.of(tokens * x);
    return { tokens, mean: of(), meanAbs: of(), meanSquare: of(), ...(everyToken ? { everyToken } : {}) };
  };
  const parts: Sums[] = [
    new Map([["used", entry(10, 9, true)], ["never", entry(10, 1, true)]]),
    new Map([["used", entry(4, 2)], ["never", entry(30, 5, true)]]),
  ];
  const joined = joinSums(parts);
  assertEquals([joined.get("used")!.tokens, joined.get("used")!.mean[0]], [4, 2]);
  assertEquals([joined.get("never")!.tokens, joined.get("never")!.mean[0]], [40, 4]);
  assertEquals("everyToken" in joined.get("never")!, false);
});

Deno.test("layers behind the last Linear that is wanted are not run", async () => {
  using model = await loadModel("tinyworld", { backend: "plain" });
  const store = new MemoryStore();
  const linears = ["model.layers.1.mlp.up_proj"];
  assertEquals(await calibrateLayers(model, store, { text: "Once upon", linears }), 2);
  assertEquals([store.get("stats", "0")!.size, store.has("stats", "2")], [0, false]);
  assertEquals([...store.get("stats", "1")!.keys()], [
    "model.layers.1.mlp.gate_proj",
    "model.layers.1.mlp.up_proj",
  ]);
});

Deno.test("the number of parts is a whole number of at least 1", async () => {
  using model = await loadModel("tinyworld", { backend: "plain" });
  for (const parts of [0, 1.5, NaN, Infinity]) {
    await assertRejects(() => calibrate(model, { text, parts }), OptionError, `current value is ${parts}`);
  }
});
