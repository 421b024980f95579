/**
 * Every architecture against transformers, on tiny checkpoints with random weights (tests/golden/make_tiny_models.py).
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import {
  any4,
  type BackendName,
  calibrate,
  ConfigError,
  isPacked,
  loadModel,
  type Model,
  saveModel,
} from "any4";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { SafetensorsFile } from "../../lib/matrix/safetensors.ts";
import { architectures } from "../../lib/model/architectures/mod.ts";
import { parseConfig } from "../../lib/model/config.ts";
import { gpuReason, hasGpu } from "../gpu.ts";

const root = `${import.meta.dirname}/../golden/models`;
const names = [...Deno.readDirSync(root)].filter((entry) => entry.isDirectory).map(({ name }) => name).sort();

/** What transformers finds. */
function golden(name: string): { tokens: number[]; logits: Float32Array; short?: Float32Array } {
  using file = SafetensorsFile.open(`${root}/${name}/golden.safetensors`);
  const { buffer, byteOffset, byteLength } = file.read("tokens");
  return {
    tokens: [...new Int32Array(buffer.slice(byteOffset, byteOffset + byteLength))],
    logits: file.readFloat32("logits"),
    short: file.has("short_logits") ? file.readFloat32("short_logits") : undefined,
  };
}

const load = (name: string, backend: BackendName) =>
  loadModel(`${root}/${name}`, { backend, tune: false, activations: "f32" });

/** Logits of tokens in one go, in a sequence that has room for them alone. */
async function logitsOf(model: Model, tokens: number[]): Promise<Float32Array> {
  using session = model.session(tokens.length);
  return await session.forward(tokens, { logits: "all" });
}

/** Logits of tokens that come one after another. */
async function stepByStep(model: Model, tokens: number[]): Promise<Float32Array> {
  using session = model.session(tokens.length);
  const all: number[] = [];
  for (const token of tokens) all.push(...await session.forward([token]));
  return Float32Array.from(all);
}

/** Runs with a new folder, which is gone afterwards. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("there is a tiny checkpoint of every architecture", () => {
  const types = names.map((name) =>
    JSON.parse(Deno.readTextFileSync(`${root}/${name}/config.json`)).model_type
  );
  assertEquals([...new Set(types)].sort(), [...architectures.keys()].sort());
});

for (const backend of ["plain", "wasm", "webgpu"] as const) {
  const reason = backend === "webgpu" ? gpuReason : "";
  const ignore = backend === "webgpu" && !hasGpu;
  for (const name of names) {
    Deno.test({
      name: `${name} on ${backend}: transformers' logits, in one go and token by token${reason}`,
      ignore,
      async fn() {
        using model = await load(name, backend);
        const { tokens, logits, short } = golden(name);
        const whole = await logitsOf(model, tokens);
        const error = relativeError(whole, logits);
        if (Deno.env.get("ANY4_SHOW")) console.log(`${name} ${backend} ${error.toExponential(1)}`);
        assertLess(error, 1e-4);
        assertLess(relativeError(await stepByStep(model, tokens), whole), 1e-5);
        if (short) {
          assertLess(
            relativeError(
              await logitsOf(model, tokens.slice(0, short.length / model.config.vocab_size)),
              short,
            ),
            1e-4,
          );
        }
      },
    });
  }
}
