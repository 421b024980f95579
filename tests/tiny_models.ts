/**
 * The tiny checkpoints with random weights, one of every architecture, and what transformers finds
 * (tests/golden/make_tiny_models.py).
 *
 * @module
 */
import { assertEquals, assertLess } from "@std/assert";
import { generate, loadModel, type Model } from "any4";
import type { BackendName } from "any4/compute";
import { SafetensorsFile } from "../lib/files/safetensors/read.ts";
import { relativeError } from "../lib/measure/layer_error.ts";

/** The folder of their checkpoints. */
export const root: string = `${import.meta.dirname}/golden/models`;
/** Their names. */
export const names: readonly string[] = [...Deno.readDirSync(root)].filter((entry) => entry.isDirectory).map((
  { name },
) => name).sort();

/** What transformers finds. */
export function golden(name: string): { tokens: number[]; logits: Float32Array; short?: Float32Array } {
  using file = SafetensorsFile.open(`${root}/${name}/golden.safetensors`);
  const { buffer, byteOffset, byteLength } = file.read("tokens");
  return {
    tokens: [...new Int32Array(buffer.slice(byteOffset, byteOffset + byteLength))],
    logits: file.readFloat32("logits"),
    short: file.has("short_logits") ? file.readFloat32("short_logits") : undefined,
  };
}

/** One of them; GPUs are not tuned, and activations not rounded. */
export const load = (name: string, backend: BackendName): Promise<Model> =>
  loadModel(`${root}/${name}`, { backend, tune: false, activations: "f32" });

/** Logits of tokens in one go, in a sequence that has room for them alone. */
export async function logitsOf(model: Model, tokens: number[]): Promise<Float32Array> {
  using session = model.session(tokens.length);
  return await session.forward(tokens, { logits: "all" });
}

/** Logits of tokens that come one after another. */
export async function stepByStep(model: Model, tokens: number[]): Promise<Float32Array> {
  using session = model.session(tokens.length);
  const all: number[] = [];
  for (const token of tokens) all.push(...await session.forward([token]));
  return Float32Array.from(all);
}

/** Asserts that a model's logits are those of transformers, in one go and token by token. */
export async function assertGolden(name: string, backend: BackendName): Promise<void> {
  using model = await load(name, backend);
  const { tokens, logits, short } = golden(name);
  const whole = await logitsOf(model, tokens);
  assertLess(relativeError(whole, logits), 1e-5);
  assertLess(relativeError(await stepByStep(model, tokens), whole), 1e-5);
  if (!short) return;
  const few = tokens.slice(0, short.length / model.config.vocab_size);
  assertLess(relativeError(await logitsOf(model, few), short), 1e-5);
}

/** Asserts that every one of them continues a text on a backend as on the oracle. */
export async function assertSameText(backend: BackendName): Promise<void> {
  for (const name of names) {
    const text = async (kind: BackendName) => {
      using model = await load(name, kind);
      return (await generate(model, "Once upon a time", { maxTokens: 12 })).tokens;
    };
    assertEquals(await text(backend), await text("plain"), name);
  }
}
