import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { parseConfig } from "../../../lib/model/architectures/parse_config.ts";
import type { ModelConfig } from "../../../lib/model/decoder/config.ts";

type Json = Record<string, unknown>;

const TINY_LLAMA: Json = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 2048,
  intermediate_size: 5632,
  num_hidden_layers: 22,
  num_attention_heads: 32,
  num_key_value_heads: 4,
  vocab_size: 32000,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  rope_scaling: null,
  tie_word_embeddings: false,
  attention_bias: false,
  bos_token_id: 1,
  eos_token_id: 2,
  torch_dtype: "bfloat16",
};

const LLAMA3_SCALING = {
  rope_type: "llama3",
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};

/** As the decoder is told of it where heads have 64 features. */
const LLAMA3_ROPE: ModelConfig["rope_parameters"] = {
  ...LLAMA3_SCALING,
  rope_type: "llama3",
  rope_theta: 500000,
  rotary_dim: 64,
};

/** TinyLlama's config with changes; undefined removes a key. */
function parse(changes: Json = {}): ModelConfig {
  const config: Json = { ...TINY_LLAMA, ...changes };
  for (const key in config) if (config[key] === undefined) delete config[key];
  return parseConfig(config, "config.json");
}

/** Fails unless each change is a ConfigError with its message. */
function assertWrong(wrong: readonly (readonly [Json, string])[]): void {
  for (const [changes, message] of wrong) {
    const error = assertThrows(() => parse(changes), ConfigError, message);
    assertStringIncludes(error.message, "Cannot use config.json");
  }
}

Deno.test("TinyLlama's config: four key-value heads for 32 query heads of 64 features", () => {
  assertEquals(parse(), {
    model_type: "llama",
    hidden_size: 2048,
    intermediate_size: 5632,
    num_hidden_layers: 22,
    num_attention_heads: 32,
    num_key_value_heads: 4,
    head_dim: 64,
    vocab_size: 32000,
    max_position_embeddings: 2048,
    tie_word_embeddings: false,
    bos_token_id: 1,
    eos_token_id: [2],
    dtype: "bfloat16",
    norm: "rms",
    norm_eps: 1e-5,
    norm_offset: 0,
    do_layer_norm_before: true,
    use_parallel_residual: false,
    shared_norm: false,
    hidden_act: "silu",
    attention_bias: false,
    qkv_bias: false,
    mlp_bias: false,
    num_local_experts: 0,
    num_experts_per_tok: 0,
    moe_intermediate_size: 0,
    moe_layers: [],
    norm_topk_prob: true,
    rope_parameters: { rope_type: "default", rope_theta: 10000, rotary_dim: 64 },
    local_rope_parameters: null,
    rope_layers: [],
    layer_types: [],
    sliding_window: null,
    attention_scale: 1 / 8,
    attn_logit_softcapping: null,
    final_logit_softcapping: null,
    embedding_scale: 1,
    word_embed_proj_dim: 2048,
    residual_scale: 1,
    logit_scale: 1,
  });
});

Deno.test("an old Llama's config says little: key-value heads, theta, biases and tokens have their defaults", () => {
  const config = parseConfig({
    model_type: "llama",
    hidden_size: 4096,
    intermediate_size: 11008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    vocab_size: 32000,
  }, "config.json");
  assertEquals([config.num_key_value_heads, config.head_dim, config.max_position_embeddings], [
    32,
    128,
    2048,
  ]);
  assertEquals(config.norm_eps, 1e-6);
  assertEquals(config.rope_parameters, { rope_type: "default", rope_theta: 10000, rotary_dim: 128 });
  assertEquals([config.tie_word_embeddings, config.attention_bias, config.mlp_bias], [false, false, false]);
  assertEquals([config.bos_token_id, config.eos_token_id], [1, [2]]);
  assert(!("dtype" in config) && !("quantization_config" in config));
});

Deno.test("Llama 3.2's config: scaled rotary embeddings, tied head", () => {
  const config = parse({
    num_key_value_heads: 8,
    head_dim: 64,
    max_position_embeddings: 131072,
    rope_theta: 500000,
    rope_scaling: LLAMA3_SCALING,
    tie_word_embeddings: true,
    eos_token_id: [128001, 128008, 128009],
  });
  assertEquals(config.rope_parameters, LLAMA3_ROPE);
  assertEquals(config.tie_word_embeddings, true);
  assertEquals(config.eos_token_id, [128001, 128008, 128009]);
});

Deno.test("transformers 5 writes rope_parameters and dtype for rope_theta, rope_scaling and torch_dtype", () => {
  const config = parse({
    torch_dtype: undefined,
    dtype: "float16",
    rope_theta: undefined,
    rope_scaling: undefined,
    rope_parameters: { ...LLAMA3_SCALING, rope_theta: 500000 },
  });
  assertEquals(config.dtype, "float16");
  assertEquals(config.rope_parameters, LLAMA3_ROPE);
  const plain = parse({ rope_theta: undefined, rope_parameters: { rope_type: "default", rope_theta: 7 } });
  assertEquals(plain.rope_parameters, { rope_type: "default", rope_theta: 7, rotary_dim: 64 });
});

Deno.test("a Mistral is a Llama whose attention slides", () => {
  const mistral = { model_type: "mistral", max_position_embeddings: 32768, num_key_value_heads: 8 };
  const sliding = (changes: Json) => {
    const { sliding_window, layer_types } = parse(changes);
    return [sliding_window, new Set(layer_types).size, layer_types[0]];
  };
  assertEquals(sliding({ ...mistral, sliding_window: 100 }), [100, 1, "sliding_attention"]);
  assertEquals(sliding({ ...mistral, sliding_window: null }), [null, 0, undefined]);
  assertEquals(sliding(mistral), [4096, 1, "sliding_attention"]);
  assertEquals(sliding({ sliding_window: 100 }), [null, 0, undefined]);
  assertEquals(parse({ ...mistral, sliding_window: 100 }).max_position_embeddings, 32768);
  const types = (...layer_types: unknown[]) => ({
    ...mistral,
    num_hidden_layers: 2,
    sliding_window: 100,
    layer_types,
  });
  assertEquals(parse(types("full_attention", "sliding_attention")).layer_types[1], "sliding_attention");
  assertWrong([
    [{ ...mistral, sliding_window: 0 }, "sliding_window must be a whole number from 1 to "],
    [types("full_attention"), "for each of 2 layers"],
    [types("full_attention", "half_attention"), "for each of 2 layers"],
  ]);
});

Deno.test("null is as good as absent where a value has a default, and means none for special tokens", () => {
  const config = parse({ num_key_value_heads: null, head_dim: null, rms_norm_eps: null, mlp_bias: null });
  assertEquals([config.num_key_value_heads, config.head_dim, config.norm_eps], [32, 64, 1e-6]);
  const silent = parse({ bos_token_id: null, eos_token_id: null });
  assertEquals([silent.bos_token_id, silent.eos_token_id], [null, []]);
});

Deno.test("head_dim may differ from hidden_size / num_attention_heads, which need not be whole then", () => {
  assertEquals(parse({ hidden_size: 2000, head_dim: 80 }).head_dim, 80);
});

const SIZES = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size"];

Deno.test("a size that is missing, of another type, not whole, not positive or huge is an error that says so", () => {
  for (const key of SIZES) {
    assertWrong([
      [{ [key]: undefined }, `${key} must be a whole number from 1 to `],
      [{ [key]: undefined }, "it is missing"],
      [{ [key]: null }, "current value is null"],
      [{ [key]: "2048" }, 'current value is "2048"'],
      [{ [key]: [32] }, "current value is [32]"],
      [{ [key]: true }, "current value is true"],
    ]);
    for (const value of [0, -32, 32.5, NaN, Infinity, 1e9, 2 ** 53, 1e300]) {
      assertWrong([[{ [key]: value }, `${key} must be a whole number`], [
        { [key]: value },
        `value is ${value}`,
      ]]);
    }
  }
  for (const key of ["num_key_value_heads", "head_dim", "max_position_embeddings"]) {
    for (const value of [0, -2, 1.5, NaN, 1e300, "4", {}]) assertWrong([[{ [key]: value }, key]]);
  }
});

Deno.test("sizes that do not fit together are errors", () => {
  assertWrong([
    [
      { num_key_value_heads: 5 },
      "num_key_value_heads must be a divisor of num_attention_heads, 32, current value is 5",
    ],
    [{ num_key_value_heads: 64 }, "num_key_value_heads must be a divisor of num_attention_heads, 32"],
    [
      { hidden_size: 2047 },
      "hidden_size must be a multiple of num_attention_heads, 32, where head_dim is absent",
    ],
    [{ head_dim: 63 }, "head_dim must be even, current value is 63"],
    [{ hidden_size: 32 * 63 }, "head_dim must be even, current value is 63"],
  ]);
});

Deno.test("other values of the wrong type or out of range are errors", () => {
  assertWrong([
    [{ rms_norm_eps: 0 }, "rms_norm_eps must be a number from 1e-30 to 1, current value is 0"],
    [{ rms_norm_eps: NaN }, "current value is NaN"],
    [{ rms_norm_eps: "1e-5" }, 'current value is "1e-5"'],
    [{ rope_theta: -10000 }, "rope_theta must be a number from "],
    [{ rope_theta: Infinity }, "rope_theta must be a number from "],
    [{ tie_word_embeddings: "false" }, 'tie_word_embeddings must be true or false, current value is "false"'],
    [{ attention_bias: 1 }, "attention_bias must be true or false"],
    [{ bos_token_id: [1] }, "bos_token_id must be a token id or null, current value is [1]"],
    [{ eos_token_id: -1 }, "eos_token_id must be a token id, a list of them, or null"],
    [{ eos_token_id: [2, [3]] }, "current value is [2,[3]]"],
    [{ torch_dtype: 16 }, "torch_dtype must be a string"],
  ]);
});

Deno.test("what is not supported is an error that says what is", () => {
  assertWrong([
    [{ model_type: "bloom" }, "must be one of llama, mistral, mixtral, qwen2, qwen3, qwen3_moe, phi3, gemma"],
    [{ model_type: "bloom" }, 'current value is "bloom". To add an architecture, write a file'],
    [{ model_type: undefined }, "model_type must be"],
    [{ model_type: "toString" }, "model_type must be"],
    [{ hidden_act: "quick_gelu" }, "hidden_act must be one of silu, swish, gelu, "],
    [
      { rope_scaling: { type: "mrope" } },
      'rope_scaling: type must be "default", "linear", "dynamic", "llama3"',
    ],
    [
      { rope_scaling: { rope_type: "linear" } },
      "rope_scaling: factor must be a number from 0.001 to 1000000, it is missing",
    ],
    [
      { rope_scaling: { rope_type: "longrope", short_factor: [1] } },
      "short_factor must be 32 numbers, each a number from ",
    ],
    [{ model_type: "phi3", partial_rotary_factor: 1.5 }, "partial_rotary_factor must be at most 1"],
    [
      { model_type: "phi3", rope_parameters: { partial_rotary_factor: 0.02 } },
      "an even number of 64 features turn",
    ],
    [{ rope_parameters: { full_attention: { rope_theta: 1 } } }, "full_attention must be one for all layers"],
  ]);
});

Deno.test("scaling of rotary embeddings is checked", () => {
  const scaling = (changes: Json) => ({ rope_scaling: { ...LLAMA3_SCALING, ...changes } });
  assertWrong([
    [{ rope_scaling: "llama3" }, "rope_scaling must be an object or null"],
    [{ rope_scaling: [8] }, "rope_scaling must be an object or null"],
    [scaling({ factor: 0 }), "rope_scaling: factor must be a number from 0.001 to 1000000"],
    [
      scaling({ factor: undefined }),
      "rope_scaling: factor must be a number from 0.001 to 1000000, it is missing",
    ],
    [
      scaling({ high_freq_factor: 1 }),
      "high_freq_factor must be above low_freq_factor, 1, current value is 1",
    ],
    [
      scaling({ original_max_position_embeddings: -1 }),
      "original_max_position_embeddings must be a whole number",
    ],
  ]);
});

Deno.test("numbers that float32 would make nothing, infinity or nonsense of are errors with field and value", () => {
  const scaling = (changes: Json) => ({ rope_scaling: { ...LLAMA3_SCALING, ...changes } });
  assertWrong([
    [
      scaling({ factor: 1e-300 }),
      "rope_scaling: factor must be a number from 0.001 to 1000000, current value is 1e-300",
    ],
    [scaling({ low_freq_factor: 1e300, high_freq_factor: 1e301 }), "low_freq_factor must be a number from"],
    [{ rms_norm_eps: 1e300 }, "rms_norm_eps must be a number from 1e-30 to 1, current value is 1e+300"],
    [{ rms_norm_eps: 1e-300 }, "rms_norm_eps must be a number from 1e-30 to 1, current value is 1e-300"],
    [{ rope_theta: 1e300 }, "rope_theta must be a number from"],
    [{ rope_theta: 1e-300 }, "rope_theta must be a number from"],
    [
      { model_type: "gemma2", head_dim: 64, query_pre_attn_scalar: 1e-200 },
      "query_pre_attn_scalar must be a number from",
    ],
    [
      { model_type: "gemma2", head_dim: 64, final_logit_softcapping: 1e200 },
      "final_logit_softcapping must be a number",
    ],
  ]);
});

Deno.test("a share of features that turn counts only for architectures that have one", () => {
  assertEquals(parse({ partial_rotary_factor: 0.5 }).rope_parameters, {
    rope_type: "default",
    rope_theta: 10000,
    rotary_dim: 64,
  });
  assertWrong([[
    { rope_scaling: { rope_type: "linear", factor: 2, partial_rotary_factor: 0.5 } },
    "partial_rotary_factor must be 1, current value is 0.5",
  ]]);
});

Deno.test("what is no object is no config", () => {
  for (const json of [null, undefined, 5, "llama", [], [TINY_LLAMA], true]) {
    assertThrows(() => parseConfig(json, "config.json"), ConfigError, "expected a JSON object, found ");
  }
});

Deno.test("names of Object's own members are no values, and long values are cut", () => {
  assertThrows(() => parseConfig(JSON.parse('{"__proto__": {"model_type": "llama"}}'), "c"), ConfigError);
  const error = assertThrows(() => parse({ vocab_size: "x".repeat(1e6) }), ConfigError);
  assertLess(error.message.length, 300);
});

/** Configs as their models' folders on the Hub have them, as far as they matter. */
const PUBLISHED: Record<string, Json> = {
  "facebook/opt-350m": {
    model_type: "opt",
    activation_function: "relu",
    do_layer_norm_before: false,
    ffn_dim: 4096,
    hidden_size: 1024,
    max_position_embeddings: 2048,
    num_attention_heads: 16,
    num_hidden_layers: 24,
    vocab_size: 50272,
    word_embed_proj_dim: 512,
  },
  "openai-community/gpt2": {
    model_type: "gpt2",
    activation_function: "gelu_new",
    layer_norm_epsilon: 1e-5,
    n_ctx: 1024,
    n_embd: 768,
    n_head: 12,
    n_layer: 12,
    n_positions: 1024,
    vocab_size: 50257,
  },
  "EleutherAI/pythia-160m": {
    model_type: "gpt_neox",
    hidden_act: "gelu",
    hidden_size: 768,
    intermediate_size: 3072,
    layer_norm_eps: 1e-5,
    max_position_embeddings: 2048,
    num_attention_heads: 12,
    num_hidden_layers: 12,
    rotary_emb_base: 10000,
    rotary_pct: 0.25,
    tie_word_embeddings: false,
    use_parallel_residual: true,
    vocab_size: 50304,
  },
  "microsoft/Phi-3-mini-128k-instruct": {
    model_type: "phi3",
    hidden_size: 3072,
    intermediate_size: 8192,
    max_position_embeddings: 131072,
    num_attention_heads: 32,
    num_hidden_layers: 32,
    num_key_value_heads: 32,
    original_max_position_embeddings: 4096,
    rope_scaling: { type: "su", long_factor: Array(48).fill(2), short_factor: Array(48).fill(1) },
    rope_theta: 10000,
    sliding_window: 262144,
    vocab_size: 32064,
  },
  "google/gemma-2b": {
    model_type: "gemma",
    head_dim: 256,
    hidden_act: "gelu",
    hidden_size: 2048,
    intermediate_size: 16384,
    num_attention_heads: 8,
    num_hidden_layers: 18,
    num_key_value_heads: 1,
    vocab_size: 256000,
  },
  "google/gemma-3-1b-it": {
    model_type: "gemma3_text",
    head_dim: 256,
    hidden_activation: "gelu_pytorch_tanh",
    hidden_size: 1152,
    intermediate_size: 6912,
    max_position_embeddings: 32768,
    num_attention_heads: 4,
    num_hidden_layers: 26,
    num_key_value_heads: 1,
    query_pre_attn_scalar: 256,
    rope_local_base_freq: 10000,
    rope_scaling: null,
    rope_theta: 1000000,
    sliding_window: 512,
    sliding_window_pattern: 6,
    vocab_size: 262144,
  },
  "Qwen/Qwen2.5-0.5B": {
    model_type: "qwen2",
    hidden_size: 896,
    intermediate_size: 4864,
    max_position_embeddings: 32768,
    max_window_layers: 24,
    num_attention_heads: 14,
    num_hidden_layers: 24,
    num_key_value_heads: 2,
    rope_theta: 1000000,
    sliding_window: 32768,
    tie_word_embeddings: true,
    use_sliding_window: false,
    vocab_size: 151936,
  },
};

Deno.test("configs of published models are understood", () => {
  const read = (name: string) => parseConfig(PUBLISHED[name], name);
  const small = read("facebook/opt-350m");
  assertEquals([small.word_embed_proj_dim, small.do_layer_norm_before, small.norm], [512, false, "layer"]);
  const gpt2 = read("openai-community/gpt2");
  assertEquals([gpt2.intermediate_size, gpt2.eos_token_id, gpt2.tie_word_embeddings], [3072, [50256], true]);
  const pythia = read("EleutherAI/pythia-160m");
  assertEquals(pythia.rope_parameters, { rope_type: "default", rope_theta: 10000, rotary_dim: 16 });
  const phi = read("microsoft/Phi-3-mini-128k-instruct").rope_parameters;
  assert(phi?.rope_type === "longrope");
  assertLess(Math.abs(phi.attention_factor - 1.1902380714238083), 1e-12);
  assertEquals([read("google/gemma-2b").hidden_act, read("google/gemma-2b").norm_offset], ["gelu_new", 1]);
  const gemma3 = read("google/gemma-3-1b-it");
  assertEquals(gemma3.layer_types.slice(4, 7), [
    "sliding_attention",
    "full_attention",
    "sliding_attention",
  ]);
  assertEquals([gemma3.rope_parameters?.rope_theta, gemma3.local_rope_parameters?.rope_theta], [1e6, 1e4]);
  assertEquals(read("Qwen/Qwen2.5-0.5B").sliding_window, null);
});

const data = Deno.env.get("ANY4_DATA");

Deno.test({
  name: data
    ? "published configs are read"
    : "published configs are read (needs ANY4_DATA, a folder of them)",
  ignore: !data,
  fn() {
    const read = (name: string) => {
      const path = `${data}/configs/${name}.config.json`;
      return parseConfig(JSON.parse(Deno.readTextFileSync(path)), path);
    };
    const facts = (name: string) => {
      const config = read(name);
      const { num_hidden_layers, num_key_value_heads, head_dim, max_position_embeddings, rope_parameters } =
        config;
      const theta = rope_parameters?.rope_theta;
      return [num_hidden_layers, num_key_value_heads, head_dim, max_position_embeddings, theta];
    };
    assertEquals(facts("TinyLlama-1.1B"), [22, 4, 64, 2048, 10000]);
    assertEquals(facts("llama-2-7b"), [32, 32, 128, 2048, 10000]);
    assertEquals(facts("llama-2-13b"), [40, 40, 128, 4096, 10000]);
    assertEquals(facts("Llama-3.2-1B"), [16, 8, 64, 131072, 500000]);
    assertEquals(facts("Mistral-7B-v0.1"), [32, 8, 128, 32768, 10000]);
    assertEquals(facts("Mixtral-8x7B-v0.1"), [32, 8, 128, 32768, 1000000]);
    assertEquals(facts("opt-1.3b"), [24, 32, 64, 2048, undefined]);
    for (const name of ["vicuna-7b-v1.3", "vicuna-13b-v1.3", "opt-6.7b", "opt-13b"]) read(name);
  },
});
