/**
 * Gradients of decoder layers against PyTorch's (tests/golden/make_gradients.py).
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import type { Matrix, Model } from "any4";
import type { Backend } from "../../lib/compute/backend.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import { WebGpuBackend } from "../../lib/compute/webgpu/backend.ts";
import { OptionError } from "../../lib/errors.ts";
import { toHalves, transposed } from "../../lib/matrix/matrix.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { outputsOf, tensorsOf } from "../../lib/model/decoder/layout.ts";
import { LayerPass } from "../../lib/quantize/layer_pass.ts";
import { Block } from "../../lib/tune/block.ts";
import { Head } from "../../lib/tune/head.ts";
import { Lcg } from "../golden/lcg.ts";
import { gpuReason, hasGpu } from "../gpu.ts";
import { golden, load, names } from "../tiny_models.ts";

type Told = [norm: number, product: number];
const expected: Record<string, Record<string, Told>[]> = JSON.parse(
  Deno.readTextFileSync(`${import.meta.dirname}/../golden/gradients.json`),
);
const product = new Lcg(11).bell(1 << 14);

function told(values: Float32Array): Told {
  let [squares, sum] = [0, 0];
  for (const [i, value] of values.entries()) {
    [squares, sum] = [squares + value ** 2, sum + value * product[i]!];
  }
  return [Math.sqrt(squares), sum];
}

/** The gradient by a tensor as the checkpoint has it. */
function stored(model: Model, name: string, gradient: Float32Array): Float32Array {
  const place = [...tensorsOf(model.layout)].find((place) => place.name === name)!;
  const { rows, cols, interleaved } = place;
  if (interleaved) {
    return toHalves(gradient, { outputs: outputsOf(place), head: interleaved, back: true });
  }
  return place.transposed ? transposed({ rows, cols, data: gradient }).data : gradient;
}

async function checkModel(name: string, backend: "plain" | "wasm" | "webgpu"): Promise<void> {
  using model = await load(name, backend);
  const { tokens } = golden(name);
  // On a GPU, products that are started together may be other kernels.
  const same = backend === "webgpu" ? 1e-6 : Number.MIN_VALUE;
  const pass = await LayerPass.begin(model, { pieces: [tokens] });
  for (const [layer, entry] of expected[name]!.entries()) {
    const { hidden } = pass.state;
    using part = model.part(layer);
    await pass.advance(part);
    using block = new Block(model, { layer, tensor: (name) => model.tensors.get(name) });
    block.want(block.names());
    const output = await block.forward(hidden);
    assertLess(relativeError(output, pass.state.hidden), same, `${name}, layer ${layer}`);
    const found = new Map([["input", await block.backward(new Lcg(7).bell(hidden.length))]]);
    for (const tensor of block.names()) {
      found.set(tensor, stored(model, tensor, await block.gradient(tensor)));
    }
    assertEquals([...found.keys()].sort(), Object.keys(entry).sort());
    for (const [tensor, values] of found) {
      const [norm, along] = entry[tensor]!;
      const got = told(values);
      // The bias of keys has no effect: what is there is rounding.
      const size = Math.max(norm, 1e-2 * entry.input![0]);
      assertLess(Math.abs(got[0] - norm) / size, 2e-5, `${name}, layer ${layer}: the size of ${tensor}`);
      assertLess(Math.abs(got[1] - along) / size, 1e-4, `${name}, layer ${layer}: ${tensor}`);
    }
  }
}

for (const name of names.filter((name) => name in expected)) {
  Deno.test(`gradients of ${name}'s layers are PyTorch's`, () => checkModel(name, "plain"));
}

for (const name of ["cohere", "gemma2", "gpt2", "llama3"]) {
  Deno.test(`gradients of ${name}'s layers are PyTorch's in WASM too`, () => checkModel(name, "wasm"));
}

for (const name of ["cohere", "gemma2", "gpt2", "llama3"]) {
  Deno.test({
    name: `gradients of ${name}'s layers are PyTorch's on WebGPU too${gpuReason}`,
    ignore: !hasGpu,
    fn: () => checkModel(name, "webgpu"),
  });
}

/** The gradient by what gemma2's head is given, on a backend none of whose tensors holds the head's weights. */
async function checkPieces(open: (mostBytes: number) => Promise<Backend>): Promise<void> {
  using model = await load("gemma2", "plain");
  const { config, layout } = model;
  const [hidden, g] = [new Lcg(1).bell(5 * 32), new Lcg(2).bell(5 * config.vocab_size)];
  using small = await open(30 * config.vocab_size);
  const results: Float32Array[] = [];
  for (const backend of [model.backend, small]) {
    using head = new Head({ config, layout, backend, tensor: (name) => model.tensors.get(name) });
    await head.logits(hidden);
    results.push(await head.backward(g));
  }
  assertLess(relativeError(results[1]!, results[0]!), 1e-6);
}

Deno.test("gradients go back through weights that no tensor holds", async () => {
  class Small extends PlainBackend {
    constructor(readonly mostBytes: number) {
      super();
    }
  }
  await checkPieces((mostBytes) => Promise.resolve(new Small(mostBytes)));
});

Deno.test({
  name: `gradients go back through weights that no tensor holds on WebGPU${gpuReason}`,
  ignore: !hasGpu,
  fn: () => checkPieces((mostBytes) => WebGpuBackend.open({ tune: false, mostBytes })),
});

Deno.test("gradients are those of all sequences since weights changed", async () => {
  using model = await load("llama3", "plain");
  using block = new Block(model, { layer: 0, tensor: (name) => model.tensors.get(name) });
  const name = block.names()[1]!;
  block.want([name]);
  const hidden = new Lcg(1).bell(5 * 32);
  const once = async () => {
    await block.forward(hidden);
    await block.backward(new Lcg(2).bell(5 * 32));
    return await block.gradient(name);
  };
  const first = await once();
  assertLess(relativeError(await once(), first.map((value) => 2 * value)), 1e-6);
  const { data } = model.tensors.get(name)! as Matrix;
  block.set([[name, data]]);
  assertEquals(await once(), first);
  block.set([[name, new Float32Array(data.length)]]);
  assert(relativeError(await once(), first) > 0.01);
});

Deno.test("a layer with experts is refused", async () => {
  using model = await load("mixtral", "plain");
  const tensor = (name: string) => model.tensors.get(name);
  assertThrows(() => new Block(model, { layer: 1, tensor }), OptionError, "model.layers.1.self_attn.q_proj");
});
