import { assert, assertEquals, assertLess } from "@std/assert";
import { generate, loadModel } from "any4";
import { Device } from "../../../lib/compute/webgpu/device.ts";
import { Tuner } from "../../../lib/compute/webgpu/tuner.ts";
import { gpuReason, hasGpu } from "../../gpu.ts";

function test(name: string, fn: (device: Device, folder: string) => Promise<void>): void {
  Deno.test({
    name: name + gpuReason,
    ignore: !hasGpu,
    async fn() {
      using device = await Device.open();
      const folder = await Deno.makeTempDir();
      try {
        await fn(device, folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Candidates that say how long they took, and count how often they ran. */
function candidates(seconds: Record<string, number>) {
  const runs: string[] = [];
  const all = new Map(
    Object.entries(seconds).map(([name, time]) => [name, () => {
      runs.push(name);
      return Promise.resolve(time);
    }]),
  );
  return { runs, all };
}

test(
  "decide() takes the fastest, in turns, and remembers it on disk by device and task",
  async (device, folder) => {
    const file = `${folder}/cache/kernels.json`;
    const tuner = new Tuner(device, { tune: true, file });
    const { runs, all } = candidates({ slow: 3, fast: 1, other: 2 });
    assert(tuner.isOpen("a task"));
    assertEquals(await tuner.decide("a task", all), "fast");
    assertEquals(runs.slice(0, 6), ["slow", "fast", "other", "slow", "fast", "other"]);
    assert(!tuner.isOpen("a task"));
    await tuner.decide("another", candidates({ slow: 3, other: 2 }).all);

    const later = new Tuner(device, { tune: false, file });
    assertEquals([later.winner("a task"), later.winner("another"), later.winner("a third")], [
      "fast",
      "other",
      undefined,
    ]);
    const elsewhere = { ...JSON.parse(Deno.readTextFileSync(file)), [device.description]: {} };
    Deno.writeTextFileSync(file, JSON.stringify(elsewhere));
    assertEquals(new Tuner(device, { tune: false, file }).winner("a task"), undefined);
  },
);

test(
  "a file that makes no sense is no reason to stop, nor is a folder that cannot be written",
  async (device, folder) => {
    for (
      const text of [
        "",
        "[]",
        "{",
        "null",
        `{"${device.description}": 7}`,
        `{"${device.description}": {"a": 1}}`,
      ]
    ) {
      const file = `${folder}/kernels.json`;
      Deno.writeTextFileSync(file, text);
      const tuner = new Tuner(device, { tune: true, file });
      assertEquals(tuner.winner("a"), undefined, text);
      assertEquals(await tuner.decide("a", candidates({ x: 1 }).all), "x");
      assertEquals(new Tuner(device, { tune: true, file }).winner("a"), "x");
    }
    const blocked = `${folder}/kernels.json/kernels.json`;
    assertEquals(
      await new Tuner(device, { tune: true, file: blocked }).decide("a", candidates({ x: 1 }).all),
      "x",
    );
  },
);

test("without tuning nothing is timed: tasks are never open", async (device) => {
  assertEquals(new Tuner(device, { tune: false }).isOpen("a"), false);
  await Promise.resolve();
});

test(
  "a model that tunes its kernels generates what one that does not generates, and is not tuned twice",
  async (_, folder) => {
    const tunedFile = `${folder}/kernels.json`;
    const text = async (tune: boolean) => {
      using model = await loadModel("tinyworld", { backend: "webgpu", tune, tunedFile });
      return (await generate(model, "Once upon a time", { maxTokens: 8 })).tokens;
    };
    const [plain, tuned] = [await text(false), await text(true)];
    assertEquals(tuned, plain);
    const winners = Deno.readTextFileSync(tunedFile);
    assertLess(1, Object.keys(Object.values(JSON.parse(winners))[0] as object).length);
    assertEquals(await text(true), plain);
    assertEquals(Deno.readTextFileSync(tunedFile), winners);
  },
);
