/**
 * What config.json says of rotary position embeddings.
 *
 * @module
 */
import { isObject } from "../../files/json_file.ts";
import type { RopeParameters } from "../decoder/rope_parameters.ts";
import { type Bounds, ConfigReader, MOST_POSITIONS } from "./config_reader.ts";

/** What an architecture has to say about it. */
export interface RopeDefaults {
  /** Features of a head. */
  readonly head_dim: number;
  /** max_position_embeddings. */
  readonly context: number;
  /** The base where the config has none; 10000 when absent. */
  readonly theta?: number;
  /** Its key outside of `rope_parameters`; "rope_theta" when absent. */
  readonly thetaKey?: string;
  /** The share of features that turn where the config has none; absent where all turn, whatever the config says. */
  readonly partial?: number;
  /** Its key outside of `rope_parameters`; "partial_rotary_factor" when absent. */
  readonly partialKey?: string;
  /** The type of layer that is asked for, where the config has parameters for each. */
  readonly layer?: string;
  /** Names of types that mean another one here. */
  readonly aliases?: Readonly<Record<string, string>>;
}

/** Bounds of how far contexts are stretched. */
const FACTOR: Bounds = { least: 1e-3, most: 1e6 };

/**
 * Reads `rope_theta` and `rope_scaling`, or `rope_parameters`, which transformers 5 writes.
 *
 * @throws {ConfigError} when a value is missing, out of range, or of a type that is not supported.
 */
export function parseRope(read: ConfigReader, options: RopeDefaults): RopeParameters {
  const { json, where } = read;
  const { head_dim, context, aliases = {} } = options;
  const theta = read.positive(options.thetaKey ?? "rope_theta", options.theta ?? 10000);
  const share = read.positive(options.partialKey ?? "partial_rotary_factor", options.partial ?? 1);
  // Where a file has both, transformers too takes the older one.
  const key = json.rope_scaling != null ? "rope_scaling" : "rope_parameters";
  const given = json[key] ?? {};
  if (!isObject(given)) throw read.fail(key, "an object or null");
  const ofLayer = options.layer === undefined ? undefined : given[options.layer];
  const inner = new ConfigReader(isObject(ofLayer) ? ofLayer : given, `${where}, ${key}`);
  const perLayer = Object.keys(inner.json).find((name) => isObject(inner.json[name]));
  if (perLayer !== undefined) throw inner.fail(perLayer, "one for all layers");

  const rope_theta = inner.positive("rope_theta", theta);
  const asked = inner.positive("partial_rotary_factor", share);
  const partial = options.partial === undefined ? 1 : asked;
  if (partial > 1) throw inner.fail("partial_rotary_factor", "at most 1", partial);
  const rotary_dim = Math.floor(head_dim * partial);
  // Rotary embeddings turn features in pairs.
  if (head_dim % 2 !== 0) throw read.fail("head_dim", "even", head_dim);
  if (rotary_dim % 2 !== 0 || rotary_dim === 0) {
    throw inner.fail(
      "partial_rotary_factor",
      `such that an even number of ${head_dim} features turn`,
      partial,
    );
  }
  const base = { rope_theta, rotary_dim };

  const typeKey = inner.json.rope_type == null ? "type" : "rope_type";
  const named = inner.json[typeKey] ?? "default";
  const type =
    (typeof named === "string" && Object.hasOwn(aliases, named) ? aliases[named] : named) as string;
  // Without scaling, others do not look at it either; with scaling they fail.
  if (type !== "default" && partial !== asked) throw inner.fail("partial_rotary_factor", "1", asked);
  const factor = () => inner.positive("factor", undefined, FACTOR);
  /** A config that says it outside means it. */
  const original_max_position_embeddings = json.original_max_position_embeddings != null
    ? read.whole("original_max_position_embeddings", { most: MOST_POSITIONS })
    : inner.whole("original_max_position_embeddings", { fallback: context, most: MOST_POSITIONS });
  switch (type) {
    case "default":
      return { ...base, rope_type: type };
    case "linear":
      return { ...base, rope_type: type, factor: factor() };
    case "dynamic":
      return { ...base, rope_type: type, factor: factor(), original_max_position_embeddings: context };
    case "llama3": {
      const low_freq_factor = inner.positive("low_freq_factor");
      const high_freq_factor = inner.positive("high_freq_factor");
      if (high_freq_factor <= low_freq_factor) {
        throw inner.fail("high_freq_factor", `above low_freq_factor, ${low_freq_factor}`);
      }
      const bounds = { low_freq_factor, high_freq_factor };
      return { ...base, rope_type: type, factor: factor(), ...bounds, original_max_position_embeddings };
    }
    case "yarn":
      return {
        ...base,
        rope_type: type,
        factor: factor(),
        beta_fast: inner.positive("beta_fast", 32),
        beta_slow: inner.positive("beta_slow", 1),
        truncate: inner.flag("truncate", true),
        original_max_position_embeddings,
        attention_factor: inner.maybePositive("attention_factor") ?? yarnFactor(inner, factor()),
      };
    case "longrope": {
      const stretched = inner.maybePositive("factor", FACTOR) ?? context / original_max_position_embeddings;
      const grown = Math.sqrt(1 + Math.log(stretched) / Math.log(original_max_position_embeddings));
      return {
        ...base,
        rope_type: type,
        short_factor: inner.positives("short_factor", rotary_dim / 2),
        long_factor: inner.positives("long_factor", rotary_dim / 2),
        original_max_position_embeddings,
        attention_factor: inner.maybePositive("attention_factor") ?? (stretched <= 1 ? 1 : grown),
      };
    }
    default:
      throw inner.fail(typeKey, '"default", "linear", "dynamic", "llama3", "yarn" or "longrope"', named);
  }
}

/** How much cosines and sines grow: Peng et al. 2023, "YaRN", equation 22; DeepSeek's `mscale`s change it. */
function yarnFactor(read: ConfigReader, factor: number): number {
  const grown = (mscale: number) => factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
  const [one, all] = [read.maybePositive("mscale"), read.maybePositive("mscale_all_dim")];
  return one !== null && all !== null ? grown(one) / grown(all) : grown(1);
}
