import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { isPacked, loadModel, type Matrix, OptionError, quantizeModel } from "any4";
import { layerErrors } from "any4/measure";
import { relativeError } from "../../lib/measure/layer_error.ts";

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
