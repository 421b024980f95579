/**
 * config.json of a Llama or a Mistral, checked.
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
  /** The family. */
  readonly model_type: "llama" | "mistral";
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
  /** Longest sequence, in tokens: a Mistral's is at most its `sliding_window`, within which it is a Llama. */
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
  /** How the weights were saved: `dtype`, or `torch_dtype` before transformers 5. The tensors themselves decide. */
  readonly dtype?: string;
  /** What quantized the checkpoint, as it stands. */
  readonly quantization_config?: unknown;
}

/** Sizes beyond these are no model's, and would only exhaust memory. */
const LARGEST_SIZE = 2 ** 24;
const LARGEST_LAYERS = 10_000;
const LONGEST = 2 ** 31;

type Json = Record<string, unknown>;

/** Reads values of a JSON object, each checked; errors name the file, the key, the value and what was expected. */
class Reader {
  constructor(readonly json: Json, readonly where: string) {}

  fail(key: string, expected: string, value: unknown = this.json[key]): ConfigError {
    const found = value === undefined ? "it is missing" : `current value is ${show(value)}`;
    return new ConfigError(`Cannot use ${this.where}: ${key} must be ${expected}, ${found}`);
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

  id(key: string, fallback: number): number | null {
    if (this.json[key] === null) return null;
    return this.#get(key, fallback, isId, "a token id or null");
  }

  ids(key: string, fallback: number): number[] {
    if (this.json[key] === null) return [];
    const ids = [this.json[key] ?? fallback].flat();
    if (!ids.every(isId)) throw this.fail(key, "a token id, a list of them, or null");
    return ids;
  }

  text(key: string): string | undefined {
    const check = (value: unknown) => typeof value === "string";
    return this.json[key] == null ? undefined : this.#get(key, undefined, check, "a string");
  }
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A value as JSON has it, or NaN or an infinity, cut where it is too long for a message. */
export function show(value: unknown): string {
  const text = typeof value === "number" ? String(value) : JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Checks a parsed config.json. Both the names of older transformers (`rope_theta`, `rope_scaling`, `torch_dtype`) and
 * of version 5 (`rope_parameters`, `dtype`) are understood. What is absent has the value that transformers gives it;
 * sizes must be there.
 *
 * @param json what config.json holds.
 * @param where the file, for messages.
 * @throws {ConfigError} when a value is missing, of the wrong type, out of range or not supported.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const path = "models/tinyworld/config.json";
 * const config = parseConfig(JSON.parse(await Deno.readTextFile(path)), path);
 * assertEquals(config.hidden_size, config.num_attention_heads * config.head_dim);
 * ```
 */
export function parseConfig(json: unknown, where: string): LlamaConfig {
  if (!isObject(json)) {
    throw new ConfigError(`Cannot use ${where}: expected a JSON object, found ${show(json)}`);
  }
  const read = new Reader(json, where);
  const { model_type } = json;
  if (model_type !== "llama" && model_type !== "mistral") {
    throw read.fail("model_type", '"llama" or "mistral"');
  }
  if ((json.hidden_act ?? "silu") !== "silu") throw read.fail("hidden_act", '"silu", the only one supported');
  const hidden_size = read.whole("hidden_size");
  const heads = read.whole("num_attention_heads");
  const kvHeads = read.whole("num_key_value_heads", { fallback: heads });
  if (heads % kvHeads !== 0) {
    throw read.fail("num_key_value_heads", `a divisor of num_attention_heads, ${heads}`);
  }
  if (json.head_dim == null && hidden_size % heads !== 0) {
    throw read.fail("hidden_size", `a multiple of num_attention_heads, ${heads}, where head_dim is absent`);
  }
  const head_dim = read.whole("head_dim", { fallback: hidden_size / heads });
  // Rotary embeddings turn features in pairs.
  if (head_dim % 2 !== 0) throw read.fail("head_dim", "even", head_dim);
  const context = read.whole("max_position_embeddings", { fallback: 2048, most: LONGEST });
  const dtype = read.text("dtype") ?? read.text("torch_dtype");
  return {
    model_type,
    hidden_size,
    intermediate_size: read.whole("intermediate_size"),
    num_hidden_layers: read.whole("num_hidden_layers", { most: LARGEST_LAYERS }),
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim,
    vocab_size: read.whole("vocab_size"),
    max_position_embeddings: model_type === "mistral" ? parseWindow(read, context) : context,
    rms_norm_eps: read.positive("rms_norm_eps", 1e-6),
    ...parseRope(read, context),
    tie_word_embeddings: read.flag("tie_word_embeddings"),
    attention_bias: read.flag("attention_bias"),
    mlp_bias: read.flag("mlp_bias"),
    bos_token_id: read.id("bos_token_id", 1),
    eos_token_id: read.ids("eos_token_id", 2),
    ...(dtype === undefined ? {} : { dtype }),
    ...(json.quantization_config == null ? {} : { quantization_config: json.quantization_config }),
  };
}

/** How many tokens a Mistral can take before its attention, which is none of a Llama's, forgets the first. */
function parseWindow(read: Reader, context: number): number {
  if (read.json.sliding_window === null) return context;
  return Math.min(context, read.whole("sliding_window", { fallback: 4096, most: LONGEST }));
}

function parseRope(read: Reader, context: number): Pick<LlamaConfig, "rope_theta" | "rope_scaling"> {
  const { json, where } = read;
  checkWholeRotation(read);
  const rope_theta = read.positive("rope_theta", 10000);
  // Where a file has both, transformers too takes the older one.
  const key = json.rope_scaling != null ? "rope_scaling" : "rope_parameters";
  const given = json[key] ?? null;
  if (given === null) return { rope_theta, rope_scaling: null };
  if (!isObject(given)) throw read.fail(key, "an object or null");
  const inner = new Reader(given, `${where}, ${key}`);
  checkWholeRotation(inner);
  const theta = inner.positive("rope_theta", rope_theta);
  const perLayer = Object.keys(given).find((name) => isObject(given[name]));
  if (perLayer !== undefined) throw inner.fail(perLayer, "one for all layers");
  const typeKey = given.rope_type == null ? "type" : "rope_type";
  const type = given[typeKey] ?? "default";
  if (type === "default") return { rope_theta: theta, rope_scaling: null };
  if (type !== "llama3") throw inner.fail(typeKey, '"default" or "llama3"');
  const low_freq_factor = inner.positive("low_freq_factor");
  const high_freq_factor = inner.positive("high_freq_factor");
  if (high_freq_factor <= low_freq_factor) {
    throw inner.fail("high_freq_factor", `above low_freq_factor, ${low_freq_factor}`);
  }
  const rope_scaling: RopeScaling = {
    rope_type: "llama3",
    factor: inner.positive("factor"),
    low_freq_factor,
    high_freq_factor,
    original_max_position_embeddings: inner.whole("original_max_position_embeddings", {
      fallback: context,
      most: LONGEST,
    }),
  };
  return { rope_theta: theta, rope_scaling };
}

/** The decoder turns all features of a head. */
function checkWholeRotation(read: Reader): void {
  if ((read.json.partial_rotary_factor ?? 1) !== 1) {
    throw read.fail("partial_rotary_factor", "1, the only one supported");
  }
}
