/**
 * Falcon (Almazrouei et al. 2023): layer norms, attention and MLP mostly side by side, one Linear for queries, keys and
 * values that has them group by group: the queries of a key-value head, its key, its value.
 *
 * @module
 */
import { linear, norm, table } from "../decoder/layout.ts";
import { type Architecture, baseConfig } from "./architecture.ts";
import { ConfigReader } from "./config_reader.ts";
import { parseRope } from "./parse_rope.ts";

/** Falcon. */
export const falcon: Architecture = {
  prefixes: ["transformer."],
  config(read) {
    read.only("alibi", false);
    const grouped = read.flag("new_decoder_architecture");
    const parallel = read.flag("parallel_attn", true);
    // Others fail with such combinations.
    if (grouped && !parallel) throw read.fail("parallel_attn", "true where new_decoder_architecture is");
    const norms = read.whole("num_ln_in_parallel_attn", { fallback: grouped ? 2 : 1, most: 2 });
    if (!grouped && norms === 2) throw read.fail("num_ln_in_parallel_attn", "1 or null");
    const hidden = read.json.n_embed == null ? "hidden_size" : "n_embed";
    const heads = read.whole("num_attention_heads");
    const kvHeads = read.whole("num_kv_heads", { fallback: heads });
    const kv = grouped ? kvHeads : read.flag("multi_query", true) ? 1 : heads;
    const config = baseConfig(
      new ConfigReader({ ...read.json, num_key_value_heads: kv, head_dim: null }, read.where),
      {
        keys: {
          hidden_size: hidden,
          intermediate_size: "ffn_hidden_size",
          hidden_act: "activation",
          norm_eps: "layer_norm_epsilon",
        },
        defaults: {
          intermediate_size: 4 * read.whole(hidden),
          norm_eps: 1e-5,
          hidden_act: "gelu",
          tie_word_embeddings: true,
          bos_token_id: 11,
          eos_token_id: 11,
        },
      },
    );
    const bias = read.flag("bias");
    const { head_dim, max_position_embeddings: context } = config;
    return {
      ...config,
      norm: "layer",
      use_parallel_residual: parallel,
      shared_norm: parallel && norms === 1,
      attention_bias: bias,
      mlp_bias: bias,
      rope_parameters: parseRope(read, { head_dim, context }),
    };
  },
  layout(config, prefix) {
    const { hidden_size: hidden, intermediate_size: inner, head_dim, num_key_value_heads: kv } = config;
    const { attention_bias: bias, use_parallel_residual: parallel, shared_norm: shared } = config;
    const queries = config.num_attention_heads / kv * head_dim;
    const stride = queries + 2 * head_dim;
    const layerNorm = (name: string) => norm(name, hidden, { bias: true });
    const [first, second] = parallel && !shared
      ? ["ln_attn", "ln_mlp"]
      : ["input_layernorm", "post_attention_layernorm"];
    return {
      embedding: table(`${prefix}word_embeddings`, config.vocab_size, hidden),
      layers: Array.from({ length: config.num_hidden_layers }, (_, i) => {
        const at = `${prefix}h.${i}`;
        return {
          attention: {
            norm: layerNorm(`${at}.${first}`),
            inner: {
              inputs: [{
                linear: linear(`${at}.self_attention.query_key_value`, [kv * stride, hidden], { bias }),
                gives: [
                  { part: "q", columns: { from: 0, width: queries, stride } },
                  { part: "k", columns: { from: queries, width: head_dim, stride } },
                  { part: "v", columns: { from: queries + head_dim, width: head_dim, stride } },
                ],
              }],
              output: linear(`${at}.self_attention.dense`, [hidden, hidden], { bias }),
            },
          },
          mlp: {
            norm: shared ? undefined : layerNorm(`${at}.${second}`),
            inner: {
              inputs: [{
                linear: linear(`${at}.mlp.dense_h_to_4h`, [inner, hidden], { bias }),
                gives: [{ part: "up" }],
              }],
              output: linear(`${at}.mlp.dense_4h_to_h`, [hidden, inner], { bias }),
            },
          },
        };
      }),
      norm: layerNorm(`${prefix}ln_f`),
      head: config.tie_word_embeddings ? undefined : linear("lm_head", [config.vocab_size, hidden]),
    };
  },
};
