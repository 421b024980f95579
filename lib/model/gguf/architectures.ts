/**
 * GGUF's architectures: what their config.json would say, and how their tensors differ from Hugging Face's.
 *
 * To add one that the decoder can be: give it a line at the end, and names in names.ts where they are not a Llama's.
 *
 * @module
 */
import { type Change, headsOf, interleaved, lessOne, neoxRows, transposed } from "./changes.ts";
import {
  gemma2Names,
  gpt2Names,
  gptNeoxNames,
  llamaNames,
  mixtralNames,
  type Names,
  phi3Names,
} from "./names.ts";
import type { GgufReader } from "./reader.ts";
import { longRope, partialRotation, ropeScaling, ropeTheta } from "./rope.ts";

type Json = Record<string, unknown>;

/** An architecture. */
export interface GgufArchitecture {
  /** Hugging Face's name of it. */
  readonly model_type: string;
  /** transformers' name of it. */
  readonly architecture: string;
  /** Names of tensors. */
  readonly names: Names;
  /** What config.json says. */
  readonly config: (read: GgufReader) => Json;
  /** How tensors differ from Hugging Face's, by GGUF's name of the module. */
  readonly changes?: (read: GgufReader) => Readonly<Record<string, Change>>;
}

/** Sizes under the names that most have. */
function sizes(read: GgufReader): Json & { head_dim: number } {
  const heads = read.needed("attention.head_count");
  const hidden = read.needed("embedding_length");
  return {
    hidden_size: hidden,
    intermediate_size: read.needed("feed_forward_length"),
    num_hidden_layers: read.needed("block_count"),
    num_attention_heads: heads,
    num_key_value_heads: read.number("attention.head_count_kv") ?? heads,
    head_dim: headDim(read),
    max_position_embeddings: read.needed("context_length"),
  };
}

/** Features of a head. */
function headDim(read: GgufReader): number {
  const dim = read.number("attention.key_length") ??
    read.needed("embedding_length") / read.needed("attention.head_count");
  const values = read.number("attention.value_length") ?? dim;
  if (values !== dim) throw read.fail("attention.value_length", `must be ${dim}, as attention.key_length`);
  return dim;
}

function rmsEps(read: GgufReader): Json {
  return { rms_norm_eps: required(read, "attention.layer_norm_rms_epsilon") };
}

function layerEps(read: GgufReader): number {
  return required(read, "attention.layer_norm_epsilon");
}

function required(read: GgufReader, suffix: string): number {
  read.needed(suffix);
  return read.decimal(suffix)!;
}

/** The window of attention that slides, or null. */
function window(read: GgufReader): number | null {
  return read.number("attention.sliding_window") || null;
}

/** A Llama's config, all of whose features turn. */
function llamaConfig(read: GgufReader): Json {
  return {
    hidden_act: "silu",
    ...sizes(read),
    ...rmsEps(read),
    ...ropeTheta(read),
    ...ropeScaling(read, headDim(read)),
    attention_bias: read.file.has("blk.0.attn_q.bias"),
  };
}

/** Only "llama" turns neighbours: see llama.cpp's LLAMA_ROPE_TYPE_NORM. */
function llamaChanges(read: GgufReader): Record<string, Change> {
  const heads = read.needed("attention.head_count");
  return {
    attn_q: interleaved(heads),
    attn_k: interleaved(read.number("attention.head_count_kv") ?? heads),
  };
}

const llama: GgufArchitecture = {
  model_type: "llama",
  architecture: "LlamaForCausalLM",
  names: llamaNames,
  config: (read) => ({ ...llamaConfig(read), mlp_bias: read.file.has("blk.0.ffn_up.bias") }),
  changes: llamaChanges,
};

const mistral: GgufArchitecture = {
  ...llama,
  model_type: "mistral",
  architecture: "MistralForCausalLM",
  config: (read) => ({ ...llamaConfig(read), sliding_window: window(read) }),
};

const mixtral: GgufArchitecture = {
  ...llama,
  model_type: "mixtral",
  architecture: "MixtralForCausalLM",
  names: mixtralNames,
  config: (read) => ({
    ...llamaConfig(read),
    sliding_window: window(read),
    num_local_experts: read.needed("expert_count"),
    num_experts_per_tok: read.needed("expert_used_count"),
  }),
};

const qwen2: GgufArchitecture = {
  model_type: "qwen2",
  architecture: "Qwen2ForCausalLM",
  names: llamaNames,
  config: llamaConfig,
};

const qwen3: GgufArchitecture = { ...qwen2, model_type: "qwen3", architecture: "Qwen3ForCausalLM" };

const phi3: GgufArchitecture = {
  model_type: "phi3",
  architecture: "Phi3ForCausalLM",
  names: phi3Names,
  config: (read) => ({
    hidden_act: "silu",
    ...sizes(read),
    ...rmsEps(read),
    ...ropeTheta(read),
    ...partialRotation(read, headDim(read)),
    ...longRope(read),
    sliding_window: window(read),
  }),
};

/** A Gemma's config. */
function gemmaConfig(read: GgufReader): Json {
  return { ...sizes(read), ...rmsEps(read), ...ropeTheta(read), attention_bias: false };
}

/** Norms hold 1 + w here. */
const gemmaChanges = () =>
  Object.fromEntries(
    [
      ...["attn_norm", "ffn_norm", "output_norm", "attn_q_norm", "attn_k_norm"],
      ...["post_attention_norm", "post_ffw_norm"],
    ].map((norm) => [norm, lessOne]),
  );

const gemma: GgufArchitecture = {
  model_type: "gemma",
  architecture: "GemmaForCausalLM",
  names: llamaNames,
  config: (read) => ({
    hidden_act: "gelu_pytorch_tanh",
    ...gemmaConfig(read),
    ...ropeScaling(read, headDim(read)),
  }),
  changes: gemmaChanges,
};

/**
 * What Gemma 2 and 3 have beside. Scores are divided by the root of a head's features, but for the largest model of each,
 * which divides by the root of hidden_size / heads; files do not say so: llama.cpp too knows it by the layers.
 */
function gemma2Config(read: GgufReader, largest: number): Json {
  const scale = read.decimal("attention.scale");
  const perHead = read.needed("embedding_length") / read.needed("attention.head_count");
  const scalar = read.needed("block_count") === largest ? perHead : headDim(read);
  return {
    hidden_activation: "gelu_pytorch_tanh",
    ...gemmaConfig(read),
    query_pre_attn_scalar: scale ? 1 / scale ** 2 : scalar,
    sliding_window: window(read),
  };
}

const gemma2: GgufArchitecture = {
  model_type: "gemma2",
  architecture: "Gemma2ForCausalLM",
  names: gemma2Names,
  config: (read) => ({
    ...gemma2Config(read, 46),
    ...ropeScaling(read, headDim(read)),
    attn_logit_softcapping: read.decimal("attn_logit_softcapping") ?? 50,
    final_logit_softcapping: read.decimal("final_logit_softcapping") ?? 30,
  }),
  changes: gemmaChanges,
};

const gemma3: GgufArchitecture = {
  model_type: "gemma3_text",
  architecture: "Gemma3ForCausalLM",
  names: gemma2Names,
  config: (read) => ({
    ...gemma2Config(read, 62),
    ...ropeScaling(read, headDim(read)),
    rope_local_base_freq: read.decimal("rope.freq_base_swa") ?? 10000,
    attn_logit_softcapping: read.decimal("attn_logit_softcapping") ?? null,
    final_logit_softcapping: read.decimal("final_logit_softcapping") ?? null,
    ...slidingPattern(read),
  }),
  changes: gemmaChanges,
};

/** Which layers slide: all but each so-manieth, or a list. */
function slidingPattern(read: GgufReader): Json {
  const key = read.key("attention.sliding_window_pattern");
  const flags = read.metadata.flags(key);
  if (!flags) return { sliding_window_pattern: read.metadata.number(key) ?? 6 };
  return { layer_types: flags.map((slides) => slides ? "sliding_attention" : "full_attention") };
}

const gpt2: GgufArchitecture = {
  model_type: "gpt2",
  architecture: "GPT2LMHeadModel",
  names: gpt2Names,
  config: (read) => ({
    n_embd: read.needed("embedding_length"),
    n_inner: read.needed("feed_forward_length"),
    n_layer: read.needed("block_count"),
    n_head: read.needed("attention.head_count"),
    n_positions: read.needed("context_length"),
    activation_function: "gelu_new",
    layer_norm_epsilon: layerEps(read),
  }),
  // A Conv1D's weights are [in_features, out_features].
  changes: () =>
    Object.fromEntries(["attn_qkv", "attn_output", "ffn_up", "ffn_down"].map((name) => [name, transposed])),
};

const gptNeox: GgufArchitecture = {
  model_type: "gpt_neox",
  architecture: "GPTNeoXForCausalLM",
  names: gptNeoxNames,
  config(read) {
    const { head_dim, num_key_value_heads: _, ...rest } = sizes(read);
    return {
      hidden_act: "gelu",
      ...rest,
      layer_norm_eps: layerEps(read),
      use_parallel_residual: read.metadata.flag(read.key("use_parallel_residual")) ?? true,
      attention_bias: read.file.has("blk.0.attn_qkv.bias"),
      ...ropeTheta(read),
      ...partialRotation(read, head_dim),
      ...ropeScaling(read, head_dim),
    };
  },
  changes: (read) => ({ attn_qkv: neoxRows(headsOf(read)) }),
};

/** By `general.architecture`; files of one name may be of several models. */
const ARCHITECTURES: Readonly<Record<string, (read: GgufReader) => GgufArchitecture>> = {
  llama: (read) => read.number("expert_count") ? mixtral : window(read) ? mistral : llama,
  qwen2: () => qwen2,
  qwen3: () => qwen3,
  phi3: () => phi3,
  gemma: () => gemma,
  gemma2: () => gemma2,
  gemma3: () => gemma3,
  gpt2: () => gpt2,
  gptneox: () => gptNeox,
};

/**
 * A file's architecture.
 *
 * @throws {CheckpointError} when it is none of those supported.
 */
export function ggufArchitecture(read: GgufReader): GgufArchitecture {
  if (Object.hasOwn(ARCHITECTURES, read.architecture)) return ARCHITECTURES[read.architecture]!(read);
  const known = Object.keys(ARCHITECTURES).map((name) => `"${name}"`).join(", ");
  throw read.metadata.fail(
    "general.architecture",
    `must be one of ${known}, current value is "${read.architecture}"`,
  );
}
