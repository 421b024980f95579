/**
 * config.json of a GGUF file.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import type { GgufFile } from "../../files/gguf/file.ts";
import type { Metadata } from "./metadata.ts";

/** Hugging Face's model_type of GGUF's architectures that differ from a Llama in little. */
const MODEL_TYPES: Readonly<Record<string, { model_type: string; architecture: string }>> = {
  llama: { model_type: "llama", architecture: "LlamaForCausalLM" },
  qwen2: { model_type: "qwen2", architecture: "Qwen2ForCausalLM" },
  qwen3: { model_type: "qwen3", architecture: "Qwen3ForCausalLM" },
};

/** Llama 3.1's and 3.2's, which GGUF has no keys for. */
const LLAMA3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

/**
 * What config.json would say, by a file's metadata and the shapes of its tensors.
 *
 * @throws {CheckpointError} when a key is missing or malformed, or the architecture is not supported.
 */
export function ggufConfig(file: GgufFile, metadata: Metadata): Record<string, unknown> {
  const architecture = metadata.text("general.architecture") ?? "";
  if (!Object.hasOwn(MODEL_TYPES, architecture)) {
    const known = Object.keys(MODEL_TYPES).map((name) => `"${name}"`).join(", ");
    throw metadata.fail(
      "general.architecture",
      `must be one of ${known}, current value is "${architecture}"`,
    );
  }
  if ((metadata.number("split.count") ?? 1) > 1) {
    throw metadata.fail(
      "split.count",
      "must be 1: models in several GGUF files are not supported, join them first",
    );
  }
  const { model_type, architecture: name } = MODEL_TYPES[architecture]!;
  const key = (suffix: string) => `${architecture}.${suffix}`;
  for (const suffix of ["expert_count", "attention.sliding_window"]) {
    if (metadata.number(key(suffix))) throw metadata.fail(key(suffix), "is not supported");
  }
  const heads = metadata.needed(key("attention.head_count"));
  const hidden = metadata.needed(key("embedding_length"));
  const head_dim = metadata.number(key("attention.key_length")) ?? hidden / heads;
  const rotated = metadata.number(key("rope.dimension_count")) ?? head_dim;
  if (rotated !== head_dim) {
    throw metadata.fail(key("rope.dimension_count"), `must be ${head_dim}, those of a head`);
  }
  const rope_theta = metadata.number(key("rope.freq_base")) ?? 10000;
  const context = metadata.needed(key("context_length"));
  const eos = ["eos", "eot"].flatMap((name) => metadata.number(`tokenizer.ggml.${name}_token_id`) ?? []);
  return {
    architectures: [name],
    model_type,
    hidden_act: "silu",
    hidden_size: hidden,
    intermediate_size: metadata.needed(key("feed_forward_length")),
    num_hidden_layers: metadata.needed(key("block_count")),
    num_attention_heads: heads,
    num_key_value_heads: metadata.number(key("attention.head_count_kv")) ?? heads,
    head_dim,
    vocab_size: vocabularySize(file),
    max_position_embeddings: context,
    rms_norm_eps: round(metadata.needed(key("attention.layer_norm_rms_epsilon"))),
    rope_theta: round(rope_theta),
    rope_scaling: ropeScaling(file, { metadata, key, head_dim, rope_theta, context }),
    tie_word_embeddings: !file.has("output.weight"),
    attention_bias: file.has("blk.0.attn_q.bias"),
    bos_token_id: metadata.number("tokenizer.ggml.bos_token_id") ?? null,
    eos_token_id: [...new Set(eos)],
    torch_dtype: { F16: "float16", BF16: "bfloat16" }[file.info("token_embd.weight").dtype as string] ??
      "float32",
  };
}

/** Rows of the embedding. */
function vocabularySize(file: GgufFile): number {
  const { shape } = file.info("token_embd.weight");
  if (shape.length === 2) return shape[0]!;
  throw new CheckpointError(`Cannot use ${file.path}: token_embd.weight must have two dimensions`);
}

/** Numbers were stored as float32; 1e-5 shall not come back as 0.000009999999747. */
function round(value: number): number {
  return Number(value.toPrecision(7));
}

/** "linear" and "yarn" have keys; Llama 3's kind is a tensor of what each frequency is divided by. */
function ropeScaling(
  file: GgufFile,
  with_: {
    metadata: Metadata;
    key: (suffix: string) => string;
    head_dim: number;
    rope_theta: number;
    context: number;
  },
): Record<string, unknown> | null {
  const { metadata, key, head_dim, rope_theta, context } = with_;
  if (file.has("rope_freqs.weight")) {
    const divisors = file.readFloat32("rope_freqs.weight");
    const factor = round(divisors.reduce((a, b) => Math.max(a, b), 1));
    const expected = llama3Divisors({ factor, head_dim, rope_theta });
    if (
      divisors.length !== expected.length || divisors.some((n, i) => Math.abs(n / expected[i]! - 1) > 1e-3)
    ) {
      throw metadata.fail("rope_freqs.weight", "scales rotary frequencies in a way that is not supported");
    }
    return { rope_type: "llama3", factor, ...LLAMA3 };
  }
  const type = metadata.text(key("rope.scaling.type")) ?? "none";
  const factor = metadata.number(key("rope.scaling.factor"));
  if (type === "none" || factor === undefined || factor === 1) return null;
  const original = metadata.number(key("rope.scaling.original_context_length")) ?? context;
  return { rope_type: type, factor, original_max_position_embeddings: original };
}

/** What Llama 3's scaling divides each frequency by; see `ropeFrequencies`. */
function llama3Divisors(rope: { factor: number; head_dim: number; rope_theta: number }): number[] {
  const { low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: original } = LLAMA3;
  return Array.from({ length: rope.head_dim / 2 }, (_, i) => {
    const turns = original / (2 * Math.PI * rope.rope_theta ** (2 * i / rope.head_dim));
    const kept = Math.min(Math.max((turns - low) / (high - low), 0), 1);
    return 1 / (kept + (1 - kept) / rope.factor);
  });
}
