/**
 * Fields of parsed JSON, checked.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { isObject } from "../../files/json_file.ts";
import { quote } from "../../files/safetensors/messages.ts";

/** A parsed JSON object. */
export type Json = Record<string, unknown>;

export { isObject };

function get(json: Json, key: string): unknown {
  return Object.hasOwn(json, key) ? json[key] : undefined;
}

function fail(key: string, what: string): never {
  throw new CheckpointError(`${quote(key)} must be ${what}`);
}

/** A string without halves of surrogate pairs. */
export function text(json: Json, key: string, otherwise?: string): string {
  const value = get(json, key) ?? otherwise;
  return typeof value === "string" && value.isWellFormed() ? value : fail(key, "a string");
}

/** A string, or undefined where there is none or it is null. */
export function optionalText(json: Json, key: string): string | undefined {
  return get(json, key) === undefined || get(json, key) === null ? undefined : text(json, key);
}

/** A whole number from 0 on. */
export function whole(json: Json, key: string, otherwise?: number): number {
  const value = get(json, key) ?? otherwise;
  return typeof value === "number" && Number.isInteger(value) && value >= 0
    ? value
    : fail(key, "a whole number of at least 0");
}

/** True or false. */
export function flag(json: Json, key: string, otherwise: boolean): boolean {
  const value = get(json, key) ?? otherwise;
  return typeof value === "boolean" ? value : fail(key, "true or false");
}

/** A list. */
export function list(json: Json, key: string, otherwise?: unknown[]): unknown[] {
  const value = get(json, key) ?? otherwise;
  return Array.isArray(value) ? value : fail(key, "a list");
}

/** An object. */
export function object(json: Json, key: string): Json {
  const value = get(json, key);
  return isObject(value) ? value : fail(key, "an object");
}
