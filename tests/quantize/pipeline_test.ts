import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { isPacked, loadModel, type Matrix, type Model, type PackedMatrix, quantizeModel } from "any4";
import type { Backend } from "any4/compute";
import { measureFormats } from "any4/measure";
import { makeSynthetic } from "../../bench/make_synthetic.ts";
import { divergence } from "../../lib/model/decoder/divergence.ts";
import { effectsOf, windowsOf } from "../../lib/quantize/effects.ts";
import { run } from "../../lib/quantize/pipeline.ts";
import { planOf } from "../../lib/quantize/plan.ts";
import { quantizeLinear } from "../../lib/quantize/quantize_linear.ts";
import { MemoryStore } from "../../lib/quantize/store.ts";
import { hashOf, ways } from "../golden/hash_quantized.ts";

const golden: Record<string, string> = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/hash_quantized.json", import.meta.url)),
);
const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const tiny = `${folder}/tiny`;
makeSynthetic(tiny, "tiny");

Deno.test("tinyworld quantized to every format has the bits that it always had", async () => {
  using model = await loadModel("tinyworld", { backend: "wasm" });
  assertEquals([...ways().keys()], Object.keys(golden));
  // All of them take long; the script says what has changed.
  const others = ["any4 sequential", "any3 matrix", "target 4"];
  for (const [way, options] of [...ways()].filter(([way]) => / plain$/.test(way) || others.includes(way))) {
    using small = await quantizeModel(model, options);
    assertEquals(hashOf(small), golden[way], way);
  }
});

/** A model, and what its backend has been asked to make and to free. */
async function counted(name: string) {
  const model = await loadModel(name, { backend: "wasm" });
  const { backend } = model;
  const counts = { disposed: 0, tokens: 0, weights: new Set<Matrix | PackedMatrix>(model.tensors.values()) };
  const original: Backend = Object.create(Object.getPrototypeOf(backend));
  for (const key of ["weight", "forget", "linear"] as const) {
    original[key] = (backend[key] as (...args: unknown[]) => never).bind(backend);
  }
  const dispose = backend[Symbol.dispose].bind(backend);
  backend.weight = (matrix) => {
    counts.weights.add(matrix);
    return original.weight(matrix);
  };
  backend.forget = (matrix) => {
    counts.weights.delete(matrix);
    original.forget!(matrix);
  };
  backend.linear = (out, x, options) => {
    counts.tokens += x.rows;
    original.linear(out, x, options);
  };
  backend[Symbol.dispose] = () => {
    counts.disposed++;
    dispose();
  };
  return { model, counts };
}

const text = "One day a girl found a key near the old well. ";

Deno.test("the backend is freed with the last of the models that anybody has, however they were quantized", async () => {
  for (const options of [{}, { sequential: true }, { targetBits: 4 }, { targetBits: 4, sequential: true }]) {
    const { model, counts } = await counted(tiny);
    const own = model.tensors.size;
    assertEquals(counts.weights.size, own);
    const small = await quantizeModel(model, { ...options, groupSize: 32, calibration: text });
    // Both models' tensors, those that they share once.
    assertEquals(counts.weights.size, own + model.linears().length, JSON.stringify(options));
    model[Symbol.dispose]();
    assertEquals(counts.disposed, 0);
    small[Symbol.dispose]();
    assertEquals([counts.disposed, counts.weights.size], [1, 0], JSON.stringify(options));
  }
});

Deno.test("measureFormats() frees each model that it has made", async () => {
  for (const sequential of [false, true]) {
    const { model, counts } = await counted(tiny);
    const own = model.tensors.size;
    const made: Model[] = [];
    await measureFormats(model, {
      formats: ["any3", "int4"],
      groupSize: 32,
      maxTokens: 20,
      sequential,
      onModel(small) {
        made.push(small);
        assertEquals(counts.weights.size, own + model.linears().length);
      },
    });
    assertEquals([made.length, counts.weights.size, counts.disposed], [2, own, 0]);
    model[Symbol.dispose]();
    assertEquals([counts.weights.size, counts.disposed], [0, 1]);
  }
});

Deno.test("sequential calibration takes work in proportion to the layers", async () => {
  const tokens: number[] = [];
  for (const layers of [2, 4, 6]) {
    const { model, counts } = await counted(tiny);
    using _ = model;
    // The first layers alone are a model too.
    const config = { ...model.config, num_hidden_layers: layers };
    const kept = [...model.tensors].filter(([name]) => Number(/layers\.(\d+)/.exec(name)?.[1] ?? 0) < layers);
    using short = model.with({ config, tensors: new Map(kept) });
    counts.tokens = 0;
    using _small = await quantizeModel(short, { sequential: true, groupSize: 32, calibration: text });
    tokens.push(counts.tokens);
  }
  const [two, four, six] = tokens;
  assertEquals(six! - four!, four! - two!);
  // A layer's Linears are run less than four times.
  assertLess(four! - two!, 2 * 4 * 7 * 100);
});

Deno.test("what a store has is not done again", async () => {
  using model = await loadModel(tiny, { backend: "wasm" });
  for (const options of [{}, { sequential: true }, { targetBits: 4.5 }]) {
    const store = new MemoryStore();
    const settings = { ...options, groupSize: 32, calibration: text };
    const phases: string[] = [];
    const onProgress = ({ phase }: { phase: string }) => void phases.push(phase);
    await run(model, store, { ...settings, onProgress });
    assert(phases.includes("quantizing"));
    phases.length = 0;
    await run(model, store, { ...settings, onProgress });
    assertEquals(phases, []);
  }
});

Deno.test("effects are the divergences of whole forward passes with one Linear replaced", async () => {
  const opt = `${import.meta.dirname}/../golden/models/opt_post_norm`;
  for (const name of [tiny, opt]) {
    using model = await loadModel(name, { backend: "wasm" });
    const ids = model.tokenizer.encode(text.repeat(3));
    const windows = windowsOf(ids, model.config.max_position_embeddings);
    const linears = model.linears().filter((_, i) => i % 5 === 1);
    const [choice] = planOf(model.linears(), { format: "int2", groupSize: 16 }).values();
    const probe = (linear: string) =>
      Promise.resolve(
        quantizeLinear(model.weights(linear), { backend: model.backend, linear, choice: choice! }),
      );
    const effects = await effectsOf(model, windows, { linears, probe, store: new MemoryStore() });
    assertEquals([...effects.keys()], linears);
    const logits = async (of: Model, window: readonly number[]) => {
      using session = of.session(window.length);
      return await session.forward(window, { logits: "all" });
    };
    for (const linear of linears) {
      using changed = model.with({
        tensors: new Map([...model.tensors, [`${linear}.weight`, await probe(linear)]]),
      });
      let kl = 0;
      for (const window of windows) {
        const [expected, found] = [await logits(model, window), await logits(changed, window)];
        kl += divergence(expected, found, model.config.vocab_size);
      }
      const tokens = windows.reduce((sum, { length }) => sum + length, 0);
      assertAlmostEquals(effects.get(linear)!, kl / tokens, 1e-12);
      assert(effects.get(linear)! > 0);
    }
  }
});

Deno.test("progress counts each Linear once, and twice where formats are chosen first", async () => {
  using model = await loadModel(tiny, { backend: "wasm" });
  for (const [options, times] of [[{}, 1], [{ targetBits: 4.5, groupSize: 32 }, 2]] as const) {
    const seen: [number, number][] = [];
    using small = await quantizeModel(model, {
      ...options,
      calibration: text,
      onProgress: (done, total) => seen.push([done, total]),
    });
    const total = times * model.linears().length;
    assertEquals(seen, Array.from({ length: total }, (_, i) => [i + 1, total]));
    assert(isPacked(small.weights(model.linears()[0]!)));
  }
});
