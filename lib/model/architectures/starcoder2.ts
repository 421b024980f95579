/**
 * StarCoder 2 (Lozhkov et al. 2024): a Mistral with layer norms, biases and an MLP without gate.
 *
 * @module
 */
import { linear } from "../decoder/layout.ts";
import type { Architecture } from "./architecture.ts";
import { llamaConfig, llamaLayout } from "./llama.ts";
import { parseSliding } from "./sliding.ts";

/** StarCoder 2. */
export const starcoder2: Architecture = {
  prefixes: ["model."],
  config(read) {
    const config = llamaConfig(read, {
      keys: { norm_eps: "norm_epsilon" },
      defaults: {
        num_key_value_heads: 2,
        max_position_embeddings: 4096,
        norm_eps: 1e-5,
        hidden_act: "gelu_pytorch_tanh",
        tie_word_embeddings: true,
        bos_token_id: 50256,
        eos_token_id: 50256,
      },
    });
    const { num_hidden_layers: layers } = config;
    const bias = read.flag("use_bias", true);
    return {
      ...config,
      ...parseSliding(read, { layers, window: null, slides: () => true }),
      norm: "layer",
      attention_bias: bias,
      mlp_bias: bias,
    };
  },
  layout(config, prefix) {
    const { hidden_size: hidden, intermediate_size: inner, mlp_bias: bias } = config;
    return llamaLayout(config, prefix, {
      normBias: true,
      mlp: (layer) => ({
        inputs: [{ linear: linear(`${layer}.mlp.c_fc`, [inner, hidden], { bias }), gives: [{ part: "up" }] }],
        output: linear(`${layer}.mlp.c_proj`, [hidden, inner], { bias }),
      }),
    });
  },
};
