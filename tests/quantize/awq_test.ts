import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { calibrate, dequantize, loadModel, OptionError, quantize, quantizeModel, quantizeOnDisk } from "any4";
import { compare, referenceLogits } from "any4/measure";
import { awq } from "any4/quantize";
import { createBackend } from "../../lib/compute/create_backend.ts";
import { formatOf } from "../../lib/formats/formats.ts";
import { plainSteps } from "../../lib/learn/quantize_steps.ts";
import { foldsOf } from "../../lib/model/decoder/folds.ts";
import { AwqSearch, scalesOf } from "../../lib/quantize/awq.ts";
import { scaledColumns } from "../../lib/quantize/scaled_input.ts";
import { Random } from "../../lib/random.ts";
import { gramStats } from "../stats.ts";

const models = new URL("../golden/models", import.meta.url).pathname;
const text = "One day a girl found a key near the old well. She did not know which door it would open. ";

for (const { name } of [...Deno.readDirSync(models)].sort((a, b) => a.name.localeCompare(b.name))) {
  Deno.test(`scaling inputs changes no logits of ${name} before it is quantized`, async () => {
    using model = await loadModel(`${models}/${name}`, { backend: "wasm" });
    using ready = await awq(model, { format: "int3", groupSize: 16, text, clip: false });
    const ids = model.tokenizer.encode(text).slice(0, 24);
    const [before, after] = [
      await model.session().forward(ids, { logits: "all" }),
      await ready.session().forward(ids, { logits: "all" }),
    ];
    const most = before.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    before.forEach((value, i) => assert(Math.abs(value - after[i]!) <= 1e-5 * Math.max(1, most), `${i}`));
    const folds = foldsOf(model.layout, model.config);
    for (const { takers } of folds) {
      for (const { name } of takers) {
        const [a, b] = [model.weights(name), ready.weights(name)];
        assert("data" in a && "data" in b && (folds.length === 0 || a.data !== b.data), name);
      }
    }
  });
}

Deno.test("every kind of fold is found where it is exact, and none where it is not", async () => {
  const count = async (name: string) => {
    using model = await loadModel(`${models}/${name}`, { backend: "wasm" });
    return foldsOf(model.layout, model.config).length / model.config.num_hidden_layers;
  };
  // Gated, with norms before: all four; GELU: none at up → down; norms behind their blocks: v → o alone, and up → down.
  assertEquals(await count("llama2"), 4);
  assertEquals(await count("gemma"), 4);
  assertEquals(await count("phi3"), 4);
  assertEquals(await count("gpt2"), 3);
  assertEquals(await count("olmo2"), 2);
});

Deno.test("scales are powers of the mean input, with the geometric middle of the extremes at 1", () => {
  const scales = scalesOf([1, 4, 16, 0], 0.5);
  assertEquals(Array.from(scales, (value) => +value.toFixed(4)), [50, 100, 200, 0.005].map((value) => value));
  assertEquals([...scalesOf([3, 5], 0)], [1, 1]);
});

Deno.test("integers of 3 bits are better after AWQ on text that it has not seen", async () => {
  using model = await loadModel("tinyworld");
  const reference = await referenceLogits(model, { maxTokens: 600 });
  using plain = await quantizeModel(model, { format: "int3" });
  using ready = await awq(model, { format: "int3" });
  using small = await quantizeModel(ready, { format: "int3" });
  assertLess((await compare(small, reference)).kl, 0.95 * (await compare(plain, reference)).kl);
});

Deno.test("as an option of a quantization it gives the bits of the two steps, in memory and on disk", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["llama2", "gemma", "gpt2", "mixtral", "olmo2"]) {
    const source = `${models}/${name}`;
    using model = await loadModel(source, { backend: "wasm" });
    const options = { format: "int3", groupSize: 16, method: "gptq" } as const;
    using ready = await awq(model, { ...options, text });
    using expected = await quantizeModel(ready, { ...options, calibration: text });
    using found = await quantizeModel(model, { ...options, awq: true, calibration: text });
    assertEquals(found.tensors, expected.tensors, name);
    const out = `${folder}/${name}`;
    await quantizeOnDisk(source, out, { ...options, awq: true, calibration: text, backend: "wasm" });
    using loaded = await loadModel(out, { backend: "wasm" });
    const ids = model.tokenizer.encode(text).slice(0, 24);
    assertEquals(await loaded.session().forward(ids), await expected.session().forward(ids), name);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("inputs are scaled for formats that take part, and not with statistics made earlier", async () => {
  using model = await loadModel(`${models}/llama2`, { backend: "wasm" });
  const skip = ["*.0.self_attn.q_proj", "*.0.self_attn.k_proj", "*.0.self_attn.v_proj"];
  using some = await quantizeModel(model, {
    format: "int4",
    groupSize: 16,
    awq: true,
    skip,
    calibration: text,
  });
  const norm = "model.layers.0.input_layernorm.weight";
  assertEquals(some.tensors.get(norm), model.tensors.get(norm));
  const other = "model.layers.1.input_layernorm.weight";
  assert(some.tensors.get(other) !== model.tensors.get(other));
  const calibration = await calibrate(model, { text });
  await assertRejects(() => quantizeModel(model, { awq: true, calibration }), OptionError, "give the text");
});

Deno.test("a search that gives up on powers early picks what trying all of them picks, plainly and in WASM", async () => {
  const random = new Random(7);
  const [rows, cols, tokens] = [300, 64, 90];
  const sizes = Float64Array.from({ length: cols }, () => Math.exp(1.5 * random.normal()));
  const x = Float64Array.from({ length: tokens * cols }, (_, i) => random.normal() * sizes[i % cols]!);
  const stats = gramStats(x, cols);
  const matrix = { rows, cols, data: Float32Array.from({ length: rows * cols }, () => random.normal()) };
  const taker = { matrix, how: { format: formatOf("int3"), groupSize: 16 } };
  const errors = Array.from({ length: 20 }, (_, i) => {
    const scales = scalesOf(stats.meanAbs, i / 20);
    const after = dequantize(quantize(scaledColumns(matrix, scales), taker.how));
    const differences = after.map((w, at) => w / scales[at % cols]! - matrix.data[at]!);
    using squared = plainSteps.squaredErrors(stats.gram!, cols);
    return squared.of({ rows, cols, data: differences }).reduce((a, b) => a + b);
  });
  const best = errors.indexOf(Math.min(...errors));
  assert(best > 0 && best < 19, `the best power is the ${best}th`);
  const rowOf = Uint32Array.from({ length: cols }, (_, c) => c);
  using backend = await createBackend("wasm");
  const [plain, fast] = [new AwqSearch({}, stats), new AwqSearch(backend, stats)];
  const scales = await plain.scales([taker], rowOf);
  assertEquals(scales, scalesOf(stats.meanAbs, best / 20));
  assertEquals(await fast.scales([taker], rowOf), scales);
  const scaled = { ...taker, matrix: scaledColumns(matrix, scales) };
  assertEquals(await fast.limits(scaled, scales), await plain.limits(scaled, scales));
});
