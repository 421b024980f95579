/**
 * Configs of real models' shapes.
 *
 * @module
 */

const ROPE = {
  rope_type: "llama3",
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};

/** Shapes by name; what a shape does not say is Llama-3.2-1B's. */
const SHAPES: Record<string, Record<string, unknown>> = {
  "llama-3.2-1b": {},
  "llama-3.2-1b-2-layers": { num_hidden_layers: 2 },
  "small-12-layers": {
    hidden_size: 256,
    intermediate_size: 768,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    num_hidden_layers: 12,
    vocab_size: 1024,
    max_position_embeddings: 2048,
    rope_scaling: null,
  },
  "smollm2-135m": {
    hidden_size: 576,
    intermediate_size: 1536,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    num_hidden_layers: 30,
    vocab_size: 49152,
    max_position_embeddings: 8192,
    rope_scaling: null,
  },
  "llama-3.1-8b": {
    hidden_size: 4096,
    intermediate_size: 14336,
    head_dim: 128,
    num_hidden_layers: 32,
    tie_word_embeddings: false,
    rope_scaling: { ...ROPE, factor: 8 },
  },
  "tiny": {
    hidden_size: 64,
    intermediate_size: 192,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
    num_hidden_layers: 6,
    vocab_size: 1024,
    max_position_embeddings: 256,
    rope_scaling: null,
  },
};

const LLAMA_1B = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 2048,
  intermediate_size: 8192,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 64,
  num_hidden_layers: 16,
  vocab_size: 128256,
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  rope_scaling: ROPE,
  tie_word_embeddings: true,
  attention_bias: false,
  mlp_bias: false,
  torch_dtype: "bfloat16",
};

/** The shapes that there are. */
export const shapes: readonly string[] = Object.keys(SHAPES);

/** The config.json of a shape. */
export function configOf(shape: string): Record<string, unknown> {
  return { ...LLAMA_1B, ...SHAPES[shape] };
}
