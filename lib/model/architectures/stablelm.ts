/**
 * StableLM 2 (Bellagente et al. 2024): a Llama with layer norms and heads of which a quarter turns; attention and MLP may
 * stand side by side.
 *
 * @module
 */
import type { Architecture } from "./architecture.ts";
import { llamaConfig, llamaLayout } from "./llama.ts";

/** StableLM 2. */
export const stablelm: Architecture = {
  prefixes: ["model."],
  config(read) {
    // Each head has a layer norm of its own there.
    read.only("qk_layernorm", false);
    const config = llamaConfig(read, {
      keys: { norm_eps: "layer_norm_eps" },
      defaults: {
        num_key_value_heads: 32,
        max_position_embeddings: 4096,
        norm_eps: 1e-5,
        bos_token_id: 0,
        eos_token_id: 0,
      },
      rope: { partial: 0.25 },
    });
    const parallel = read.flag("use_parallel_residual");
    return {
      ...config,
      norm: "layer",
      use_parallel_residual: parallel,
      shared_norm: parallel,
      qkv_bias: read.flag("use_qkv_bias"),
    };
  },
  layout: (config, prefix) =>
    llamaLayout(config, prefix, {
      normBias: true,
      norms: config.shared_norm ? { mlp: null } : {},
    }),
};
