/**
 * Granite 3 (IBM 2024): a Llama with factors at embeddings, scores, residuals and logits.
 *
 * @module
 */
import type { Architecture } from "./architecture.ts";
import { llamaConfig, llamaLayout } from "./llama.ts";

/** Granite 3. */
export const granite: Architecture = {
  prefixes: ["model."],
  config: (read) => ({
    ...llamaConfig(read, { defaults: { bos_token_id: 1, eos_token_id: 2 } }),
    attention_bias: read.flag("attention_bias"),
    mlp_bias: read.flag("mlp_bias"),
    embedding_scale: read.positive("embedding_multiplier", 1),
    residual_scale: read.positive("residual_multiplier", 1),
    attention_scale: read.positive("attention_multiplier", 1),
    logit_scale: 1 / read.positive("logits_scaling", 1),
  }),
  layout: llamaLayout,
};
