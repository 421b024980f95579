/**
 * What an architecture is: how its config.json is read, and where its checkpoints keep what.
 *
 * @module
 */
import type { ModelConfig } from "../decoder/config.ts";
import { type ConfigReader, MOST_LAYERS, MOST_POSITIONS } from "./config_reader.ts";
import type { Layout } from "../decoder/layout.ts";

/** A family of models that the decoder can be. */
export interface Architecture {
  /** Reads config.json. */
  readonly config: (read: ConfigReader) => ModelConfig;
  /** Says where a checkpoint keeps the decoder's parts. Names begin with `prefix`. */
  readonly layout: (config: ModelConfig, prefix: string) => Layout;
  /** How names may begin: as transformers saves them first, then as others do. */
  readonly prefixes: readonly string[];
}

/** Keys that architectures name differently. */
const KEYS = {
  hidden_size: "hidden_size",
  intermediate_size: "intermediate_size",
  num_hidden_layers: "num_hidden_layers",
  num_attention_heads: "num_attention_heads",
  max_position_embeddings: "max_position_embeddings",
  norm_eps: "rms_norm_eps",
  hidden_act: "hidden_act",
};

/** What an architecture has to say before its config is read. */
export interface BaseOptions {
  /** Its names of what others name otherwise. */
  readonly keys?: Partial<typeof KEYS>;
  /** What transformers takes where the config says nothing. */
  readonly defaults?: {
    readonly intermediate_size?: number;
    readonly num_key_value_heads?: number;
    readonly head_dim?: number;
    readonly max_position_embeddings?: number;
    readonly norm_eps?: number;
    readonly hidden_act?: string;
    readonly tie_word_embeddings?: boolean;
    readonly bos_token_id?: number;
    readonly eos_token_id?: number;
  };
}

/** What all configs have; for the rest they are a Llama's, without rotation. */
export function baseConfig(read: ConfigReader, options: BaseOptions = {}): ModelConfig {
  const { json } = read;
  const { defaults = {} } = options;
  const keys = { ...KEYS, ...options.keys };
  const hidden_size = read.whole(keys.hidden_size);
  const heads = read.whole(keys.num_attention_heads);
  // null means as many as query heads; where it is absent, architectures differ.
  const kvHeads = json.num_key_value_heads === undefined && defaults.num_key_value_heads !== undefined
    ? defaults.num_key_value_heads
    : read.whole("num_key_value_heads", { fallback: heads });
  if (heads % kvHeads !== 0) {
    throw read.fail("num_key_value_heads", `a divisor of ${keys.num_attention_heads}, ${heads}`, kvHeads);
  }
  const { head_dim: usual = hidden_size / heads } = defaults;
  if (json.head_dim == null && !Number.isInteger(usual)) {
    throw read.fail(
      keys.hidden_size,
      `a multiple of ${keys.num_attention_heads}, ${heads}, where head_dim is absent`,
    );
  }
  const head_dim = read.whole("head_dim", { fallback: usual });
  const dtype = read.text("dtype") ?? read.text("torch_dtype");
  return {
    model_type: json.model_type as string,
    hidden_size,
    intermediate_size: read.whole(keys.intermediate_size, { fallback: defaults.intermediate_size }),
    num_hidden_layers: read.whole(keys.num_hidden_layers, { most: MOST_LAYERS }),
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim,
    vocab_size: read.whole("vocab_size"),
    max_position_embeddings: read.whole(keys.max_position_embeddings, {
      fallback: defaults.max_position_embeddings ?? 2048,
      most: MOST_POSITIONS,
    }),
    tie_word_embeddings: read.flag("tie_word_embeddings", defaults.tie_word_embeddings),
    bos_token_id: read.id("bos_token_id", defaults.bos_token_id ?? null),
    eos_token_id: read.ids("eos_token_id", defaults.eos_token_id ?? null),
    ...(dtype === undefined ? {} : { dtype }),
    ...(json.quantization_config == null ? {} : { quantization_config: json.quantization_config }),
    norm: "rms",
    norm_eps: read.epsilon(keys.norm_eps, defaults.norm_eps ?? 1e-6),
    norm_offset: 0,
    do_layer_norm_before: true,
    use_parallel_residual: false,
    shared_norm: false,
    hidden_act: read.activation(keys.hidden_act, defaults.hidden_act ?? "silu"),
    attention_bias: false,
    qkv_bias: false,
    mlp_bias: false,
    num_local_experts: 0,
    num_experts_per_tok: 0,
    moe_intermediate_size: 0,
    moe_layers: [],
    norm_topk_prob: true,
    rope_parameters: null,
    local_rope_parameters: null,
    rope_layers: [],
    layer_types: [],
    sliding_window: null,
    attention_scale: 1 / Math.sqrt(head_dim),
    attn_logit_softcapping: null,
    final_logit_softcapping: null,
    embedding_scale: 1,
    residual_scale: 1,
    logit_scale: 1,
    word_embed_proj_dim: hidden_size,
  };
}
