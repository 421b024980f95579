import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DisposedError, loadModel, type Model, OptionError, quantizeModel } from "any4";
import type { BackendName } from "any4/compute";
import type { Likelihood, Scored } from "any4/model";
import { logSumExp } from "../../../lib/model/decoder/log_sum_exp.ts";
import { argmax } from "../../../lib/model/decoder/sampling.ts";
import { Random } from "../../../lib/random.ts";
import { load, names } from "../../tiny_models.ts";

/** Sequences that share beginnings of all lengths, or all, or nothing. */
const SEQUENCES: Scored[] = [
  { ids: [5, 6, 7, 8, 9, 10], from: 3 },
  { ids: [5, 6, 7, 30, 31], from: 3 },
  { ids: [5, 6, 7, 30], from: 3 },
  { ids: [5, 6, 7, 2], from: 3 },
  { ids: [5, 6, 7, 30, 31], from: 1 },
  { ids: [1, 2], from: 1 },
  { ids: [5, 6, 7, 8, 9, 10], from: 5 },
  { ids: Array.from({ length: 30 }, (_, i) => 7 * i % 40), from: 20 },
  { ids: [9, 8], from: 2 },
];

/** What logits of all ids but the last say. */
async function expected(model: Model, { ids, from }: Scored): Promise<Likelihood> {
  const { vocab_size: vocab } = model.config;
  using session = model.session(ids.length - 1);
  const logits = await session.forward(ids.slice(0, -1), { logits: "all" });
  let [loglikelihood, greedy] = [0, true];
  for (let t = from; t < ids.length; t++) {
    const row = logits.subarray((t - 1) * vocab, t * vocab);
    loglikelihood += row[ids[t]!]! - logSumExp(row, 0, vocab);
    greedy &&= argmax(row) === ids[t];
  }
  return { loglikelihood, greedy };
}

/** Asserts that likelihoods have the same bits together, one after another, alone, and in another order. */
async function assertSame(model: Model, sequences: readonly Scored[]): Promise<void> {
  using scorer = model.scorer();
  const together = await scorer.score(sequences);
  for (const [i, sequence] of sequences.entries()) {
    assertEquals((await scorer.score([sequence]))[0], together[i], `sequence ${i} after the others`);
    using other = model.scorer();
    assertEquals((await other.score([sequence]))[0], together[i], `sequence ${i} alone`);
  }
  assertEquals((await scorer.score(sequences.toReversed())).reverse(), together);
  for (const [i, sequence] of sequences.entries()) {
    const { loglikelihood, greedy } = await expected(model, sequence);
    assertAlmostEquals(together[i]!.loglikelihood, loglikelihood, 1e-4 * (1 - loglikelihood));
    assertEquals(together[i]!.greedy, greedy);
  }
}

for (const backend of ["plain", "wasm"] as const satisfies BackendName[]) {
  Deno.test(`likelihoods do not depend on what is scored beside them: every architecture on ${backend}`, async (t) => {
    for (const name of names) {
      await t.step(name, async () => {
        using model = await load(name, backend);
        await assertSame(model, SEQUENCES);
      });
    }
  });
}

for (const format of ["any4", "int8"]) {
  for (const activations of ["int16", "int8"] as const) {
    Deno.test(`likelihoods of tinyworld in ${format} with ${activations} do not depend on what is scored beside them`, async () => {
      using loaded = await loadModel("tinyworld", { backend: "wasm", activations });
      using model = await quantizeModel(loaded, { format, groupSize: 64 });
      using scorer = model.scorer();
      const together = await scorer.score(SEQUENCES);
      for (const [i, sequence] of SEQUENCES.entries()) {
        using other = model.scorer();
        assertEquals((await other.score([sequence]))[0], together[i], `sequence ${i}`);
      }
    });
  }
}

Deno.test("sequences longer than a pass, up to one id more than the context, are scored in several", async () => {
  using model = await loadModel("tinyworld", { backend: "wasm" });
  const random = new Random(5);
  const ids = (length: number) => Array.from({ length }, () => Math.floor(random.next() * 900));
  const start = ids(200);
  await assertSame(model, [
    { ids: [...start, ...ids(100)], from: 250 },
    { ids: [...start, ...ids(313)], from: 190 },
    { ids: [...start, ...ids(3)], from: 200 },
  ]);
});

Deno.test("sequences that are done are counted; ids that are none, and a scorer that is gone, are errors", async () => {
  using model = await loadModel("tinyworld");
  const scorer = model.scorer();
  const done: number[] = [];
  await scorer.score(SEQUENCES, { onScored: (count) => done.push(count) });
  assertEquals(done.at(-1), SEQUENCES.length);
  await assertRejects(() => scorer.score([{ ids: [1, -1], from: 1 }]), OptionError, "Cannot score token 1");
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(() => scorer.score(SEQUENCES, { signal }), Error, "enough");
  using other = model.scorer();
  assertEquals(await scorer.score(SEQUENCES), await other.score(SEQUENCES));
  scorer[Symbol.dispose]();
  await assertRejects(() => scorer.score([]), DisposedError);
  model[Symbol.dispose]();
  assertThrows(() => model.scorer(), DisposedError);
});
