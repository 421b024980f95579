/**
 * SmolLM 3 (Bakouch et al. 2025): a Llama in which every fourth layer's heads do not turn.
 *
 * @module
 */
import type { Architecture } from "./architecture.ts";
import { MOST_LAYERS } from "./config_reader.ts";
import { llamaConfig, llamaLayout } from "./llama.ts";
import { parseSliding } from "./sliding.ts";

/** SmolLM 3. */
export const smollm3: Architecture = {
  prefixes: ["model."],
  config(read) {
    const defaults = {
      num_key_value_heads: 4,
      max_position_embeddings: 32768,
      tie_word_embeddings: true,
      bos_token_id: 128000,
      eos_token_id: 128001,
    };
    const config = llamaConfig(read, { defaults, rope: { theta: 2e6 } });
    const { num_hidden_layers: layers } = config;
    const every = read.whole("no_rope_layer_interval", { fallback: 4, most: MOST_LAYERS });
    const turns: unknown = read.json.no_rope_layers ??
      Array.from({ length: layers }, (_, i) => Number((i + 1) % every !== 0));
    if (!Array.isArray(turns) || turns.length < layers || !turns.every((turn) => turn === 0 || turn === 1)) {
      throw read.fail("no_rope_layers", `1 where heads turn or 0 for each of ${layers} layers`);
    }
    const sliding = read.flag("use_sliding_window")
      ? parseSliding(read, { layers, window: null, slides: (layer) => turns[layer] === 0 })
      : {};
    return {
      ...config,
      ...sliding,
      rope_layers: turns.map((turn) => turn === 1),
      attention_bias: read.flag("attention_bias"),
      mlp_bias: read.flag("mlp_bias"),
    };
  },
  layout: llamaLayout,
};
