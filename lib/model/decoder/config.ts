/**
 * What the decoder needs to know of a model: one form for all architectures.
 *
 * @module
 */
import type { Activation } from "../../compute/backend.ts";
import type { RopeParameters } from "./rope_parameters.ts";

/** How much of what came before a layer's tokens see. */
export type LayerType = "full_attention" | "sliding_attention";

/** What the decoder needs to know, under Hugging Face's names, whatever each architecture calls it. */
export interface ModelConfig {
  /** The architecture. */
  readonly model_type: string;
  /** Features of a token. */
  readonly hidden_size: number;
  /** Features inside the MLP. */
  readonly intermediate_size: number;
  /** Decoder layers. */
  readonly num_hidden_layers: number;
  /** Query heads. */
  readonly num_attention_heads: number;
  /** Key and value heads. */
  readonly num_key_value_heads: number;
  /** Features of a head. */
  readonly head_dim: number;
  /** Tokens that there are. */
  readonly vocab_size: number;
  /** Longest sequence, in tokens; with dynamic rotary scaling as long as that makes it. */
  readonly max_position_embeddings: number;
  /** Whether the head is the embedding. */
  readonly tie_word_embeddings: boolean;
  /** The token that begins a sequence. */
  readonly bos_token_id: number | null;
  /** The tokens that end a sequence. */
  readonly eos_token_id: readonly number[];
  /** How the weights were saved: `dtype`, or `torch_dtype` before transformers 5. The tensors themselves decide. */
  readonly dtype?: string;
  /** What quantized the checkpoint, as it stands. */
  readonly quantization_config?: unknown;

  /** How features are normalized: by their root mean square, or by mean and variance. */
  readonly norm: "rms" | "layer";
  /** Added to the mean square or the variance before its root. */
  readonly norm_eps: number;
  /** What is added to a norm's weights: Gemma's count from 1. */
  readonly norm_offset: 0 | 1;
  /** Whether norms stand before attention and MLP, or behind what they add to. */
  readonly do_layer_norm_before: boolean;
  /** Whether attention and MLP both see what comes into the layer. */
  readonly use_parallel_residual: boolean;
  /** Whether they do so through one norm. */
  readonly shared_norm: boolean;
  /** The function inside the MLP. */
  readonly hidden_act: Activation;
  /** Whether attention's Linears must have biases; those of a checkpoint are taken in any case. */
  readonly attention_bias: boolean;
  /** Whether those of queries, keys and values alone must have biases. */
  readonly qkv_bias: boolean;
  /** Whether the MLP's Linears must have biases. */
  readonly mlp_bias: boolean;
  /** Experts of an MLP; 0 where there are none. */
  readonly num_local_experts: number;
  /** Experts that each token goes to. */
  readonly num_experts_per_tok: number;
  /** Features inside an expert. */
  readonly moe_intermediate_size: number;
  /** Which layers have experts; all have where it is empty. */
  readonly moe_layers: readonly boolean[];
  /** Whether the shares of a token's experts add up to 1, or to what the router gives them among all. */
  readonly norm_topk_prob: boolean;

  /** How heads turn; null where positions have embeddings of their own. */
  readonly rope_parameters: RopeParameters | null;
  /** How they turn in layers of sliding attention, where otherwise. */
  readonly local_rope_parameters: RopeParameters | null;
  /** Which layers' heads turn; all do where it is empty. */
  readonly rope_layers: readonly boolean[];
  /** Which layers' attention slides; all see all where it is empty. */
  readonly layer_types: readonly LayerType[];
  /** Tokens that one sees where attention slides, itself among them. */
  readonly sliding_window: number | null;
  /** What products of queries and keys are multiplied by. */
  readonly attention_scale: number;
  /** The bound that scores approach, if any. */
  readonly attn_logit_softcapping: number | null;
  /** The bound that logits approach, if any. */
  readonly final_logit_softcapping: number | null;
  /** What embeddings are multiplied by. */
  readonly embedding_scale: number;
  /** What attention and MLP are multiplied by before they are added. */
  readonly residual_scale: number;
  /** What logits are multiplied by. */
  readonly logit_scale: number;
  /** Features of the embedding, before a projection where they are not `hidden_size`. */
  readonly word_embed_proj_dim: number;
}
