import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError } from "../../lib/errors.ts";
import { type LlamaConfig, parseConfig } from "../../lib/model/config.ts";

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

/** TinyLlama's config with changes; undefined removes a key. */
function parse(changes: Json = {}): LlamaConfig {
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
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    rope_scaling: null,
    tie_word_embeddings: false,
    attention_bias: false,
    mlp_bias: false,
    bos_token_id: 1,
    eos_token_id: [2],
    dtype: "bfloat16",
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
  assertEquals([config.rms_norm_eps, config.rope_theta, config.rope_scaling], [1e-6, 10000, null]);
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
  assertEquals(config.rope_scaling, LLAMA3_SCALING as LlamaConfig["rope_scaling"]);
  assertEquals([config.rope_theta, config.tie_word_embeddings], [500000, true]);
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
  assertEquals([config.dtype, config.rope_theta], ["float16", 500000]);
  assertEquals(config.rope_scaling, LLAMA3_SCALING as LlamaConfig["rope_scaling"]);
  const plain = parse({ rope_theta: undefined, rope_parameters: { rope_type: "default", rope_theta: 7 } });
  assertEquals([plain.rope_theta, plain.rope_scaling], [7, null]);
});

Deno.test("a Mistral is a Llama whose context ends with its sliding window", () => {
  const mistral = { model_type: "mistral", max_position_embeddings: 32768, num_key_value_heads: 8 };
  assertEquals(parse({ ...mistral, sliding_window: 4096 }).max_position_embeddings, 4096);
  assertEquals(parse({ ...mistral, sliding_window: null }).max_position_embeddings, 32768);
  assertEquals(parse(mistral).max_position_embeddings, 4096);
  assertEquals(parse({ ...mistral, sliding_window: 2 ** 17 }).max_position_embeddings, 32768);
  assertEquals(
    parse({ max_position_embeddings: 32768, sliding_window: 4096 }).max_position_embeddings,
    32768,
  );
  assertWrong([[{ ...mistral, sliding_window: 0 }, "sliding_window must be a whole number from 1 to "]]);
});

Deno.test("null is as good as absent where a value has a default, and means none for special tokens", () => {
  const config = parse({ num_key_value_heads: null, head_dim: null, rms_norm_eps: null, mlp_bias: null });
  assertEquals([config.num_key_value_heads, config.head_dim, config.rms_norm_eps], [32, 64, 1e-6]);
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
    [{ rms_norm_eps: 0 }, "rms_norm_eps must be a number above 0, current value is 0"],
    [{ rms_norm_eps: NaN }, "current value is NaN"],
    [{ rms_norm_eps: "1e-5" }, 'current value is "1e-5"'],
    [{ rope_theta: -10000 }, "rope_theta must be a number above 0"],
    [{ rope_theta: Infinity }, "rope_theta must be a number above 0"],
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
    [{ model_type: "gpt2" }, 'model_type must be "llama" or "mistral", current value is "gpt2"'],
    [{ model_type: undefined }, "model_type must be"],
    [{ hidden_act: "gelu" }, 'hidden_act must be "silu"'],
    [{ rope_scaling: { type: "linear", factor: 2 } }, 'rope_scaling: type must be "default" or "llama3"'],
    [
      { rope_scaling: { rope_type: "yarn" } },
      'rope_type must be "default" or "llama3", current value is "yarn"',
    ],
    [{ partial_rotary_factor: 0.5 }, "partial_rotary_factor must be 1"],
    [{ rope_parameters: { partial_rotary_factor: 0.5 } }, "partial_rotary_factor must be 1"],
    [{ rope_parameters: { full_attention: { rope_theta: 1 } } }, "full_attention must be one for all layers"],
  ]);
});

Deno.test("scaling of rotary embeddings is checked", () => {
  const scaling = (changes: Json) => ({ rope_scaling: { ...LLAMA3_SCALING, ...changes } });
  assertWrong([
    [{ rope_scaling: "llama3" }, "rope_scaling must be an object or null"],
    [{ rope_scaling: [8] }, "rope_scaling must be an object or null"],
    [scaling({ factor: 0 }), "rope_scaling: factor must be a number above 0"],
    [scaling({ factor: undefined }), "rope_scaling: factor must be a number above 0, it is missing"],
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
      const { num_hidden_layers, num_key_value_heads, head_dim, max_position_embeddings, rope_theta } =
        config;
      return [num_hidden_layers, num_key_value_heads, head_dim, max_position_embeddings, rope_theta];
    };
    assertEquals(facts("TinyLlama-1.1B"), [22, 4, 64, 2048, 10000]);
    assertEquals(facts("llama-2-7b"), [32, 32, 128, 2048, 10000]);
    assertEquals(facts("llama-2-13b"), [40, 40, 128, 4096, 10000]);
    assertEquals(facts("Llama-3.2-1B"), [16, 8, 64, 131072, 500000]);
    assertEquals(facts("Mistral-7B-v0.1"), [32, 8, 128, 4096, 10000]);
    assertThrows(() => read("Mixtral-8x7B-v0.1"), ConfigError, "mixtral");
    assertThrows(() => read("opt-1.3b"), ConfigError, "opt");
  },
});
