/**
 * GPT-NeoX (Black et al. 2022) and Pythia (Biderman et al. 2023): attention and MLP side by side, heads of which a part
 * turns, one Linear for queries, keys and values that has them head by head.
 *
 * @module
 */
import { linear, norm, table } from "../decoder/layout.ts";
import { parseRope } from "./parse_rope.ts";
import { type Architecture, baseConfig } from "./architecture.ts";

/** GPT-NeoX. */
export const gptNeox: Architecture = {
  prefixes: ["gpt_neox."],
  config(read) {
    const config = baseConfig(read, {
      keys: { norm_eps: "layer_norm_eps" },
      defaults: { norm_eps: 1e-5, hidden_act: "gelu", bos_token_id: 0, eos_token_id: 2 },
    });
    const { head_dim, max_position_embeddings: context } = config;
    return {
      ...config,
      norm: "layer",
      use_parallel_residual: read.flag("use_parallel_residual", true),
      attention_bias: read.flag("attention_bias", true),
      mlp_bias: true,
      rope_parameters: parseRope(read, {
        head_dim,
        context,
        thetaKey: "rotary_emb_base",
        partial: 0.25,
        partialKey: "rotary_pct",
      }),
    };
  },
  layout(config, prefix) {
    const { hidden_size: hidden, intermediate_size: inner, head_dim, attention_bias: bias } = config;
    return {
      embedding: table(`${prefix}embed_in`, config.vocab_size, hidden),
      layers: Array.from({ length: config.num_hidden_layers }, (_, i) => {
        const at = `${prefix}layers.${i}`;
        return {
          attention: {
            norm: norm(`${at}.input_layernorm`, hidden, { bias: true }),
            inner: {
              inputs: [{
                linear: linear(`${at}.attention.query_key_value`, [3 * hidden, hidden], { bias }),
                gives: (["q", "k", "v"] as const).map((part, i) => ({
                  part,
                  columns: { from: i * head_dim, width: head_dim, stride: 3 * head_dim },
                })),
              }],
              output: linear(`${at}.attention.dense`, [hidden, hidden], { bias }),
            },
          },
          mlp: {
            norm: norm(`${at}.post_attention_layernorm`, hidden, { bias: true }),
            inner: {
              inputs: [{
                linear: linear(`${at}.mlp.dense_h_to_4h`, [inner, hidden], { bias: true }),
                gives: [{ part: "up" }],
              }],
              output: linear(`${at}.mlp.dense_4h_to_h`, [hidden, inner], { bias: true }),
            },
          },
        };
      }),
      norm: norm(`${prefix}final_layer_norm`, hidden, { bias: true }),
      head: config.tie_word_embeddings ? undefined : linear("embed_out", [config.vocab_size, hidden]),
    };
  },
};
