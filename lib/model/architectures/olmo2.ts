/**
 * OLMo 2 (OLMo team 2024): a Llama whose norms stand behind attention and MLP only, with norms of all queries and all keys.
 *
 * @module
 */
import type { Architecture } from "./architecture.ts";
import { llamaAttention, llamaConfig, llamaLayout } from "./llama.ts";

/** Norms of a layer. */
const NORMS = {
  attention: null,
  mlp: null,
  afterAttention: "post_attention_layernorm",
  afterMlp: "post_feedforward_layernorm",
};

/** OLMo 2. */
export const olmo2: Architecture = {
  prefixes: ["model."],
  config: (read) => ({
    ...llamaConfig(read, { defaults: { norm_eps: 1e-5, eos_token_id: 50279 } }),
    attention_bias: read.flag("attention_bias"),
  }),
  layout: (config, prefix) =>
    llamaLayout(config, prefix, {
      norms: NORMS,
      attention: (layer) => llamaAttention(config, `${layer}.self_attn`, { norms: "all" }),
    }),
};
