import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { isPacked, type Matrix, type Model, quantize } from "any4";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { divergence } from "../../lib/model/decoder/divergence.ts";
import { LayerPass } from "../../lib/quantize/layer_pass.ts";
import { Random } from "../../lib/random.ts";
import type { Example } from "../../lib/tune/examples.ts";
import { Block } from "../../lib/tune/block.ts";
import { divergenceGradient, Head } from "../../lib/tune/head.ts";
import { type ModelDescent, tuneModel } from "../../lib/tune/tune_model.ts";
import { gpuReason, hasGpu } from "../gpu.ts";
import { load } from "../tiny_models.ts";

const random = new Random(6);
const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

Deno.test("divergenceGradient() is the gradient of the KL of the softmax, as finite differences have it", () => {
  const vocab = 5;
  const [expected, logits] = [normal(2 * vocab), normal(2 * vocab)];
  const of = (logits: Float32Array) => {
    const gradient = logits.slice();
    divergenceGradient(expected, { logits: gradient, vocab });
    return { sum: divergence(expected, logits, vocab), gradient };
  };
  assertAlmostEquals(of(expected).sum, 0, 1e-6);
  const { sum, gradient } = of(logits);
  assert(sum > 0);
  for (const [i, value] of logits.entries()) {
    const moved = (by: number) => of(logits.map((kept, at) => at === i ? kept + by : kept)).sum;
    const [low, high] = [Math.fround(value - 0.01) - value, Math.fround(value + 0.01) - value];
    assertAlmostEquals(gradient[i]!, (moved(high) - moved(low)) / (high - low), 1e-3);
  }
});

for (const name of ["gemma2", "granite", "opt_post_norm"]) {
  Deno.test(`gradients of ${name}'s head are those of finite differences`, async () => {
    using model = await load(name, "plain");
    using head = new Head(model);
    const hidden = normal(3 * 32);
    const g = normal(3 * model.config.vocab_size);
    const loss = async (hidden: Float32Array) =>
      (await head.logits(hidden)).reduce((sum, value, at) => sum + value * g[at]!, 0);
    await head.logits(hidden);
    const found = await head.backward(g);
    const differences = new Float32Array(hidden.length);
    for (let at = 0; at < hidden.length; at++) {
      const moved = (by: number) => loss(hidden.map((value, i) => i === at ? value + by : value));
      differences[at] = (await moved(1 / 64) - await moved(-1 / 64)) * 32;
    }
    assertLess(relativeError(found, differences), 2e-3);
  });
}

/** A model in 2 bits, and what its layers are given and give for some sequences. */
async function problem(model: Model) {
  const pieces = Array.from({ length: 7 }, () => Array.from({ length: 16 }, () => 3 + random.integer(100)));
  const pass = await LayerPass.begin(model, { pieces });
  const inputs = pass.state.hidden;
  for (const layer of model.layout.layers.keys()) {
    using part = model.part(layer);
    await pass.advance(part);
  }
  const size = 16 * model.config.hidden_size;
  const of = (values: Float32Array, i: number) => values.subarray(i * size, (i + 1) * size);
  const examples = pieces.map((_, i): Example => ({
    input: of(inputs, i),
    target: of(pass.state.hidden, i),
  }));
  const linears = new Set(model.linears().map((linear) => `${linear}.weight`));
  const small = new Map(Array.from(model.tensors, ([name, tensor]) => {
    if (isPacked(tensor) || !linears.has(name)) return [name, tensor] as const;
    return [name, quantize(tensor, { format: "any3", groupSize: 16 })] as const;
  }));
  const original = (name: string) => (model.tensors.get(name) as Matrix).data;
  return { examples, original, tensor: (name: string) => small.get(name) };
}

Deno.test("tuning all layers together brings predictions nearer to the original's, and resumes with the same bits", async () => {
  using model = await load("llama3", "wasm");
  const given = await problem(model);
  const states: ModelDescent[] = [];
  const options = { ...given, epochs: 3, rate: 0.005, batchTokens: 16 };
  const whole = await tuneModel(model, { ...options, onState: (state) => states.push(state) });
  assertLess(whole.after, 0.9 * whole.before);
  // Epochs have 7 steps: 8 and 16 are inside one.
  assertEquals(states.map(({ steps }) => steps), [7, 8, 14, 16, 21]);
  for (const state of states.slice(1)) {
    const resumed = await tuneModel(model, { ...options, state });
    assertEquals(resumed.tensors, whole.tensors);
  }
  const codes = [...whole.tensors].map(([name, tensor]) => {
    const was = given.tensor(name)!;
    return isPacked(tensor) && isPacked(was) ? tensor.codes.every((word, i) => word === was.codes[i]) : true;
  });
  assert(codes.length > 14 && codes.every((same) => same));
});

Deno.test({
  name: "tuning all layers on WebGPU has WASM's numbers" + gpuReason,
  ignore: !hasGpu,
  async fn() {
    using gpu = await load("llama3", "webgpu");
    using wasm = await load("llama3", "wasm");
    const given = await problem(wasm);
    const tuned = (model: Model) => tuneModel(model, { ...given, epochs: 1, rate: 0.005, batchTokens: 16 });
    const [found, expected] = [await tuned(gpu), await tuned(wasm)];
    assertAlmostEquals(found.before, expected.before, 1e-4 * expected.before);
    assertAlmostEquals(found.after, expected.after, 0.01 * expected.after);
    assertLess(found.after, found.before);
  },
});

Deno.test("with codes, weights move to other codes, predictions come nearer, and it resumes with the same bits", async () => {
  using model = await load("llama3", "wasm");
  const given = await problem(model);
  const states: ModelDescent[] = [];
  const options = { ...given, epochs: 3, rate: 0.002, batchTokens: 32, codes: true };
  const whole = await tuneModel(model, { ...options, onState: (state) => states.push(state) });
  assertLess(whole.after, 0.5 * whole.before);
  const resumed = await tuneModel(model, { ...options, state: states[1] });
  assertEquals(resumed.tensors, whole.tensors);
  const moved = [...whole.tensors].filter(([name, tensor]) => {
    const was = given.tensor(name)!;
    return isPacked(tensor) && isPacked(was) && tensor.codes.some((word, i) => word !== was.codes[i]);
  });
  assert(moved.length > 0);
  // What is returned is what was measured.
  using small = model.with({
    tensors: new Map(
      Array.from(model.tensors, ([name, tensor]) => [name, whole.tensors.get(name) ?? tensor]),
    ),
  });
  const { examples } = given;
  using head = new Head(model);
  let sum = 0;
  for (const { input, target } of examples) {
    let hidden = input;
    for (const layer of model.layout.layers.keys()) {
      using block = new Block(model, { layer, tensor: (name) => small.tensors.get(name) });
      hidden = await block.forward(hidden);
    }
    sum += divergence(await head.logits(target), await head.logits(hidden), model.config.vocab_size);
  }
  assertAlmostEquals(sum / (16 * examples.length), whole.after, 1e-4);
});

Deno.test("what would make predictions worse stays as it was", async () => {
  using model = await load("llama3", "wasm");
  const given = await problem(model);
  const { tensors, before, after } = await tuneModel(model, {
    ...given,
    epochs: 1,
    rate: 0.9,
    batchTokens: 16,
  });
  assertEquals([tensors.size, after], [0, before]);
});
