/**
 * Gemma (Mesnard et al. 2024): a Llama with scaled embeddings, norms that count from 1, and GeGLU.
 *
 * @module
 */
import type { ModelConfig } from "../decoder/config.ts";
import type { ConfigReader } from "./config_reader.ts";
import type { Architecture, BaseOptions } from "./architecture.ts";
import { llamaConfig, llamaLayout } from "./llama.ts";

/** A Gemma's config. */
export function gemmaConfig(read: ConfigReader, options: BaseOptions = {}): ModelConfig {
  const defaults = {
    head_dim: 256,
    max_position_embeddings: 8192,
    hidden_act: "gelu_pytorch_tanh",
    tie_word_embeddings: true,
    bos_token_id: 2,
    eos_token_id: 1,
    ...options.defaults,
  };
  read.only("use_bidirectional_attention", false);
  const config = llamaConfig(read, { ...options, defaults });
  return {
    ...config,
    norm_offset: 1,
    embedding_scale: Math.sqrt(config.hidden_size),
    attention_bias: read.flag("attention_bias"),
  };
}

/** Gemma. */
export const gemma: Architecture = {
  prefixes: ["model."],
  // Published configs say "gelu" and mean its approximation.
  config: (read) => {
    const config = gemmaConfig(read);
    return config.hidden_act === "gelu" ? { ...config, hidden_act: "gelu_new" } : config;
  },
  layout: llamaLayout,
};
