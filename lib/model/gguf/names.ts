/**
 * Hugging Face's names of GGUF's tensors, by family of architectures.
 *
 * @module
 */

/** How modules are called: those outside of layers, and those of a layer, whose names `layers` begins. */
export interface Names {
  /** Modules outside of layers. */
  readonly outside: Readonly<Record<string, string>>;
  /** What stands before a layer's number. */
  readonly layers: string;
  /** Modules of a layer. "{e}" is an expert's number. */
  readonly inside: Readonly<Record<string, string>>;
}

/** Llama's. */
export const llamaNames: Names = {
  outside: { token_embd: "model.embed_tokens", output_norm: "model.norm", output: "lm_head" },
  layers: "model.layers",
  inside: {
    attn_norm: "input_layernorm",
    attn_q: "self_attn.q_proj",
    attn_k: "self_attn.k_proj",
    attn_v: "self_attn.v_proj",
    attn_output: "self_attn.o_proj",
    attn_q_norm: "self_attn.q_norm",
    attn_k_norm: "self_attn.k_norm",
    ffn_norm: "post_attention_layernorm",
    ffn_gate: "mlp.gate_proj",
    ffn_up: "mlp.up_proj",
    ffn_down: "mlp.down_proj",
  },
};

function like(names: Names, inside: Readonly<Record<string, string>>): Names {
  return { ...names, inside: { ...names.inside, ...inside } };
}

/** Mixtral's: experts one by one, as older files have them, or all in one tensor. */
export const mixtralNames: Names = like(llamaNames, {
  ffn_gate_inp: "block_sparse_moe.gate",
  ffn_gate: "block_sparse_moe.experts.{e}.w1",
  ffn_down: "block_sparse_moe.experts.{e}.w2",
  ffn_up: "block_sparse_moe.experts.{e}.w3",
  ffn_gate_exps: "block_sparse_moe.experts.{e}.w1",
  ffn_down_exps: "block_sparse_moe.experts.{e}.w2",
  ffn_up_exps: "block_sparse_moe.experts.{e}.w3",
});

/** Phi 3's: Linears that share an input are one. */
export const phi3Names: Names = like(llamaNames, {
  attn_qkv: "self_attn.qkv_proj",
  ffn_up: "mlp.gate_up_proj",
});

/** Gemma 2's and 3's: four norms a layer. */
export const gemma2Names: Names = like(llamaNames, {
  post_attention_norm: "post_attention_layernorm",
  ffn_norm: "pre_feedforward_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
});

/** Qwen 3's mixtures of experts. */
export const qwen3MoeNames: Names = like(llamaNames, {
  ffn_gate_inp: "mlp.gate",
  ffn_gate_exps: "mlp.experts.{e}.gate_proj",
  ffn_down_exps: "mlp.experts.{e}.down_proj",
  ffn_up_exps: "mlp.experts.{e}.up_proj",
});

/** OLMo 2's: norms behind attention and MLP. */
export const olmo2Names: Names = like(llamaNames, {
  post_attention_norm: "post_attention_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
});

/** StarCoder 2's: an MLP without gate. */
export const starcoder2Names: Names = like(llamaNames, { ffn_up: "mlp.c_fc", ffn_down: "mlp.c_proj" });

/** GPT-2's. */
export const gpt2Names: Names = {
  outside: {
    token_embd: "transformer.wte",
    position_embd: "transformer.wpe",
    output_norm: "transformer.ln_f",
    output: "lm_head",
  },
  layers: "transformer.h",
  inside: {
    attn_norm: "ln_1",
    attn_qkv: "attn.c_attn",
    attn_output: "attn.c_proj",
    ffn_norm: "ln_2",
    ffn_up: "mlp.c_fc",
    ffn_down: "mlp.c_proj",
  },
};

/** GPT-NeoX's. */
export const gptNeoxNames: Names = {
  outside: {
    token_embd: "gpt_neox.embed_in",
    output_norm: "gpt_neox.final_layer_norm",
    output: "embed_out",
  },
  layers: "gpt_neox.layers",
  inside: {
    attn_norm: "input_layernorm",
    attn_qkv: "attention.query_key_value",
    attn_output: "attention.dense",
    ffn_norm: "post_attention_layernorm",
    ffn_up: "mlp.dense_h_to_4h",
    ffn_down: "mlp.dense_4h_to_h",
  },
};

/** Falcon's; of two norms a layer the first is the MLP's. */
export function falconNames(norms: 1 | 2): Names {
  return {
    outside: {
      token_embd: "transformer.word_embeddings",
      output_norm: "transformer.ln_f",
      output: "lm_head",
    },
    layers: "transformer.h",
    inside: {
      ...(norms === 1 ? { attn_norm: "input_layernorm" } : { attn_norm: "ln_mlp", attn_norm_2: "ln_attn" }),
      attn_qkv: "self_attention.query_key_value",
      attn_output: "self_attention.dense",
      ffn_up: "mlp.dense_h_to_4h",
      ffn_down: "mlp.dense_4h_to_h",
    },
  };
}

/** A GGUF tensor's name, taken apart, and Hugging Face's. */
export interface HubName {
  /** GGUF's name of the module, without its layer: "ffn_down". */
  readonly module: string;
  /** Hugging Face's name; "{e}" stands in it where the tensor has all experts. */
  readonly name: string;
}

/**
 * Hugging Face's name of a GGUF tensor, or undefined where the family has none such.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const found = hubName("blk.3.ffn_down.weight", llamaNames);
 * assertEquals(found?.name, "model.layers.3.mlp.down_proj.weight");
 * ```
 */
export function hubName(name: string, names: Names): HubName | undefined {
  const { layer, module, expert, part } =
    /^(?:blk\.(?<layer>\d+)\.)?(?<module>\w+)(?:\.(?<expert>\d+))?\.(?<part>weight|bias)$/.exec(name)
      ?.groups ?? {};
  const known = layer === undefined ? names.outside : names.inside;
  if (module === undefined || !Object.hasOwn(known, module)) return undefined;
  const called = known[module]!;
  const ofMany = called.includes("{e}") && !module.endsWith("_exps");
  if (ofMany !== (expert !== undefined)) return undefined;
  const at = layer === undefined ? "" : `${names.layers}.${layer}.`;
  return { module, name: `${at}${expert === undefined ? called : called.replace("{e}", expert)}.${part}` };
}
