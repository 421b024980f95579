/**
 * Qwen 2 and 2.5 (Yang et al. 2024): a Llama with biases on queries, keys and values; later layers may slide.
 *
 * @module
 */
import type { ModelConfig } from "../decoder/config.ts";
import type { ConfigReader } from "./config_reader.ts";
import type { Architecture } from "./architecture.ts";
import { llamaConfig, llamaLayout } from "./llama.ts";
import { parseSliding } from "./sliding.ts";

/** A Qwen's config. */
export function qwenConfig(read: ConfigReader, options: { head_dim?: number } = {}): ModelConfig {
  const config = llamaConfig(read, { defaults: { max_position_embeddings: 32768, ...options } });
  const { num_hidden_layers: layers } = config;
  if (!read.flag("use_sliding_window")) return config;
  const first = read.json.max_window_layers === 0 ? 0 : read.whole("max_window_layers", { fallback: 28 });
  return { ...config, ...parseSliding(read, { layers, window: 4096, slides: (layer) => layer >= first }) };
}

/** Qwen 2 and 2.5. */
export const qwen2: Architecture = {
  prefixes: ["model."],
  config: (read) => ({ ...qwenConfig(read), qkv_bias: true }),
  layout: llamaLayout,
};
