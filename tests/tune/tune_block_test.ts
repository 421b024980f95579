import { assert, assertAlmostEquals, assertEquals, assertLess, assertRejects } from "@std/assert";
import { isPacked, loadModel, type Model, quantize } from "any4";
import { WasmBackend } from "../../lib/compute/wasm/backend.ts";
import { Pool } from "../../lib/compute/wasm/pool.ts";
import { OptionError } from "../../lib/errors.ts";
import { dequantize } from "../../lib/matrix/packed_matrix.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { LayerPass } from "../../lib/quantize/layer_pass.ts";
import type { Example } from "../../lib/tune/examples.ts";
import type { TuneOptions } from "../../lib/tune/examples.ts";
import { tuneBlock } from "../../lib/tune/tune_block.ts";
import { Random } from "../../lib/random.ts";
import { gpuReason, hasGpu } from "../gpu.ts";
import { load } from "../tiny_models.ts";

/** A model's second layer in 2 bits, and what it is given and gives for some sequences. */
async function problem(model: Model) {
  const layer = 1;
  const random = new Random(4);
  const pieces = Array.from({ length: 40 }, () => Array.from({ length: 22 }, () => 3 + random.integer(100)));
  const pass = await LayerPass.begin(model, { pieces });
  for (let l = 0; l < layer; l++) {
    using part = model.part(l);
    await pass.advance(part);
  }
  const inputs = pass.state.hidden;
  using part = model.part(layer);
  await pass.advance(part);
  const size = 22 * model.config.hidden_size;
  const of = (values: Float32Array, i: number) => values.subarray(i * size, (i + 1) * size);
  const examples = pieces.map((_, i): Example => ({
    input: of(inputs, i),
    target: of(pass.state.hidden, i),
  }));
  const small = new Map(Array.from(model.tensors, ([name, tensor]) => {
    const packs = !isPacked(tensor) && name.includes(".1.") && tensor.rows > 1;
    return [name, packs ? quantize(tensor, { format: "any2", groupSize: 16 }) : tensor] as const;
  }));
  const original = (name: string) => {
    const tensor = model.tensors.get(name)!;
    return isPacked(tensor) ? dequantize(tensor) : tensor.data;
  };
  return { layer, examples, tensor: (name: string) => small.get(name), original };
}

const options: TuneOptions = { epochs: 6, rate: 0.01, batchTokens: 88 };

for (const name of ["llama3", "gemma2", "gpt2"]) {
  Deno.test(`tuning brings a layer of ${name} nearer to the original, with codes fixed and with codes tuned`, async () => {
    using model = await load(name, "wasm");
    const given = await problem(model);
    const { before, after, tensors } = await tuneBlock(model, { ...options, ...given });
    assertLess(after, 0.97 * before);
    for (const [name, tensor] of tensors) {
      const was = given.tensor(name)!;
      assert(isPacked(was) === isPacked(tensor));
      if (isPacked(was) && isPacked(tensor)) assertEquals(tensor.codes, was.codes);
    }
    const free = await tuneBlock(model, { ...options, ...given, codes: true });
    assertEquals(free.before, before);
    assertLess(free.after, 0.97 * before);
    assert([...free.tensors].some(([name, one]) => {
      const was = given.tensor(name)!;
      return isPacked(one) && isPacked(was) && one.codes.some((word, i) => word !== was.codes[i]);
    }));
  });
}

Deno.test("tuning has the same bits whatever the number of threads, and plain's numbers", async () => {
  const results: ReadonlyMap<string, Float32Array>[] = [];
  using plain = await load("llama3", "plain");
  const given = await problem(plain);
  for (const threads of [1, 3, 0]) {
    using backend = threads === 0 ? plain.backend : new WasmBackend(new Pool({ threads }), { worthwhile: 1 });
    const { layout, config } = plain;
    const { tensors } = await tuneBlock({ layout, config, backend }, { ...options, ...given, epochs: 1 });
    results.push(
      new Map(Array.from(tensors, ([name, one]) => [name, isPacked(one) ? dequantize(one) : one.data])),
    );
  }
  const [one, three, oracle] = results;
  assert(one!.size > 0);
  assertEquals(three, one);
  for (const [name, values] of oracle!) assertLess(relativeError(one!.get(name)!, values), 0.01, name);
});

Deno.test({
  name: "tuning on WebGPU has WASM's numbers, and leaves no memory behind" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    using gpu = await load("llama3", "webgpu");
    using wasm = await load("llama3", "wasm");
    const given = await problem(wasm);
    const tuned = (model: Model) => tuneBlock(model, { ...options, ...given, epochs: 2 });
    const [found, expected] = [await tuned(gpu), await tuned(wasm)];
    assertAlmostEquals(found.before, expected.before, 1e-4 * expected.before);
    assertAlmostEquals(found.after, expected.after, 0.01 * expected.after);
    assertLess(found.after, 0.97 * found.before);
    const { bytes } = gpu.backend;
    await tuned(gpu);
    // Frequencies are freed some time later.
    assertLess(gpu.backend.bytes! - bytes!, 4096);
  },
});

Deno.test("what tuning would make worse stays as it was", async () => {
  using model = await load("llama3", "wasm");
  const given = await problem(model);
  const { tensors, before, after } = await tuneBlock(model, {
    ...given,
    epochs: 1,
    rate: 0.99,
    batchTokens: 1,
  });
  assertEquals([tensors.size, after], [0, before]);
});

Deno.test("tuning refuses options that are out of range, and a backend that knows no gradients", async () => {
  using model = await loadModel("tinyworld", { backend: "plain" });
  const given = {
    layer: 0,
    tensor: (name: string) => model.tensors.get(name),
    original: () => new Float32Array(0),
  };
  const refused = (options: TuneOptions, message: string) =>
    assertRejects(() => tuneBlock(model, { ...options, ...given, examples: [] }), OptionError, message);
  await refused({ epochs: 0 }, "epochs must be a whole number of at least 1, current value is 0");
  await refused({ batchTokens: 1.5 }, "current value is 1.5");
  await refused({ rate: 1 }, "rate must be between 0 and 1, current value is 1");
  const { layout, config, backend } = model;
  const without = Object.create(backend, { gradients: { value: undefined }, name: { value: "slate" } });
  await assertRejects(
    () => tuneBlock({ layout, config, backend: without }, { ...given, examples: [] }),
    OptionError,
    "Cannot find gradients on the slate backend: it has none",
  );
});
