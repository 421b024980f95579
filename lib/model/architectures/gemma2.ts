/**
 * Gemma 2 (Riviere et al. 2024): a Gemma with norms before and behind each half of a layer, bounded scores and logits, and
 * attention that slides in every other layer.
 *
 * @module
 */
import type { ModelConfig } from "../decoder/config.ts";
import type { ConfigReader } from "./config_reader.ts";
import type { Architecture, BaseOptions } from "./architecture.ts";
import { gemmaConfig } from "./gemma.ts";
import { llamaLayout } from "./llama.ts";
import { parseSliding } from "./sliding.ts";

/** Norms of a layer beside `input_layernorm`. */
export const GEMMA2_NORMS = {
  afterAttention: "post_attention_layernorm",
  mlp: "pre_feedforward_layernorm",
  afterMlp: "post_feedforward_layernorm",
};

/** The config that Gemma 2 and 3 share. */
export function gemma2Config(
  read: ConfigReader,
  options: BaseOptions & { slides: (layer: number) => boolean },
): ModelConfig {
  const config = gemmaConfig(read, {
    keys: { hidden_act: "hidden_activation" },
    defaults: { num_key_value_heads: 4, ...options.defaults },
  });
  const { num_hidden_layers: layers } = config;
  return {
    ...config,
    ...parseSliding(read, { layers, window: 4096, slides: options.slides }),
    attention_scale: 1 / Math.sqrt(read.positive("query_pre_attn_scalar", 256)),
  };
}

/** Gemma 2. */
export const gemma2: Architecture = {
  prefixes: ["model."],
  config(read) {
    /** A bound that null switches off. */
    const cap = (key: string, fallback: number) =>
      read.json[key] === undefined ? fallback : read.maybePositive(key);
    return {
      ...gemma2Config(read, { slides: (layer) => layer % 2 === 0 }),
      attn_logit_softcapping: cap("attn_logit_softcapping", 50),
      final_logit_softcapping: cap("final_logit_softcapping", 30),
    };
  },
  layout: (config, prefix) => llamaLayout(config, prefix, { norms: GEMMA2_NORMS }),
};
