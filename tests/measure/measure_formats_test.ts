import { assert, assertEquals, assertRejects } from "@std/assert";
import { calibrate, loadModel, OptionError, quantizeModel } from "any4";
import { compare, measureFormats, referenceLogits } from "any4/measure";

Deno.test("measureFormats() says of each format what quantizeModel() and compare() say one by one", async () => {
  using model = await loadModel("tinyworld", { backend: "plain" });
  const calibration = await calibrate(model, {
    text: "Long ago, a girl named Anna lived in a mill. 2 + 2 = 4",
  });
  const seen: string[] = [];
  const done: number[] = [];
  const { baseline, rows } = await measureFormats(model, {
    formats: ["any3", "mx4"],
    groupSize: 64,
    calibration,
    maxTokens: 80,
    onModel: (small, { name }) => void seen.push(`${name} ${small.bitsPerWeight < 5}`),
    onProgress: (part) => done.push(part),
  });
  assertEquals(seen, ["any3 true", "mx4 true"]);
  assertEquals(done, [...done].sort((a, b) => a - b));
  assertEquals(done.at(-1), 1);

  const reference = await referenceLogits(model, { maxTokens: 80 });
  assertEquals(baseline, { ...reference.perplexity, bitsPerWeight: 16, bytes: model.size.bytes });
  assertEquals(rows.map(({ format, bits, groupSize, learned }) => [format, bits, groupSize, learned]), [
    ["any3", 3, 64, true],
    ["mx4", 4, 32, false],
  ]);
  const small = await quantizeModel(model, { format: "any3", groupSize: 64, calibration });
  const { kl, top1, perplexity } = await compare(small, reference);
  assertEquals([rows[0]!.kl, rows[0]!.top1, rows[0]!.perplexity], [kl, top1, perplexity]);
  assertEquals(rows[0]!.layers.length, model.linears().length);
  assert(rows.every(({ layerError, seconds }) => layerError > 0 && layerError < 1 && seconds > 0));
});

Deno.test("measureFormats() refuses an unknown format before it measures anything", async () => {
  using model = await loadModel("tinyworld", { backend: "plain" });
  await assertRejects(
    () => measureFormats(model, { formats: ["int4", "int5"], onProgress: () => assert(false) }),
    OptionError,
    "int5",
  );
});
