/**
 * Mistral (Jiang et al. 2023, "Mistral 7B"): a Llama whose attention slides.
 *
 * @module
 */
import type { Architecture } from "./architecture.ts";
import { llamaConfig, llamaLayout } from "./llama.ts";
import { parseSliding } from "./sliding.ts";

/** Mistral. */
export const mistral: Architecture = {
  prefixes: ["model."],
  config(read) {
    const defaults = {
      num_key_value_heads: 8,
      max_position_embeddings: 131072,
      bos_token_id: 1,
      eos_token_id: 2,
    };
    const config = llamaConfig(read, { defaults });
    const { num_hidden_layers: layers } = config;
    return { ...config, ...parseSliding(read, { layers, window: 4096, slides: () => true }) };
  },
  layout: llamaLayout,
};
