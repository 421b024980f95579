/**
 * GPT-2 (Radford et al. 2019): learned positions, layer norms, fused and transposed Linears.
 *
 * @module
 */
import { linear, norm, table } from "../decoder/layout.ts";
import { type Architecture, baseConfig } from "./architecture.ts";

/** GPT-2. */
export const gpt2: Architecture = {
  // As transformers saves it, and as OpenAI's checkpoint on the Hub has it.
  prefixes: ["transformer.", ""],
  config(read) {
    for (const key of ["scale_attn_by_inverse_layer_idx", "add_cross_attention"]) read.only(key, false);
    read.only("scale_attn_weights", true);
    const config = baseConfig(read, {
      keys: {
        hidden_size: "n_embd",
        intermediate_size: "n_inner",
        num_hidden_layers: "n_layer",
        num_attention_heads: "n_head",
        max_position_embeddings: "n_positions",
        hidden_act: "activation_function",
        norm_eps: "layer_norm_epsilon",
      },
      defaults: {
        intermediate_size: 4 * read.whole("n_embd"),
        max_position_embeddings: 1024,
        norm_eps: 1e-5,
        hidden_act: "gelu_new",
        tie_word_embeddings: true,
        bos_token_id: 50256,
        eos_token_id: 50256,
      },
    });
    return { ...config, norm: "layer", attention_bias: true, mlp_bias: true };
  },
  layout(config, prefix) {
    const { hidden_size: hidden, intermediate_size: inner, vocab_size } = config;
    /** A Conv1D: a Linear whose weights are [in_features, out_features]. */
    const conv = (name: string, rows: number, cols: number) =>
      linear(name, [rows, cols], { bias: true, transposed: true });
    return {
      embedding: table(`${prefix}wte`, vocab_size, hidden),
      positions: { table: table(`${prefix}wpe`, config.max_position_embeddings, hidden), offset: 0 },
      layers: Array.from({ length: config.num_hidden_layers }, (_, i) => {
        const at = `${prefix}h.${i}`;
        return {
          attention: {
            norm: norm(`${at}.ln_1`, hidden, { bias: true }),
            inner: {
              inputs: [{
                linear: conv(`${at}.attn.c_attn`, 3 * hidden, hidden),
                gives: (["q", "k", "v"] as const).map((part, i) => ({ part, columns: { from: i * hidden } })),
              }],
              output: conv(`${at}.attn.c_proj`, hidden, hidden),
            },
          },
          mlp: {
            norm: norm(`${at}.ln_2`, hidden, { bias: true }),
            inner: {
              inputs: [{ linear: conv(`${at}.mlp.c_fc`, inner, hidden), gives: [{ part: "up" }] }],
              output: conv(`${at}.mlp.c_proj`, hidden, inner),
            },
          },
        };
      }),
      norm: norm(`${prefix}ln_f`, hidden, { bias: true }),
      head: config.tie_word_embeddings ? undefined : linear("lm_head", [vocab_size, hidden]),
    };
  },
};
