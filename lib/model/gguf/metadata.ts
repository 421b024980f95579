/**
 * The metadata of a GGUF file, with each value checked.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import type { GgufMetadata } from "../../files/gguf/header.ts";
import { quote } from "../../files/safetensors/messages.ts";

/** Reads values by key; errors name the file, the key and what was expected. */
export class Metadata {
  readonly #values: GgufMetadata;
  /** The file, for messages. */
  readonly path: string;

  constructor(values: GgufMetadata, path: string) {
    this.#values = values;
    this.path = path;
  }

  /** An error about a key. */
  fail(key: string, what: string): CheckpointError {
    return new CheckpointError(`Cannot use ${this.path}: ${quote(key)} ${what}`);
  }

  #get(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? this.#values[key] : undefined;
  }

  /** A number; 64-bit ones are stored as such. */
  number(key: string): number | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (typeof value !== "number" && typeof value !== "bigint") throw this.fail(key, "must be a number");
    return Number(value);
  }

  /** A number that has to be there. */
  needed(key: string): number {
    const value = this.number(key);
    if (value === undefined) throw this.fail(key, "is missing");
    return value;
  }

  /** A number, or one for each layer, all alike: architectures whose layers differ are not supported. */
  numberForAll(key: string): number | undefined {
    const value = this.#get(key);
    if (!Array.isArray(value)) return this.number(key);
    if (value.length === 0 || value.some((item) => item !== value[0])) {
      throw this.fail(key, "must be the same for all layers");
    }
    return Number(value[0]);
  }

  /** A string. */
  text(key: string): string | undefined {
    const value = this.#get(key);
    if (value !== undefined && typeof value !== "string") throw this.fail(key, "must be a string");
    return value;
  }

  /** True or false. */
  flag(key: string): boolean | undefined {
    const value = this.#get(key);
    if (value !== undefined && typeof value !== "boolean") throw this.fail(key, "must be true or false");
    return value;
  }

  /** A list of booleans; undefined if it is absent or not a list. */
  flags(key: string): boolean[] | undefined {
    return Array.isArray(this.#get(key)) ? this.#list(key, "boolean") : undefined;
  }

  /** A list of strings. */
  texts(key: string): string[] | undefined {
    return this.#list(key, "string");
  }

  /** A list of numbers. */
  numbers(key: string): number[] | undefined {
    return this.#list(key, "number");
  }

  #list<T>(key: string, type: "string" | "number" | "boolean"): T[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.some((item) => typeof item !== type)) {
      throw this.fail(key, `must be a list of ${type}s`);
    }
    return value;
  }
}
