/**
 * JSON files that hold an object.
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

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The object of a JSON file, of at most 16 MiB. What Python writes beyond JSON is read too: NaN, infinities, halves of
 * surrogate pairs.
 *
 * @throws {CheckpointError} when there is no such file, it is too large, or it holds no JSON object.
 */
export function readJson(path: string): Record<string, unknown> {
  const fail: Fail = (what, cause) => {
    throw new CheckpointError(`Cannot read ${path}: ${what}`, { cause });
  };
  let text = "";
  try {
    const { size, isFile } = Deno.statSync(path);
    if (!isFile) fail("it is not a file");
    if (size > LARGEST_JSON_BYTES) fail(`it has ${size} bytes, at most ${LARGEST_JSON_BYTES} are read`);
    text = new TextDecoder("utf-8", { fatal: true }).decode(Deno.readFileSync(path));
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    fail(cause instanceof TypeError ? "it is not UTF-8" : (cause as Error).message, cause);
  }
  // JSON.parse would build whatever a hostile file has nested, and does not know the NaN of Python's files.
  const cursor = new JsonCursor(text, { name: "it", fail, python: true });
  const json = cursor.value();
  cursor.end();
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
