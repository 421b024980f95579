/**
 * Mixtral (Jiang et al. 2024, "Mixtral of Experts"): a Mistral whose tokens each take some of several MLPs.
 *
 * @module
 */
import { linear } from "../decoder/layout.ts";
import type { Architecture } from "./architecture.ts";
import { llamaConfig, llamaLayout } from "./llama.ts";
import { parseSliding } from "./sliding.ts";

/** Mixtral. */
export const mixtral: Architecture = {
  prefixes: ["model."],
  config(read) {
    const defaults = {
      num_key_value_heads: 8,
      max_position_embeddings: 131072,
      norm_eps: 1e-5,
      bos_token_id: 1,
      eos_token_id: 2,
    };
    const config = llamaConfig(read, { defaults, rope: { theta: 1e6 } });
    const { num_hidden_layers: layers } = config;
    const num_local_experts = read.whole("num_local_experts", { fallback: 8, most: 4096 });
    return {
      ...config,
      ...parseSliding(read, { layers, window: null, slides: () => true }),
      num_local_experts,
      moe_intermediate_size: config.intermediate_size,
      num_experts_per_tok: read.whole("num_experts_per_tok", { fallback: 2, most: num_local_experts }),
    };
  },
  layout(config, prefix) {
    const { hidden_size: hidden, intermediate_size: inner, num_local_experts: experts } = config;
    const mlp = (layer: string) => {
      const at = `${layer}.block_sparse_moe`;
      return {
        router: linear(`${at}.gate`, [experts, hidden]),
        experts: Array.from({ length: experts }, (_, e) => ({
          inputs: [
            { linear: linear(`${at}.experts.${e}.w1`, [inner, hidden]), gives: [{ part: "gate" as const }] },
            { linear: linear(`${at}.experts.${e}.w3`, [inner, hidden]), gives: [{ part: "up" as const }] },
          ],
          output: linear(`${at}.experts.${e}.w2`, [hidden, inner]),
        })),
      };
    };
    return llamaLayout(config, prefix, { mlp });
  },
};
