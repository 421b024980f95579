import { assertEquals, assertRejects } from "@std/assert";
import { BusyError, loadModel, type Model, OptionError, quantizeModel } from "any4";
import type { BackendName } from "any4/compute";
import { load, names } from "../../tiny_models.ts";

/** Prompts of different lengths. */
const PROMPTS = [[5, 6, 7], [9], [3, 1, 4, 1, 5, 9, 2, 6], [8, 8, 8, 8], [30, 20], [7, 7], [11, 12], [2]];

/** The logits of each step of a sequence that is continued alone. */
async function alone(model: Model, prompt: number[], steps: number[]): Promise<Float32Array[]> {
  using session = model.session(40);
  await session.forward(prompt);
  const out: Float32Array[] = [];
  for (const id of steps) out.push(await session.forward([id]));
  return out;
}

/** Asserts that sequences that share steps, join and leave have the bits that they have alone. */
async function assertAlone(model: Model): Promise<void> {
  const steps = PROMPTS.map((_, i) => Array.from({ length: 3 + i % 3 }, (_, s) => (7 * i + 5 * s + 3) % 40));
  const expected: Float32Array[][] = [];
  for (const [i, prompt] of PROMPTS.entries()) expected.push(await alone(model, prompt, steps[i]!));
  using batch = model.batch();
  const sessions = PROMPTS.map(() => model.session(40));
  for (const [i, session] of sessions.entries()) await session.forward(PROMPTS[i]!);
  const found: Float32Array[][] = PROMPTS.map(() => []);
  for (let round = 0; found.some((logits, i) => logits.length < steps[i]!.length); round++) {
    // Each joins a round after the one before it, and the order turns.
    const ready = [...PROMPTS.keys()].filter((i) => i <= round && found[i]!.length < steps[i]!.length);
    if (round % 2 === 1) ready.reverse();
    const logits = await batch.step(
      ready.map((i) => sessions[i]!),
      ready.map((i) => steps[i]![found[i]!.length]!),
    );
    for (const [at, i] of ready.entries()) found[i]!.push(logits[at]!);
  }
  for (const i of PROMPTS.keys()) assertEquals(found[i], expected[i], `sequence ${i}`);
  for (const session of sessions) session[Symbol.dispose]();
}

for (const backend of ["plain", "wasm"] as const satisfies BackendName[]) {
  Deno.test(`sequences that share steps have the bits that they have alone: every architecture on ${backend}`, async (t) => {
    for (const name of names) {
      await t.step(name, async () => {
        using model = await load(name, backend);
        await assertAlone(model);
      });
    }
  });
}

for (const format of ["int4", "int8", "int3"]) {
  for (const activations of ["int16", "int8", "f32"] as const) {
    Deno.test(`sequences that share steps of tinyworld in ${format} with ${activations} have the bits that they have alone`, async () => {
      using loaded = await loadModel("tinyworld", { backend: "wasm", activations });
      using model = await quantizeModel(loaded, { format, groupSize: 64 });
      await assertAlone(model);
    });
  }
}

Deno.test("a sequence takes part in a step once, and a step that fails moves none", async () => {
  using model = await loadModel("tinyworld");
  using batch = model.batch();
  using one = model.session(4);
  using full = model.session(1);
  await full.forward([1]);
  await one.forward([1]);
  await assertRejects(() => batch.step([one, full], [2, 2]), OptionError, "1 of 1 are used");
  await assertRejects(() => batch.step([one, one], [2, 2]), BusyError);
  assertEquals(one.position, 1);
  await batch.step([one], [2]);
  assertEquals(one.position, 2);
});
