/**
 * OPT (Zhang et al. 2022): learned positions, layer norms, ReLU.
 *
 * @module
 */
import { linear, norm, table } from "../decoder/layout.ts";
import { type Architecture, baseConfig } from "./architecture.ts";

/** Positions before the first: what fairseq kept for padding. */
const OFFSET = 2;

/** OPT. */
export const opt: Architecture = {
  prefixes: ["model.decoder.", "decoder."],
  config(read) {
    read.only("layer_norm_elementwise_affine", true);
    read.only("_remove_final_layer_norm", false);
    const config = baseConfig(read, {
      keys: { intermediate_size: "ffn_dim", hidden_act: "activation_function", norm_eps: "layer_norm_eps" },
      defaults: {
        norm_eps: 1e-5,
        hidden_act: "relu",
        tie_word_embeddings: true,
        bos_token_id: 2,
        eos_token_id: 2,
      },
    });
    const bias = read.flag("enable_bias", true);
    return {
      ...config,
      norm: "layer",
      do_layer_norm_before: read.flag("do_layer_norm_before", true),
      attention_bias: bias,
      mlp_bias: bias,
      word_embed_proj_dim: read.whole("word_embed_proj_dim", { fallback: config.hidden_size }),
    };
  },
  layout(config, prefix) {
    const { hidden_size: hidden, intermediate_size: inner, word_embed_proj_dim: width } = config;
    const { attention_bias, mlp_bias, vocab_size, max_position_embeddings } = config;
    const attend = (name: string) => linear(name, [hidden, hidden], { bias: attention_bias });
    return {
      embedding: table(`${prefix}embed_tokens`, vocab_size, width),
      positions: {
        table: table(`${prefix}embed_positions`, max_position_embeddings + OFFSET, hidden),
        offset: OFFSET,
      },
      projectIn: width === hidden ? undefined : linear(`${prefix}project_in`, [hidden, width]),
      layers: Array.from({ length: config.num_hidden_layers }, (_, i) => {
        const at = `${prefix}layers.${i}`;
        return {
          attention: {
            norm: norm(`${at}.self_attn_layer_norm`, hidden, { bias: true }),
            inner: {
              inputs: (["q", "k", "v"] as const).map((part) => ({
                linear: attend(`${at}.self_attn.${part}_proj`),
                gives: [{ part }],
              })),
              output: attend(`${at}.self_attn.out_proj`),
            },
          },
          mlp: {
            norm: norm(`${at}.final_layer_norm`, hidden, { bias: true }),
            inner: {
              inputs: [{
                linear: linear(`${at}.fc1`, [inner, hidden], { bias: mlp_bias }),
                gives: [{ part: "up" }],
              }],
              output: linear(`${at}.fc2`, [hidden, inner], { bias: mlp_bias }),
            },
          },
        };
      }),
      norm: config.do_layer_norm_before
        ? norm(`${prefix}final_layer_norm`, hidden, { bias: true })
        : undefined,
      projectOut: width === hidden ? undefined : linear(`${prefix}project_out`, [width, hidden]),
      head: config.tie_word_embeddings ? undefined : linear("lm_head", [vocab_size, width]),
    };
  },
};
