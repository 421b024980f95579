/**
 * A tokenizer's files, checked before they are read: pipes, devices and huge files are none.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { JsonCursor } from "../../files/safetensors/json.ts";
import type { Fail } from "../../files/safetensors/messages.ts";
import { isObject, type Json } from "./fields.ts";

/** Larger files are no tokenizer's: the largest today, of 262,144 tokens, has 33 MB. */
const LARGEST_BYTES = 2 ** 26;

const failOf = (path: string): Fail => (what, cause) => {
  throw new CheckpointError(`Cannot read the tokenizer: ${path} ${what}`, { cause });
};

/**
 * A file's bytes, or undefined where there is no such file.
 *
 * @throws {CheckpointError} when it is no file, too large or not readable.
 */
export function readBytes(path: string): Uint8Array<ArrayBuffer> | undefined {
  const fail = failOf(path);
  try {
    const { size, isFile } = Deno.statSync(path);
    if (!isFile) fail("is not a file");
    if (size > LARGEST_BYTES) fail(`has ${size} bytes, at most ${LARGEST_BYTES} are read`);
    return Deno.readFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    if (cause instanceof CheckpointError) throw cause;
    return fail("is not readable", cause);
  }
}

/**
 * A file's text, or undefined where there is no such file.
 *
 * @throws {CheckpointError} when it is no file, too large, not readable or not UTF-8.
 */
export function readText(path: string): string | undefined {
  const bytes = readBytes(path);
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    return failOf(path)("is not UTF-8", cause);
  }
}

/**
 * The object of a JSON file, or undefined where there is no such file.
 *
 * @throws {CheckpointError} when it cannot be read or holds no JSON object.
 */
export function readObject(path: string): Json | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const fail = failOf(path);
  try {
    // Read over first: JSON.parse would build whatever a hostile file has nested.
    const cursor = new JsonCursor(text, { name: "it", fail });
    cursor.skip();
    cursor.end();
    const json: unknown = JSON.parse(text);
    return isObject(json) ? json : fail("is no JSON object");
  } catch (cause) {
    return fail(`is not JSON: ${(cause as Error).message.replace(/^.*?: /, "")}`, cause);
  }
}
