/**
 * config.json of a Llama, checked.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";

/** Llama 3's scaling of rotary embeddings for long contexts. */
export interface RopeScaling {
  /** The only kind supported. */
  readonly rope_type: "llama3";
  /** Low frequencies are divided by this. */
  readonly factor: number;
  /** Pairs that turn fewer times over the original context are low. */
  readonly low_freq_factor: number;
  /** Pairs that turn more times over the original context are kept. */
  readonly high_freq_factor: number;
  /** The context before scaling, in tokens. */
  readonly original_max_position_embeddings: number;
}

/** What the decoder needs to know, under Hugging Face's names. */
export interface LlamaConfig {
  /** Always "llama". */
  readonly model_type: "llama";
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
  /** Features of a head; even. */
  readonly head_dim: number;
  /** Tokens that there are. */
  readonly vocab_size: number;
  /** Longest sequence, in tokens. */
  readonly max_position_embeddings: number;
  /** Added to the mean square before its root. */
  readonly rms_norm_eps: number;
  /** Base of the rotary frequencies. */
  readonly rope_theta: number;
  /** Scaling of the rotary frequencies, if any. */
  readonly rope_scaling: RopeScaling | null;
  /** Whether the head is the embedding. */
  readonly tie_word_embeddings: boolean;
  /** Whether attention's Linears have biases. */
  readonly attention_bias: boolean;
  /** Whether the MLP's Linears have biases. */
  readonly mlp_bias: boolean;
  /** The token that begins a sequence. */
  readonly bos_token_id: number | null;
  /** The tokens that end a sequence. */
  readonly eos_token_id: readonly number[];
  /** What quantized the checkpoint, as it stands. */
  readonly quantization_config?: unknown;
}

/** Sizes beyond these are no model's, and would only exhaust memory. */
const LARGEST_SIZE = 2 ** 24;
const LARGEST_LAYERS = 10_000;

type Json = Record<string, unknown>;

/** Reads values of a JSON object, each checked; errors name the file, the key, the value and what was expected. */
class Reader {
  constructor(readonly json: Json, readonly where: string) {}

  fail(key: string, expected: string): ConfigError {
    return new ConfigError(
      `Cannot use ${this.where}: ${key} must be ${expected}, current value is ${
        JSON.stringify(this.json[key])
      }`,
    );
  }

  /** A value, or the default where it is absent or null. */
  #get<T>(key: string, fallback: T | undefined, check: (value: unknown) => boolean, expected: string): T {
    const value = this.json[key] ?? fallback;
    if (value === undefined || !check(value)) throw this.fail(key, expected);
    return value as T;
  }

  whole(key: string, options: { most?: number; fallback?: number } = {}): number {
    const most = options.most ?? LARGEST_SIZE;
    const check = (value: unknown) =>
      Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most;
    return this.#get(key, options.fallback, check, `a whole number from 1 to ${most}`);
  }

  positive(key: string, fallback?: number): number {
    const check = (value: unknown) => typeof value === "number" && value > 0 && value < Infinity;
    return this.#get(key, fallback, check, "a number above 0");
  }

  flag(key: string): boolean {
    return this.#get(key, false, (value) => typeof value === "boolean", "true or false");
  }

  ids(key: string): number[] {
    const value = this.json[key] ?? [];
    const ids = Array.isArray(value) ? value : [value];
    if (!ids.every((id) => Number.isSafeInteger(id) && id >= 0)) {
      throw this.fail(key, "a token id or a list of them");
    }
    return ids;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Checks a parsed config.json. Both the names of older transformers (`rope_theta`, `rope_scaling`) and of version 5
 * (`rope_parameters`) are understood.
 *
 * @param where the file, for messages.
 * @throws {ConfigError} when a value is missing, of the wrong type, out of range or not supported.
 */
export function parseConfig(json: unknown, where: string): LlamaConfig {
  if (!isObject(json)) throw new ConfigError(`Cannot use ${where}: expected a JSON object`);
  const read = new Reader(json, where);
  if (json.model_type !== "llama") {
    throw read.fail("model_type", '"llama" (the architecture supported so far)');
  }
  if ((json.hidden_act ?? "silu") !== "silu") throw read.fail("hidden_act", '"silu"');
  const hidden_size = read.whole("hidden_size");
  const heads = read.whole("num_attention_heads");
  const kvHeads = read.whole("num_key_value_heads", { fallback: heads });
  if (heads % kvHeads !== 0) {
    throw read.fail("num_key_value_heads", `a divisor of num_attention_heads (${heads})`);
  }
  if (json.head_dim == null && hidden_size % heads !== 0) {
    throw read.fail("hidden_size", `a multiple of num_attention_heads (${heads}) where head_dim is absent`);
  }
  const head_dim = read.whole("head_dim", { fallback: hidden_size / heads });
  if (head_dim % 2 !== 0) {
    throw new ConfigError(`Cannot use ${where}: head_dim must be even, current value is ${head_dim}`);
  }
  return {
    model_type: "llama",
    hidden_size,
    intermediate_size: read.whole("intermediate_size"),
    num_hidden_layers: read.whole("num_hidden_layers", { most: LARGEST_LAYERS }),
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim,
    vocab_size: read.whole("vocab_size"),
    max_position_embeddings: read.whole("max_position_embeddings", { fallback: 2048, most: 2 ** 31 }),
    rms_norm_eps: read.positive("rms_norm_eps", 1e-6),
    ...parseRope(read),
    tie_word_embeddings: read.flag("tie_word_embeddings"),
    attention_bias: read.flag("attention_bias"),
    mlp_bias: read.flag("mlp_bias"),
    bos_token_id: read.ids("bos_token_id")[0] ?? null,
    eos_token_id: read.ids("eos_token_id"),
    ...(json.quantization_config == null ? {} : { quantization_config: json.quantization_config }),
  };
}

function parseRope(read: Reader): Pick<LlamaConfig, "rope_theta" | "rope_scaling"> {
  const { json, where } = read;
  const key = json.rope_parameters == null ? "rope_scaling" : "rope_parameters";
  const given = json[key] ?? null;
  const rope_theta = read.positive("rope_theta", 10000);
  if (given === null) return { rope_theta, rope_scaling: null };
  if (!isObject(given)) throw read.fail(key, "an object or null");
  const inner = new Reader(given, `${where}, ${key}`);
  const theta = inner.positive("rope_theta", rope_theta);
  const type = given.rope_type ?? given.type ?? "default";
  if (type === "default") return { rope_theta: theta, rope_scaling: null };
  if (type !== "llama3") throw inner.fail("rope_type", '"default" or "llama3"');
  const rope_scaling: RopeScaling = {
    rope_type: "llama3",
    factor: inner.positive("factor"),
    low_freq_factor: inner.positive("low_freq_factor"),
    high_freq_factor: inner.positive("high_freq_factor"),
    original_max_position_embeddings: inner.whole("original_max_position_embeddings", { most: 2 ** 31 }),
  };
  if (rope_scaling.high_freq_factor <= rope_scaling.low_freq_factor) {
    throw inner.fail("high_freq_factor", `above low_freq_factor (${rope_scaling.low_freq_factor})`);
  }
  return { rope_theta: theta, rope_scaling };
}
