/**
 * Gemma 3 (Kamath et al. 2025), its text models: a Gemma 2 without bounds, with norms of queries and keys, and a base of its
 * own for the rotation in the layers that slide: five of six.
 *
 * @module
 */
import { parseRope } from "./parse_rope.ts";
import type { Architecture } from "./architecture.ts";
import { GEMMA2_NORMS, gemma2Config } from "./gemma2.ts";
import { llamaAttention, llamaLayout } from "./llama.ts";
import { ConfigReader } from "./config_reader.ts";

/** Gemma 3. */
export const gemma3: Architecture = {
  prefixes: ["model."],
  config(read) {
    const every = read.whole(
      read.json.sliding_window_pattern == null ? "_sliding_window_pattern" : "sliding_window_pattern",
      {
        fallback: 6,
      },
    );
    // The rotations are read below, one for each type of layer.
    const { rope_scaling: _, rope_parameters: __, ...rest } = read.json;
    const config = gemma2Config(new ConfigReader(rest, read.where), {
      defaults: { max_position_embeddings: 131072 },
      slides: (layer) => (layer + 1) % every !== 0,
    });
    const { head_dim, max_position_embeddings: context } = config;
    const local = new ConfigReader({ ...read.json, rope_scaling: null }, read.where);
    return {
      ...config,
      final_logit_softcapping: read.maybePositive("final_logit_softcapping"),
      rope_parameters: parseRope(read, { head_dim, context, theta: 1e6, layer: "full_attention" }),
      local_rope_parameters: parseRope(local, {
        head_dim,
        context,
        theta: 1e4,
        thetaKey: "rope_local_base_freq",
        layer: "sliding_attention",
      }),
    };
  },
  layout: (config, prefix) =>
    llamaLayout(config, prefix, {
      norms: GEMMA2_NORMS,
      attention: (layer) => llamaAttention(config, `${layer}.self_attn`, { norms: "each" }),
    }),
};
