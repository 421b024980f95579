/**
 * What a GGUF file says of rotary position embeddings, as config.json says it.
 *
 * @module
 */
import type { GgufReader } from "./reader.ts";
import { shortest } from "./reader.ts";

type Json = Record<string, unknown>;

/** Llama 3.1's and 3.2's, which GGUF has no keys for. */
const LLAMA3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

const FREQUENCIES = "rope_freqs.weight";

/**
 * Base, share of features that turn, and scaling: "linear" and "yarn" have keys, and a factor alone is linear, be it under
 * its old key; what each frequency is divided by is a tensor, of Llama 3's kind or any other, or one for short and one for
 * long contexts.
 *
 * @param options.partial whether some of a head's features may stay as they are.
 * @throws {CheckpointError} when it is a kind that is not supported.
 */
export function rotation(read: GgufReader, options: { partial?: boolean } = {}): Json {
  const head_dim = read.headDim();
  const turning = read.number("rope.dimension_count") ?? head_dim;
  if (turning !== head_dim && !options.partial) {
    throw read.fail("rope.dimension_count", `must be ${head_dim}, those of a head`);
  }
  return {
    rope_theta: theta(read),
    ...(options.partial ? { partial_rotary_factor: turning / head_dim } : {}),
    ...(byLength(read, turning) ?? { rope_scaling: byTensor(read, turning) ?? byKeys(read) }),
  };
}

function theta(read: GgufReader): number {
  return read.decimal("rope.freq_base") ?? 10000;
}

function byKeys(read: GgufReader): Json | null {
  const type = read.metadata.text(read.key("rope.scaling.type")) ?? "linear";
  const factor = read.decimal("rope.scaling.factor") ?? read.decimal("rope.scale_linear") ?? 0;
  const grown = read.decimal("rope.scaling.attn_factor") ?? 1;
  const plain = type === "none" || factor === 0 || factor === 1;
  if (plain || type === "linear") {
    if (grown !== 1) throw read.fail("rope.scaling.attn_factor", `must be 1 where the type is "${type}"`);
    return plain ? null : { rope_type: "linear", factor };
  }
  if (type !== "yarn") {
    throw read.fail("rope.scaling.type", `must be "none", "linear" or "yarn", current value is "${type}"`);
  }
  const original = read.number("rope.scaling.original_context_length") ?? read.needed("context_length");
  const beta_fast = read.decimal("rope.scaling.yarn_beta_fast");
  const beta_slow = read.decimal("rope.scaling.yarn_beta_slow");
  for (const key of ["yarn_ext_factor", "yarn_attn_factor"]) {
    const value = read.number(`rope.scaling.${key}`) ?? 1;
    // Below 0 is what llama.cpp takes for absent.
    if (value >= 0 && value !== 1) throw read.fail(`rope.scaling.${key}`, "must be 1");
  }
  if (read.number("rope.scaling.yarn_log_multiplier")) {
    throw read.fail("rope.scaling.yarn_log_multiplier", "is not supported");
  }
  return {
    rope_type: "yarn",
    factor,
    original_max_position_embeddings: original,
    ...(beta_fast === undefined ? {} : { beta_fast }),
    ...(beta_slow === undefined ? {} : { beta_slow }),
    ...(grown === 1 ? {} : { attention_factor: grown * (factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1) }),
  };
}

/** What the tensor of divisors says, if there is one. */
function byTensor(read: GgufReader, turning: number): Json | undefined {
  if (!read.file.has(FREQUENCIES)) return undefined;
  const divisors = divisorsOf(read, FREQUENCIES, turning);
  const rope_theta = theta(read);
  const keys = byKeys(read);
  if (keys && keys.rope_type !== "linear") {
    throw read.fail("rope.scaling.type", `must be absent or "linear" beside ${FREQUENCIES}`);
  }
  const factor = shortest(divisors.reduce((a, b) => Math.max(a, b), 1));
  const expected = llama3Divisors({ factor, turning, rope_theta });
  if (!keys && divisors.every((n, i) => Math.abs(n / expected[i]! - 1) < 1e-3)) {
    return { rope_type: "llama3", factor, ...LLAMA3 };
  }
  // Any divisors are LongRoPE's, whatever the length.
  const all = [...divisors].map((n) => shortest(n * Number(keys?.factor ?? 1)));
  return {
    rope_type: "longrope",
    short_factor: all,
    long_factor: all,
    factor: 1,
    attention_factor: 1,
    original_max_position_embeddings: read.needed("context_length"),
  };
}

/** Phi 3's LongRoPE: a tensor of divisors for each kind of context. */
function byLength(read: GgufReader, turning: number): Json | undefined {
  const [long, short] = ["rope_factors_long.weight", "rope_factors_short.weight"] as const;
  if (!read.file.has(long) || !read.file.has(short)) return undefined;
  const factors = (name: string) => [...divisorsOf(read, name, turning)].map(shortest);
  return {
    original_max_position_embeddings: read.number("rope.scaling.original_context_length") ??
      read.needed("context_length"),
    rope_scaling: {
      type: "longrope",
      long_factor: factors(long),
      short_factor: factors(short),
      attention_factor: read.decimal("rope.scaling.attn_factor") ?? 1,
    },
  };
}

function divisorsOf(read: GgufReader, name: string, turning: number): Float32Array {
  const { shape } = read.file.info(name);
  if (shape.length !== 1 || shape[0] !== turning / 2) {
    throw read.metadata.fail(name, `must have ${turning / 2} values, one for each pair that turns`);
  }
  const divisors = read.file.readFloat32(name);
  const wrong = divisors.find((n) => !(n > 0 && n < Infinity));
  if (wrong !== undefined) throw read.metadata.fail(name, `must be above 0, one value is ${wrong}`);
  return divisors;
}

/** What Llama 3's scaling divides each frequency by; see `rotationOf`. */
function llama3Divisors(rope: { factor: number; turning: number; rope_theta: number }): number[] {
  const { low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: original } = LLAMA3;
  return Array.from({ length: rope.turning / 2 }, (_, i) => {
    const turns = original / (2 * Math.PI * rope.rope_theta ** (2 * i / rope.turning));
    const kept = Math.min(Math.max((turns - low) / (high - low), 0), 1);
    return 1 / (kept + (1 - kept) / rope.factor);
  });
}
