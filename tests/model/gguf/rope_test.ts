import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "../../../lib/errors.ts";
import type { GgufFile } from "../../../lib/files/gguf/file.ts";
import { Metadata } from "../../../lib/model/gguf/metadata.ts";
import { GgufReader } from "../../../lib/model/gguf/reader.ts";
import { rotation } from "../../../lib/model/gguf/rope.ts";

/** A reader of a file of a Llama, of such keys and tensors. */
function reader(keys: Record<string, number | string>, tensors: Record<string, number[]> = {}): GgufReader {
  const file = {
    path: "x.gguf",
    has: (name: string) => name in tensors,
    info: (name: string) => ({ shape: [tensors[name]!.length] }),
    readFloat32: (name: string) => Float32Array.from(tensors[name]!),
  } as unknown as GgufFile;
  const values = Object.fromEntries(Object.entries(keys).map(([key, value]) => [`llama.${key}`, value]));
  const metadata = new Metadata({ "general.architecture": "llama", ...values }, "x.gguf");
  return new GgufReader(file, metadata);
}
const HEADS = { embedding_length: 16, "attention.head_count": 2 };
const scaling = (keys: Record<string, number | string>, tensors: Record<string, number[]> = {}) =>
  rotation(reader({ context_length: 64, ...HEADS, ...keys }, tensors)).rope_scaling as Record<
    string,
    unknown
  >;

Deno.test("a factor without a type is linear, and so is the old key", () => {
  assertEquals(scaling({}), null);
  assertEquals(scaling({ "rope.scaling.factor": 4 }), { rope_type: "linear", factor: 4 });
  assertEquals(scaling({ "rope.scale_linear": 2.5 }), { rope_type: "linear", factor: 2.5 });
  assertEquals(scaling({ "rope.scaling.factor": 4, "rope.scale_linear": 2 }), {
    rope_type: "linear",
    factor: 4,
  });
  assertEquals(scaling({ "rope.scaling.type": "none", "rope.scaling.factor": 4 }), null);
  assertEquals(scaling({ "rope.scaling.type": "linear", "rope.scaling.factor": 1 }), null);
  assertEquals(rotation(reader(HEADS)), { rope_theta: 10000, rope_scaling: null });
  const based = reader({ ...HEADS, "rope.freq_base": Math.fround(1e6 / 3) });
  assertEquals(rotation(based).rope_theta, 333333.3);
});

Deno.test("YaRN's keys are all read", () => {
  const yarn = { "rope.scaling.type": "yarn", "rope.scaling.factor": 4 };
  assertEquals(scaling(yarn), { rope_type: "yarn", factor: 4, original_max_position_embeddings: 64 });
  const { attention_factor, ...rest } = scaling({
    ...yarn,
    "rope.scaling.original_context_length": 16,
    "rope.scaling.attn_factor": 0.5,
    "rope.scaling.yarn_beta_fast": 24,
    "rope.scaling.yarn_beta_slow": 2,
    "rope.scaling.yarn_ext_factor": -1,
  });
  assertEquals(rest, {
    rope_type: "yarn",
    factor: 4,
    original_max_position_embeddings: 16,
    beta_fast: 24,
    beta_slow: 2,
  });
  assertAlmostEquals(attention_factor as number, 0.5 * (1 + 0.1 * Math.log(4)), 1e-12);
});

Deno.test("divisors of any kind are divisors of frequencies", () => {
  const found = scaling({ "rope.scaling.factor": 2 }, { "rope_freqs.weight": [1, 2, 3, 4] });
  assertEquals(found, {
    rope_type: "longrope",
    short_factor: [2, 4, 6, 8],
    long_factor: [2, 4, 6, 8],
    factor: 1,
    attention_factor: 1,
    original_max_position_embeddings: 64,
  });
});

Deno.test("long and short divisors are LongRoPE", () => {
  const tensors = { "rope_factors_long.weight": [3, 4, 5], "rope_factors_short.weight": [1, 1, 2] };
  const keys = {
    ...HEADS,
    context_length: 64,
    "rope.dimension_count": 6,
    "rope.scaling.original_context_length": 16,
    "rope.scaling.attn_factor": 1.25,
  };
  assertEquals(rotation(reader(keys, tensors), { partial: true }), {
    rope_theta: 10000,
    partial_rotary_factor: 0.75,
    original_max_position_embeddings: 16,
    rope_scaling: {
      type: "longrope",
      long_factor: [3, 4, 5],
      short_factor: [1, 1, 2],
      attention_factor: 1.25,
    },
  });
});

Deno.test("what cannot be expressed is an error that names the key", () => {
  const cases: [Record<string, number | string>, Record<string, number[]>, string][] = [
    [{ "rope.dimension_count": 4 }, {}, '"llama.rope.dimension_count" must be 8'],
    [{ "rope.scaling.type": "su", "rope.scaling.factor": 2 }, {}, '"llama.rope.scaling.type" must be'],
    [
      { "rope.scaling.factor": 2, "rope.scaling.attn_factor": 2 },
      {},
      '"llama.rope.scaling.attn_factor" must be 1',
    ],
    [
      { "rope.scaling.type": "yarn", "rope.scaling.factor": 2, "rope.scaling.yarn_log_multiplier": 0.1 },
      {},
      '"llama.rope.scaling.yarn_log_multiplier" is not supported',
    ],
    [
      { "rope.scaling.type": "yarn", "rope.scaling.factor": 2, "rope.scaling.yarn_ext_factor": 0.5 },
      {},
      '"llama.rope.scaling.yarn_ext_factor" must be 1',
    ],
    [{}, { "rope_freqs.weight": [1, 2] }, '"rope_freqs.weight" must have 4 values'],
    [{}, { "rope_freqs.weight": [1, 2, 0, 1] }, '"rope_freqs.weight" must be above 0, one value is 0'],
  ];
  for (const [keys, tensors, says] of cases) {
    assertThrows(() => scaling(keys, tensors), CheckpointError, says);
  }
});
