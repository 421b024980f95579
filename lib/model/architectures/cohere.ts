/**
 * Command R (Cohere 2024): attention and MLP side by side behind one layer norm without bias, heads whose neighbouring
 * features turn together, scaled logits.
 *
 * @module
 */
import type { Architecture } from "./architecture.ts";
import { llamaAttention, llamaConfig, llamaLayout } from "./llama.ts";

/** Command R. */
export const cohere: Architecture = {
  prefixes: ["model."],
  config(read) {
    // Each head has a layer norm of its own there.
    read.only("use_qk_norm", false);
    const config = llamaConfig(read, {
      keys: { norm_eps: "layer_norm_eps" },
      defaults: {
        max_position_embeddings: 8192,
        norm_eps: 1e-5,
        tie_word_embeddings: true,
        bos_token_id: 5,
        eos_token_id: 255001,
      },
      rope: { theta: 500000 },
    });
    return {
      ...config,
      norm: "layer",
      use_parallel_residual: true,
      shared_norm: true,
      attention_bias: read.flag("attention_bias"),
      logit_scale: read.positive("logit_scale", 0.0625),
    };
  },
  layout: (config, prefix) =>
    llamaLayout(config, prefix, {
      norms: { mlp: null },
      attention: (layer) => llamaAttention(config, `${layer}.self_attn`, { interleaved: true }),
    }),
};
