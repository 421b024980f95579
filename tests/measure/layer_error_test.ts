import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { isPacked, loadModel, type Matrix, OptionError, quantizeModel } from "any4";
import { layerDrifts, layerErrors } from "any4/measure";
import { relativeError } from "../../lib/measure/layer_error.ts";
import golden from "../golden/drifts.json" with { type: "json" };
import { load } from "../tiny_models.ts";

const model = await loadModel("tinyworld");
const LINEAR = "model.layers.1.mlp.up_proj";

/** The model with one Linear changed. */
function changed(change: (weights: Matrix) => Matrix) {
  const weights = model.weights(LINEAR);
  assert(!isPacked(weights));
  return model.with({ tensors: new Map([...model.tensors, [`${LINEAR}.weight`, change(weights)]]) });
}

Deno.test("the relative error is the difference's norm in parts of the original's", () => {
  assertEquals(relativeError([3, 4], [3, 4]), 0);
  assertEquals(relativeError([0, 0], [3, 4]), 1);
  assertEquals(relativeError([3, 4], [0, 5]), Math.sqrt(10) / 5);
  assertEquals(relativeError([0, 0], [0, 0]), 0);
  assertEquals(relativeError([1, 0], [0, 0]), Infinity);
});

Deno.test("a model has no errors against itself, and every Linear is named in order", async () => {
  const errors = await layerErrors(model, model, { maxTokens: 8 });
  assertEquals(errors, model.linears().map((linear) => ({ linear, weightError: 0, outputError: 0 })));
});

Deno.test("a Linear that is stretched by a quarter has errors of a quarter, and no other has any", async () => {
  const stretched = changed((weights) => ({ ...weights, data: weights.data.map((value) => 1.25 * value) }));
  for (const { linear, weightError, outputError } of await layerErrors(model, stretched, { maxTokens: 8 })) {
    const expected = linear === LINEAR ? 0.25 : 0;
    assertAlmostEquals(weightError, expected, 1e-6, linear);
    assertAlmostEquals(outputError, expected, 1e-6, linear);
  }
});

Deno.test("the output's error depends on the text, the weights' does not", async () => {
  const small = await quantizeModel(model, { format: "int3" });
  const [a, b] = [
    await layerErrors(model, small, { text: "The king slept." }),
    await layerErrors(model, small, { text: "1 + 2 = 3" }),
  ];
  assertEquals(a.map(({ weightError }) => weightError), b.map(({ weightError }) => weightError));
  assert(a.some(({ outputError }, i) => outputError !== b[i]!.outputError));
});

Deno.test("a long text, which goes through a model in pieces, gives each Linear one error, of all its tokens", async () => {
  const small = await quantizeModel(model, { format: "int3" });
  const text = "The king slept. ".repeat(200);
  const errors = await layerErrors(model, small, { text, maxTokens: 400 });
  assertEquals(errors.map(({ linear }) => linear), model.linears());
  const short = await layerErrors(model, small, { text, maxTokens: 200 });
  for (const [i, { outputError, weightError }] of errors.entries()) {
    assertEquals(weightError, short[i]!.weightError);
    assertAlmostEquals(outputError / short[i]!.outputError, 1, 0.15);
  }
});

Deno.test("errors are larger with fewer bits", async () => {
  const sums: number[] = [];
  for (const format of ["any4", "any3", "any2"]) {
    const layers = await layerErrors(model, await quantizeModel(model, { format }), { maxTokens: 32 });
    sums.push(layers.reduce((sum, { outputError }) => sum + outputError, 0));
  }
  assert(sums[0]! < sums[1]! && sums[1]! < sums[2]!, String(sums));
});

Deno.test("Linears of different shapes cannot be compared", async () => {
  const shorter = changed((weights) => ({
    ...weights,
    rows: weights.rows - 1,
    data: weights.data.subarray(0, (weights.rows - 1) * weights.cols),
  }));
  await assertRejects(() => layerErrors(model, shorter, { maxTokens: 8 }), OptionError, LINEAR);
});

for (const name of new Set(golden.drifts.map(({ model }) => model))) {
  Deno.test(`outputs of ${name} with rounded weights are as far from the original's as transformers finds`, async () => {
    using original = await load(name, "plain");
    const { step, text } = golden;
    const tensors = new Map(original.tensors);
    for (const linear of original.linears()) {
      const weights = original.weights(linear) as Matrix;
      const data = weights.data.map((value) => {
        // torch.round takes the even one of two that are equally near.
        const [down, part] = [Math.floor(value / step), value / step - Math.floor(value / step)];
        return step * (part === 0.5 ? 2 * Math.round(down / 2) : Math.round(value / step));
      });
      tensors.set(`${linear}.weight`, { rows: weights.rows, cols: weights.cols, data });
    }
    using changed = original.with({ tensors });
    const drifts = await layerDrifts(original, changed, { text });
    const expected = golden.drifts.filter(({ model }) => model === name);
    assertEquals(drifts.map(({ linear }) => linear).sort(), expected.map(({ linear }) => linear).sort());
    for (const { linear, meanSquareError, cosineSimilarity } of expected) {
      const drift = drifts.find((one) => one.linear === linear)!;
      assertAlmostEquals(drift.meanSquareError, meanSquareError, 1e-4 * meanSquareError, linear);
      assertAlmostEquals(drift.cosineSimilarity, cosineSimilarity, 1e-5, linear);
    }
  });
}

Deno.test("a model is where it is, and errors accumulate behind a Linear that is changed", async () => {
  for (const { meanSquareError, cosineSimilarity } of await layerDrifts(model, model, { maxTokens: 8 })) {
    assertEquals(meanSquareError, 0);
    assertAlmostEquals(cosineSimilarity, 1, 1e-12);
  }
  const stretched = changed((weights) => ({ ...weights, data: weights.data.map((value) => 1.25 * value) }));
  const drifts = await layerDrifts(model, stretched, {
    maxTokens: 300,
    text: "The king slept. ".repeat(100),
  });
  const at = drifts.findIndex(({ linear }) => linear === LINEAR);
  assertAlmostEquals(drifts[at]!.outputError, 0.25, 1e-6);
  for (const [i, { outputError }] of drifts.entries()) assertEquals(outputError > 0, i >= at);
});
