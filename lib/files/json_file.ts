/**
 * A checkpoint's small files: JSON objects, texts.
 *
 * @module
 */
import { CheckpointError } from "../errors.ts";
import { writeText } from "./disk.ts";
import { JsonCursor } from "./safetensors/json.ts";
import type { Fail } from "./safetensors/messages.ts";
import { jsonWithFloats } from "./json_floats.ts";

/** Larger JSON files are none of a checkpoint's, and would only exhaust memory. */
const LARGEST_JSON_BYTES = 2 ** 24;

/** Larger files are no tokenizer's: the largest today, of 262,144 tokens, has 33 MB. */
const LARGEST_TOKENIZER_BYTES = 2 ** 26;

const failOf = (path: string): Fail => (what, cause) => {
  throw new CheckpointError(`Cannot read ${path}: ${what}`, { cause });
};

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A file's bytes, of at most 64 MiB unless told otherwise, or undefined where there is no such file.
 *
 * @throws {CheckpointError} when it is a folder, a pipe or a device, too large, or not readable.
 */
export function readBytes(
  path: string,
  largest = LARGEST_TOKENIZER_BYTES,
): Uint8Array<ArrayBuffer> | undefined {
  const fail = failOf(path);
  try {
    const { size, isFile } = Deno.statSync(path);
    if (!isFile) fail("it is not a file");
    if (size > largest) fail(`it has ${size} bytes, at most ${largest} are read`);
    return Deno.readFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof CheckpointError) throw cause;
    return fail((cause as Error).message, cause);
  }
}

/**
 * A file's text, or undefined where there is no such file.
 *
 * @throws {CheckpointError} when its bytes cannot be read or are not UTF-8.
 */
export function readText(path: string, largest?: number): string | undefined {
  const bytes = readBytes(path, largest);
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    return failOf(path)("it is not UTF-8", cause);
  }
}

/**
 * The object of a JSON file, of at most 16 MiB. What Python writes beyond JSON is read too: NaN, infinities, halves of
 * surrogate pairs.
 *
 * @throws {CheckpointError} when there is no such file, it is too large, or it holds no JSON object.
 */
export function readJson(path: string): Record<string, unknown> {
  const fail = failOf(path);
  const text = readText(path, LARGEST_JSON_BYTES) ?? fail("there is no such file");
  // JSON.parse would build whatever a hostile file has nested, and does not know the NaN of Python's files.
  const cursor = new JsonCursor(text, { name: "it", fail, python: true });
  const json = cursor.value();
  cursor.end();
  return isObject(json) ? json : fail("expected a JSON object");
}

/**
 * The object of a tokenizer's JSON file, or undefined where there is no such file. Of a repeated key the last value counts, as
 * tokenizers has it.
 *
 * @throws {CheckpointError} when it cannot be read or holds no JSON object.
 */
export function readObject(path: string): Record<string, unknown> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const fail = failOf(path);
  // Scanned first: JSON.parse would build whatever a hostile file has nested.
  const cursor = new JsonCursor(text, { name: "it", fail });
  cursor.skip();
  cursor.end();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return fail(`it is not JSON: ${(cause as Error).message}`, cause);
  }
  return isObject(json) ? json : fail("expected a JSON object");
}

/**
 * Writes a JSON file, whole or not at all.
 *
 * @param floats keys whose whole numbers are written with a decimal point.
 * @throws {CheckpointError} when writing fails; what was there before stays.
 */
export function writeJson(path: string, json: unknown, floats: ReadonlySet<string> = new Set()): void {
  writeText(path, jsonWithFloats(json, floats) + "\n");
}
