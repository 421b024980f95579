/**
 * GGUF's architectures: what their config.json would say, and how their tensors differ from Hugging Face's.
 *
 * To add one that the decoder can be: give it a line at the end, and names in names.ts where they are not a Llama's.
 *
 * @module
 */
import { type Change, grouped, interleaved, lessOne, transposed } from "./changes.ts";
import {
  falconNames,
  gemma2Names,
  gpt2Names,
  gptNeoxNames,
  llamaNames,
  mixtralNames,
  type Names,
  olmo2Names,
  phi3Names,
  qwen3MoeNames,
  starcoder2Names,
} from "./names.ts";
import type { GgufReader } from "./reader.ts";
import { rotation } from "./rope.ts";

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
    head_dim: read.headDim(),
    max_position_embeddings: read.needed("context_length"),
  };
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
    ...rotation(read),
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

/** A Llama whose queries, keys and values alone have biases, which Hugging Face's Llama has not, but its Qwen 2. */
const biasedLlama: GgufArchitecture = { ...llama, model_type: "qwen2", architecture: "Qwen2ForCausalLM" };

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
    num_local_experts: read.experts(),
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
    ...rotation(read, { partial: true }),
    sliding_window: window(read),
  }),
};

/** A Gemma's config. */
function gemmaConfig(read: GgufReader): Json {
  return { ...sizes(read), ...rmsEps(read), ...rotation(read), attention_bias: false };
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
  const scalar = read.needed("block_count") === largest ? perHead : read.headDim();
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
    const { head_dim: _, num_key_value_heads: __, ...rest } = sizes(read);
    return {
      hidden_act: "gelu",
      ...rest,
      layer_norm_eps: layerEps(read),
      use_parallel_residual: read.metadata.flag(read.key("use_parallel_residual")) ?? true,
      attention_bias: read.file.has("blk.0.attn_qkv.bias"),
      ...rotation(read, { partial: true }),
    };
  },
  changes(read) {
    const heads = read.needed("attention.head_count");
    return { attn_qkv: grouped({ heads, kvHeads: heads }) };
  },
};

const qwen3Moe: GgufArchitecture = {
  ...qwen3,
  model_type: "qwen3_moe",
  architecture: "Qwen3MoeForCausalLM",
  names: qwen3MoeNames,
  config: (read) => ({
    ...llamaConfig(read),
    num_experts: read.experts(),
    num_experts_per_tok: read.needed("expert_used_count"),
    moe_intermediate_size: read.needed("expert_feed_forward_length"),
    norm_topk_prob: true,
  }),
};

const olmo2: GgufArchitecture = {
  ...qwen2,
  model_type: "olmo2",
  architecture: "Olmo2ForCausalLM",
  names: olmo2Names,
  config(read) {
    if (window(read)) throw read.fail("attention.sliding_window", "is not supported");
    return llamaConfig(read);
  },
};

const granite: GgufArchitecture = {
  ...llama,
  model_type: "granite",
  architecture: "GraniteForCausalLM",
  config: (read) => ({
    ...llama.config(read),
    attention_multiplier: read.decimal("attention.scale") ?? 1 / Math.sqrt(read.headDim()),
    embedding_multiplier: read.decimal("embedding_scale") ?? 1,
    residual_multiplier: read.decimal("residual_scale") ?? 1,
    logits_scaling: read.decimal("logit_scale") ?? 1,
  }),
};

const smollm3: GgufArchitecture = {
  ...llama,
  model_type: "smollm3",
  architecture: "SmolLM3ForCausalLM",
  // Files do not say it, and llama.cpp takes it so too.
  config: (read) => ({ ...llama.config(read), no_rope_layer_interval: 4 }),
};

const stablelm: GgufArchitecture = {
  model_type: "stablelm",
  architecture: "StableLmForCausalLM",
  names: llamaNames,
  config: (read) => ({
    hidden_act: "silu",
    ...sizes(read),
    layer_norm_eps: layerEps(read),
    ...rotation(read, { partial: true }),
    use_parallel_residual: read.metadata.flag(read.key("use_parallel_residual")) ?? false,
    use_qkv_bias: read.file.has("blk.0.attn_q.bias"),
  }),
};

const starcoder2: GgufArchitecture = {
  model_type: "starcoder2",
  architecture: "Starcoder2ForCausalLM",
  names: starcoder2Names,
  config: (read) => ({
    hidden_act: "gelu_pytorch_tanh",
    ...sizes(read),
    norm_epsilon: layerEps(read),
    ...rotation(read),
    use_bias: read.file.has("blk.0.attn_q.bias"),
    sliding_window: window(read),
  }),
};

const cohere: GgufArchitecture = {
  model_type: "cohere",
  architecture: "CohereForCausalLM",
  names: llamaNames,
  config: (read) => ({
    hidden_act: "silu",
    ...sizes(read),
    layer_norm_eps: layerEps(read),
    ...rotation(read),
    attention_bias: read.file.has("blk.0.attn_q.bias"),
    logit_scale: read.decimal("logit_scale") ?? 1,
  }),
};

/** Falcon: the larger ones have groups of queries, and all but Falcon 2 two norms a layer. */
function falcon(norms: 1 | 2): GgufArchitecture {
  const kvHeads = (read: GgufReader) =>
    read.number("attention.head_count_kv") ?? read.needed("attention.head_count");
  return {
    model_type: "falcon",
    architecture: "FalconForCausalLM",
    names: falconNames(norms),
    config(read) {
      const { head_dim: _, num_key_value_heads: kv, intermediate_size, ...rest } = sizes(read);
      return {
        ...rest,
        ffn_hidden_size: intermediate_size,
        layer_norm_epsilon: layerEps(read),
        new_decoder_architecture: norms === 2 || (kv as number) > 1,
        num_ln_in_parallel_attn: norms,
        multi_query: kv === 1,
        num_kv_heads: kv,
        parallel_attn: true,
        alibi: false,
        bias: read.file.has("blk.0.attn_qkv.bias"),
        ...rotation(read),
      };
    },
    changes: (read) => ({
      attn_qkv: grouped({ heads: read.needed("attention.head_count"), kvHeads: kvHeads(read) }),
    }),
  };
}

function hasQueryBiasAlone({ file }: GgufReader): boolean {
  return file.has("blk.0.attn_q.bias") && !file.has("blk.0.attn_output.bias");
}

/** By `general.architecture`; files of one name may be of several models. */
const ARCHITECTURES: Readonly<Record<string, (read: GgufReader) => GgufArchitecture>> = {
  llama: (read) =>
    read.experts() ? mixtral : window(read) ? mistral : hasQueryBiasAlone(read) ? biasedLlama : llama,
  qwen2: () => qwen2,
  qwen3: () => qwen3,
  phi3: () => phi3,
  gemma: () => gemma,
  gemma2: () => gemma2,
  gemma3: () => gemma3,
  gpt2: () => gpt2,
  gptneox: () => gptNeox,
  qwen3moe: () => qwen3Moe,
  olmo2: () => olmo2,
  granite: () => granite,
  smollm3: () => smollm3,
  stablelm: () => stablelm,
  starcoder2: () => starcoder2,
  "command-r": () => cohere,
  falcon: (read) => falcon(read.file.has("blk.0.attn_norm_2.weight") ? 2 : 1),
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
