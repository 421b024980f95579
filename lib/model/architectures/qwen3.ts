/**
 * Qwen 3 (Yang et al. 2025): a Llama whose queries and keys are normalized head by head.
 *
 * @module
 */
import type { Architecture } from "./architecture.ts";
import { llamaAttention, llamaLayout } from "./llama.ts";
import { qwenConfig } from "./qwen2.ts";

/** Qwen 3, but for its mixtures of experts. */
export const qwen3: Architecture = {
  prefixes: ["model."],
  config: (read) => ({
    ...qwenConfig(read, { head_dim: 128 }),
    attention_bias: read.flag("attention_bias"),
  }),
  layout: (config, prefix) =>
    llamaLayout(config, prefix, {
      attention: (layer) => llamaAttention(config, `${layer}.self_attn`, { norms: "each" }),
    }),
};
