/**
 * Hashes of tinyworld quantized in every way that has bits of its own: each format as it is, calibrated sequentially, with one
 * codebook a matrix, and formats chosen for a target. What has other hashes than before gives other models.
 *
 *     deno run -A tests/golden/hash_quantized.ts > tests/golden/hash_quantized.json
 *
 * @module
 */
import { createHash } from "node:crypto";
import { isPacked, loadModel, type Model, quantizeModel, type QuantizeModelOptions } from "any4";
import { formats } from "any4/formats";

/** The ways, by name. */
export function ways(): Map<string, QuantizeModelOptions> {
  const kinds: Record<string, Partial<QuantizeModelOptions>> = {
    plain: {},
    sequential: { sequential: true },
    matrix: { codebook: "matrix" },
  };
  const found = new Map<string, QuantizeModelOptions>();
  for (const format of formats.keys()) {
    for (const [kind, options] of Object.entries(kinds)) {
      found.set(`${format} ${kind}`, { format, ...options });
    }
  }
  found.set("target 4", { targetBits: 4 });
  found.set("target 3.5 sequential", { targetBits: 3.5, sequential: true, groupSize: 64 });
  found.set("target 3 of int2, any3, nf4", { targetBits: 3, candidates: ["int2", "any3", "nf4:64"] });
  found.set("target 6, some fixed", {
    targetBits: 6,
    override: { "*.down_proj": "int8:64" },
    skip: "*.k_proj",
  });
  return found;
}

/** The SHA-256 of all tensors, packed and dense, by name. */
export function hashOf(model: Model): string {
  const hash = createHash("sha256");
  const add = (values: Float32Array | Uint32Array) =>
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  for (const name of [...model.tensors.keys()].sort()) {
    const tensor = model.tensors.get(name)!;
    hash.update(`${name} ${tensor.rows} ${tensor.cols}`);
    if (!isPacked(tensor)) {
      add(tensor.data);
      continue;
    }
    hash.update(`${tensor.format} ${tensor.groupSize} ${tensor.scaleType} ${tensor.codebookType}`);
    for (const part of [tensor.codes, tensor.scales, tensor.zeros, tensor.codebook]) if (part) add(part);
  }
  return hash.digest("hex");
}

if (import.meta.main) {
  const hashes: Record<string, string> = {};
  using model = await loadModel("tinyworld", { backend: "wasm" });
  for (const [way, options] of ways()) {
    const started = performance.now();
    using small = await quantizeModel(model, options);
    hashes[way] = hashOf(small);
    console.error(`${way}: ${((performance.now() - started) / 1000).toFixed(2)} s`);
  }
  console.log(JSON.stringify(hashes, null, 2));
}
