/**
 * Phi 3, 3.5 and 4 (Abdin et al. 2024): a Llama whose Linears that share an input are one.
 *
 * @module
 */
import { linear } from "../decoder/layout.ts";
import type { Architecture } from "./architecture.ts";
import { llamaConfig, llamaLayout } from "./llama.ts";
import { parseSliding } from "./sliding.ts";

/** Phi 3. */
export const phi3: Architecture = {
  prefixes: ["model."],
  config(read) {
    const defaults = { max_position_embeddings: 4096, norm_eps: 1e-5, bos_token_id: 1, eos_token_id: 32000 };
    // Early configs have other names of LongRoPE.
    const config = llamaConfig(read, {
      defaults,
      rope: { partial: 1, aliases: { su: "longrope", yarn: "longrope" } },
    });
    const { num_hidden_layers: layers } = config;
    return { ...config, ...parseSliding(read, { layers, window: null, slides: () => true }) };
  },
  layout(config, prefix) {
    const { hidden_size: hidden, intermediate_size: inner, head_dim } = config;
    const [q, kv] = [config.num_attention_heads * head_dim, config.num_key_value_heads * head_dim];
    return llamaLayout(config, prefix, {
      attention: (layer) => ({
        inputs: [{
          linear: linear(`${layer}.self_attn.qkv_proj`, [q + 2 * kv, hidden]),
          gives: [
            { part: "q", columns: { from: 0 } },
            { part: "k", columns: { from: q } },
            { part: "v", columns: { from: q + kv } },
          ],
        }],
        output: linear(`${layer}.self_attn.o_proj`, [hidden, q]),
      }),
      mlp: (layer) => ({
        inputs: [{
          linear: linear(`${layer}.mlp.gate_up_proj`, [2 * inner, hidden]),
          gives: [{ part: "gate", columns: { from: 0 } }, { part: "up", columns: { from: inner } }],
        }],
        output: linear(`${layer}.mlp.down_proj`, [hidden, inner]),
      }),
    });
  },
};
