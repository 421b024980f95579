import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertLessOrEqual,
  assertThrows,
} from "@std/assert";
import {
  any4,
  calibrate,
  isPacked,
  loadModel,
  OptionError,
  type PackedMatrix,
  quantize,
  quantizeModel,
} from "any4";
import { packedBytes } from "any4/learn";
import { compare, referenceLogits } from "any4/measure";
import { measureLinear } from "../../lib/quantize/choose_formats.ts";
import { parseChoice, planOf } from "../../lib/quantize/plan.ts";
import { noiseToSignal } from "../../lib/quantize/quantize_linear.ts";
import { chooseByCost, type Cost, lowerHull } from "../../lib/quantize/target_bits.ts";
import { Random } from "../../lib/random.ts";

const random = new Random(5);

/** Costs that fall with the bits, as formats' do, but for some noise. */
function randomCosts(weights: number): Cost[] {
  const factor = 10 * random.next() ** 3;
  return [2, 3, 4, 8].map((bits, choice) => ({
    choice,
    bits: bits * weights,
    error: factor * 4 ** -bits * (0.5 + random.next()),
  }));
}

Deno.test("lowerHull() keeps what no mixture of others is better than", () => {
  for (let round = 0; round < 100; round++) {
    const costs = randomCosts(1);
    const hull = lowerHull(costs);
    for (const cost of costs) {
      const [below, above] = [
        hull.findLast(({ bits }) => bits <= cost.bits)!,
        hull.find(({ bits }) => bits >= cost.bits),
      ];
      const part = !above || above === below ? 0 : (cost.bits - below.bits) / (above.bits - below.bits);
      const mixture = below.error + part * ((above ?? below).error - below.error);
      assertLessOrEqual(mixture, cost.error * (1 + 1e-12));
    }
  }
});

Deno.test("lowerHull() leaves out what lies on a line between others, and what is no better for more bits", () => {
  const costs = [[2, 8], [3, 6], [4, 4], [5, 5], [5, 3.5], [5, 3], [6, 3]]
    .map(([bits, error], choice): Cost => ({ choice, bits: bits!, error: error! }));
  assertEquals(lowerHull(costs).map(({ choice }) => choice), [0, 2, 5]);
});

Deno.test("chooseByCost() stays within the budget and is nearly as good as the best choice of all", () => {
  for (let round = 0; round < 30; round++) {
    const sizes = Array.from({ length: 6 }, () => 1 + random.integer(9));
    const costs = new Map(sizes.map((weights, i) => [`l${i}`, randomCosts(weights)]));
    const weights = sizes.reduce((sum, size) => sum + size, 0);
    const targetBits = 2.2 + 4 * random.next();
    const total = (chosen: readonly number[], of: "bits" | "error") =>
      chosen.reduce((sum, choice, i) => sum + costs.get(`l${i}`)![choice]![of], 0);
    const chosen = [...chooseByCost(costs, { targetBits, weights, fixedBits: 0 }).values()];
    assertLessOrEqual(total(chosen, "bits"), targetBits * weights);
    let best = Infinity;
    for (let code = 0; code < 4 ** 6; code++) {
      const all = Array.from({ length: 6 }, (_, i) => (code >> (2 * i)) & 3);
      if (total(all, "bits") <= targetBits * weights) best = Math.min(best, total(all, "error"));
    }
    const dearest = Math.max(...[...costs.values()].map((own) => own[0]!.error));
    assertLess(total(chosen, "error"), best + dearest);
  }
});

Deno.test("chooseByCost() throws when the target is out of reach, and says what is within it", () => {
  const costs = new Map([["a", [{ choice: 0, bits: 20, error: 1 }, { choice: 1, bits: 40, error: 0 }]]]);
  const budget = { weights: 20, fixedBits: 20 };
  assertThrows(() => chooseByCost(costs, { ...budget, targetBits: 1.9 }), OptionError, "2.000 to 3.000");
  assertThrows(() => chooseByCost(costs, { ...budget, targetBits: 3.1 }), OptionError, "2.000 to 3.000");
  assertEquals(chooseByCost(costs, { ...budget, targetBits: 2.5 }).get("a"), 0);
  assertEquals(chooseByCost(costs, { ...budget, targetBits: 3 }).get("a"), 1);
});

Deno.test("targetBits hits the target within 1 %, and beats one format for all at the same bits", async () => {
  using model = await loadModel("tinyworld");
  const reference = await referenceLogits(model, { maxTokens: 500 });
  using same = await any4(model);
  const { kl } = await compare(same, reference);
  const targetBits = same.bitsPerWeight;
  using chosen = await quantizeModel(model, { targetBits });
  assertLessOrEqual(chosen.bitsPerWeight, targetBits);
  assertAlmostEquals(chosen.bitsPerWeight / targetBits, 1, 0.01);
  assertLess((await compare(chosen, reference)).kl, 0.9 * kl);
});

Deno.test("what is skipped or overridden counts towards the target, and stays as it was asked for", async () => {
  using model = await loadModel("tinyworld");
  const options = {
    targetBits: 4,
    skip: "model.layers.0.self_attn.q_proj",
    override: { "*.3.mlp.*": "int8:64" },
  };
  using small = await quantizeModel(model, options);
  assertAlmostEquals(small.bitsPerWeight, 4, 0.04);
  const formats = new Map(
    small.linears().map((linear) => {
      const weights = small.weights(linear);
      return [linear, "format" in weights ? `${weights.format}:${weights.groupSize}` : "dense"];
    }),
  );
  assertEquals(formats.get("model.layers.0.self_attn.q_proj"), "dense");
  assertEquals(formats.get("model.layers.3.mlp.up_proj"), "int8:64");
  assert(new Set(formats.values()).size > 3);
});

Deno.test("formats chosen by how they are stored too beat one for all under lnq, and are what override would make", async () => {
  using model = await loadModel("tinyworld");
  const reference = await referenceLogits(model, { maxTokens: 500 });
  const calibration = await calibrate(model, { gram: true, maxTokens: 600 });
  const shared = { calibration, method: { name: "lnq", rounds: 1 } } as const;
  const inBytes = { codebookType: "int8", scaleType: "int8" } as const;
  using same = await quantizeModel(model, { ...shared, format: "any3sym", ...inBytes });
  using chosen = await quantizeModel(model, { ...shared, targetBits: same.bitsPerWeight });
  assertLessOrEqual(chosen.bitsPerWeight, same.bitsPerWeight);
  assertLess((await compare(chosen, reference)).kl, 0.8 * (await compare(same, reference)).kl);
  const linear = model.linears().find((name) => {
    const weights = chosen.weights(name);
    return isPacked(weights) && weights.codebook.length === 1 << weights.bits && weights.format !== "int8";
  })!;
  const { format, groupSize } = chosen.weights(linear) as PackedMatrix;
  using one = await quantizeModel(model, {
    ...shared,
    format: "int8",
    override: { [linear]: `${format}:${groupSize}/matrix/int8` },
  });
  assertEquals(one.weights(linear), chosen.weights(linear));
});

Deno.test("a large Linear is judged by some of its rows, its bits by all of them", async () => {
  using model = await loadModel("tinyworld");
  const [rows, cols] = [4096, 256];
  const data = Float32Array.from({ length: rows * cols }, () => random.normal());
  const matrix = { rows, cols, data };
  const texts = [
    "any3",
    "any4sym/int8",
    "any2sym/matrix/int8",
    "any2/outliers=0.005",
    "any3/16-tables",
    "int8",
  ];
  const choices = texts.map((text) => parseChoice(text));
  const costs = measureLinear(matrix, {
    backend: model.backend,
    linear: "model.layers.0.mlp.up_proj",
    choices,
    weighting: "none",
  });
  for (const [i, { format, ...stored }] of choices.entries()) {
    const packed = quantize(matrix, { format, weighting: "none", steps: model.backend.steps, ...stored });
    const { choice, bits, error } = costs[i]!;
    assertEquals([choice, bits], [i, 8 * packedBytes(packed)], texts[i]);
    assertAlmostEquals(error / noiseToSignal(matrix, packed), 1, 0.02);
  }
});

Deno.test("planOf() takes the last pattern that fits, group sizes too, and leaves out what is skipped", () => {
  const linears = ["a.0.q", "a.0.v", "a.1.q", "a.1.v"];
  const plan = planOf(linears, {
    format: "any3",
    groupSize: 64,
    skip: "*.1.v",
    override: { "a.0.*": "int8", "*.v": "any4:row" },
  });
  const shown = [...plan].map(([linear, { format, groupSize }]) => `${linear} ${format.name} ${groupSize}`);
  assertEquals(shown, ["a.0.q int8 64", "a.0.v any4 row", "a.1.q any3 64"]);
  assertThrows(() => planOf(linears, { override: { "b.*": "int8" } }), OptionError, "fits no Linear");
  assertThrows(() => planOf(linears, { override: { "a.*": "int9" } }), OptionError, "int9");
});
