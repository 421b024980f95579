/**
 * Values of a config.json, each checked.
 *
 * @module
 */
import type { Activation } from "../../compute/backend.ts";
import { ConfigError } from "../../errors.ts";

/** Sizes beyond these are no model's, and would only exhaust memory. */
const LARGEST_SIZE = 2 ** 24;
/** Layers beyond which it is no model. */
export const MOST_LAYERS = 10_000;
/** Positions beyond which it is no model. */
export const MOST_POSITIONS = 2 ** 31;

/** Hugging Face's names of activations, some of which mean the same. */
const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map([
  ["silu", "silu"],
  ["swish", "silu"],
  ["gelu", "gelu"],
  ["gelu_new", "gelu_new"],
  ["gelu_fast", "gelu_new"],
  ["gelu_pytorch_tanh", "gelu_new"],
  ["relu", "relu"],
]);

/** The least and the largest value that make sense. */
export interface Bounds {
  /** At least this. */
  readonly least: number;
  /** At most this. */
  readonly most: number;
}

/** Bounds of what has no narrower ones. */
const SENSIBLE: Bounds = { least: 1e-12, most: 1e12 };
/** Bounds of what is added to a mean square. */
const EPSILON: Bounds = { least: 1e-30, most: 1 };

/** Reads values of a JSON object, each checked; errors name the file, the key, the value and what was expected. */
export class ConfigReader {
  /** @param json the object; where: the file, for messages. */
  constructor(readonly json: Readonly<Record<string, unknown>>, readonly where: string) {}

  /** An error about a value. */
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

  /** A whole number of at least 1. */
  whole(key: string, options: { most?: number; fallback?: number } = {}): number {
    const most = options.most ?? LARGEST_SIZE;
    const check = (value: unknown) =>
      Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most;
    return this.#get(key, options.fallback, check, `a whole number from 1 to ${most}`);
  }

  /** A number above 0. Beyond the bounds float32 would make 0, infinity or nonsense of it. */
  positive(key: string, fallback?: number, bounds: Bounds = SENSIBLE): number {
    return this.#get(key, fallback, isWithin(bounds), showBounds(bounds));
  }

  /** What is added below a root. */
  epsilon(key: string, fallback: number): number {
    return this.positive(key, fallback, EPSILON);
  }

  /** A number above 0, or null where it is null or absent. */
  maybePositive(key: string, bounds?: Bounds): number | null {
    return this.json[key] == null ? null : this.positive(key, undefined, bounds);
  }

  /** As many numbers above 0 as asked for. */
  positives(key: string, count: number): number[] {
    const check = (value: unknown) =>
      Array.isArray(value) && value.length === count && value.every(isWithin(SENSIBLE));
    return this.#get<number[]>(key, undefined, check, `${count} numbers, each ${showBounds(SENSIBLE)}`);
  }

  /** True or false. */
  flag(key: string, fallback = false): boolean {
    return this.#get(key, fallback, (value) => typeof value === "boolean", "true or false");
  }

  /** Refuses anything but one value, or its absence. */
  only(key: string, value: unknown): void {
    if ((this.json[key] ?? value) !== value) throw this.fail(key, `${show(value)}, the only one supported`);
  }

  /** The name of a function between the products of an MLP. */
  activation(key: string, fallback: string): Activation {
    const name = this.#get(key, fallback, (value) => typeof value === "string", "a string");
    const found = ACTIVATIONS.get(name);
    if (!found) throw this.fail(key, `one of ${[...ACTIVATIONS.keys()].join(", ")}`, name);
    return found;
  }

  /** A token id or none. */
  id(key: string, fallback: number | null): number | null {
    if (this.json[key] === null || (fallback === null && this.json[key] === undefined)) return null;
    return this.#get(key, fallback ?? undefined, isId, "a token id or null");
  }

  /** Token ids, one or several or none. */
  ids(key: string, fallback: number | null): number[] {
    const value = this.json[key] === undefined ? fallback : this.json[key];
    if (value === null) return [];
    const ids: unknown[] = [value].flat();
    if (!ids.every(isId)) throw this.fail(key, "a token id, a list of them, or null");
    return ids as number[];
  }

  /** A text, if there is one. */
  text(key: string): string | undefined {
    const check = (value: unknown) => typeof value === "string";
    return this.json[key] == null ? undefined : this.#get(key, undefined, check, "a string");
  }
}

function isWithin({ least, most }: Bounds): (value: unknown) => boolean {
  return (value) => typeof value === "number" && value >= least && value <= most;
}

function showBounds({ least, most }: Bounds): string {
  return `a number from ${least} to ${most}`;
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A value as JSON has it, or NaN or an infinity, cut where it is too long for a message. */
export function show(value: unknown): string {
  const text = typeof value === "number" ? String(value) : JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
