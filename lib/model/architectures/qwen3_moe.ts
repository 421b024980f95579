/**
 * Qwen 3's mixtures of experts (Yang et al. 2025): a Qwen 3 whose tokens each take some of many small MLPs; some layers may
 * have one MLP for all.
 *
 * @module
 */
import { linear } from "../decoder/layout.ts";
import type { Architecture } from "./architecture.ts";
import { MOST_LAYERS } from "./config_reader.ts";
import { llamaAttention, llamaConfig, llamaLayout, llamaMlp } from "./llama.ts";
import { parseSliding } from "./sliding.ts";

/** Experts beyond which it is no model. */
const MOST_EXPERTS = 4096;

/** Qwen 3's mixtures of experts. */
export const qwen3Moe: Architecture = {
  prefixes: ["model."],
  config(read) {
    const defaults = { num_key_value_heads: 4, intermediate_size: 6144, max_position_embeddings: 32768 };
    const config = llamaConfig(read, { defaults });
    const { num_hidden_layers: layers } = config;
    const key = read.json.num_local_experts == null ? "num_experts" : "num_local_experts";
    const experts = read.whole(key, { fallback: 128, most: MOST_EXPERTS });
    const every = read.whole("decoder_sparse_step", { fallback: 1, most: MOST_LAYERS });
    const dense = read.ids("mlp_only_layers", null);
    const sliding = read.flag("use_sliding_window")
      ? parseSliding(read, { layers, window: 4096, slides: () => true })
      : {};
    return {
      ...config,
      ...sliding,
      attention_bias: read.flag("attention_bias"),
      num_local_experts: experts,
      num_experts_per_tok: read.whole("num_experts_per_tok", { fallback: 8, most: experts }),
      norm_topk_prob: read.flag("norm_topk_prob"),
      moe_intermediate_size: read.whole("moe_intermediate_size", { fallback: 768 }),
      moe_layers: Array.from({ length: layers }, (_, i) => !dense.includes(i) && (i + 1) % every === 0),
    };
  },
  layout(config, prefix) {
    const { hidden_size: hidden, num_local_experts, moe_intermediate_size: inner, moe_layers } = config;
    const expert = { hidden_size: hidden, intermediate_size: inner, mlp_bias: false };
    return llamaLayout(config, prefix, {
      attention: (layer) => llamaAttention(config, `${layer}.self_attn`, { norms: "each" }),
      mlp: (layer, number) =>
        moe_layers[number]
          ? {
            router: linear(`${layer}.mlp.gate`, [num_local_experts, hidden]),
            experts: Array.from(
              { length: num_local_experts },
              (_, e) => llamaMlp(expert, `${layer}.mlp.experts.${e}`),
            ),
          }
          : llamaMlp(config, `${layer}.mlp`),
    });
  },
};
