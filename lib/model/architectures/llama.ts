/**
 * Llama 1 to 3.x (Touvron et al. 2023), and what others have of it.
 *
 * @module
 */
import type { ModelConfig } from "../decoder/config.ts";
import type { ConfigReader } from "./config_reader.ts";
import {
  type AttentionPlaces,
  type ExpertPlaces,
  type Layout,
  linear,
  type MlpPlaces,
  norm,
  type NormPlace,
  table,
} from "../decoder/layout.ts";
import { parseRope, type RopeDefaults } from "./parse_rope.ts";
import { type Architecture, baseConfig, type BaseOptions } from "./architecture.ts";

/** A Llama's config: all features of a head turn, in all layers alike. */
export function llamaConfig(
  read: ConfigReader,
  options: BaseOptions & { rope?: Partial<RopeDefaults> } = {},
): ModelConfig {
  const config = baseConfig(read, options);
  const { head_dim, max_position_embeddings: context } = config;
  const rope_parameters = parseRope(read, { head_dim, context, ...options.rope });
  // Dynamic scaling makes longer ones of contexts that are trained.
  const stretched = rope_parameters.rope_type === "dynamic" ? rope_parameters.factor : 1;
  return { ...config, rope_parameters, max_position_embeddings: Math.floor(context * stretched) };
}

/**
 * A layer's attention under a Llama's names.
 *
 * @param options `norms`: whether queries and keys have norms, of each head or of all heads together; `interleaved`: whether
 * neighbouring features turn together.
 */
export function llamaAttention(
  config: ModelConfig,
  at: string,
  options: { norms?: "each" | "all"; interleaved?: boolean } = {},
): AttentionPlaces {
  const { hidden_size, head_dim, attention_bias: bias } = config;
  const [q, kv] = [config.num_attention_heads * head_dim, config.num_key_value_heads * head_dim];
  const input = (part: "q" | "k" | "v", rows: number) => ({
    linear: linear(`${at}.${part}_proj`, [rows, hidden_size], {
      bias: bias || config.qkv_bias,
      interleaved: options.interleaved && part !== "v" ? head_dim : undefined,
    }),
    gives: [{ part }],
  });
  const partNorm = (part: string, size: number): NormPlace | undefined =>
    options.norms && norm(`${at}.${part}_norm`, options.norms === "all" ? size : head_dim);
  return {
    inputs: [input("q", q), input("k", kv), input("v", kv)],
    qNorm: partNorm("q", q),
    kNorm: partNorm("k", kv),
    output: linear(`${at}.o_proj`, [hidden_size, q], { bias }),
  };
}

/** A layer's MLP under a Llama's names. */
export function llamaMlp(
  config: Pick<ModelConfig, "hidden_size" | "intermediate_size" | "mlp_bias">,
  at: string,
): MlpPlaces {
  const { hidden_size, intermediate_size, mlp_bias: bias } = config;
  const input = (part: "gate" | "up") => ({
    linear: linear(`${at}.${part}_proj`, [intermediate_size, hidden_size], { bias }),
    gives: [{ part }],
  });
  return {
    inputs: [input("gate"), input("up")],
    output: linear(`${at}.down_proj`, [hidden_size, intermediate_size], { bias }),
  };
}

/** What a relative of Llama keeps elsewhere; each is given the name and the number of its layer. */
export interface LlamaChanges {
  /** Attention. */
  readonly attention?: (layer: string) => AttentionPlaces;
  /** The MLP. */
  readonly mlp?: (layer: string, number: number) => MlpPlaces | ExpertPlaces;
  /** Names of norms; null where there is none. */
  readonly norms?: {
    /** Before attention; "input_layernorm" when absent. */
    readonly attention?: string | null;
    /** Before the MLP; "post_attention_layernorm" when absent. */
    readonly mlp?: string | null;
    /** Behind attention; none when absent. */
    readonly afterAttention?: string;
    /** Behind the MLP; none when absent. */
    readonly afterMlp?: string;
  };
  /** Whether norms have biases. */
  readonly normBias?: boolean;
}

/** A decoder under a Llama's names. */
export function llamaLayout(config: ModelConfig, prefix: string, changes: LlamaChanges = {}): Layout {
  const { hidden_size: hidden, vocab_size: vocab } = config;
  const { attention, mlp, afterAttention, afterMlp } = {
    attention: "input_layernorm",
    mlp: "post_attention_layernorm",
    ...changes.norms,
  };
  const normOf = (name: string) => norm(name, hidden, { bias: changes.normBias });
  return {
    embedding: table(`${prefix}embed_tokens`, vocab, hidden),
    layers: Array.from({ length: config.num_hidden_layers }, (_, i) => {
      const at = `${prefix}layers.${i}`;
      const maybeNorm = (name?: string | null) => name == null ? undefined : normOf(`${at}.${name}`);
      return {
        attention: {
          norm: maybeNorm(attention),
          inner: changes.attention?.(at) ?? llamaAttention(config, `${at}.self_attn`),
          after: maybeNorm(afterAttention),
        },
        mlp: {
          norm: maybeNorm(mlp),
          inner: changes.mlp?.(at, i) ?? llamaMlp(config, `${at}.mlp`),
          after: maybeNorm(afterMlp),
        },
      };
    }),
    norm: normOf(`${prefix}norm`),
    head: config.tie_word_embeddings ? undefined : linear("lm_head", [vocab, hidden]),
  };
}

/** Llama. */
export const llama: Architecture = {
  prefixes: ["model."],
  config: (read) => ({
    ...llamaConfig(read, { defaults: { bos_token_id: 1, eos_token_id: 2 } }),
    attention_bias: read.flag("attention_bias"),
    mlp_bias: read.flag("mlp_bias"),
  }),
  layout: llamaLayout,
};
