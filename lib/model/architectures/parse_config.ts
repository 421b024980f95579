/**
 * config.json of a model, checked and brought to one form for all architectures.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { isObject } from "../../files/json_file.ts";
import type { ModelConfig } from "../decoder/config.ts";
import { ConfigReader, show } from "./config_reader.ts";
import { architectureOf } from "./mod.ts";

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
export function parseConfig(json: unknown, where: string): ModelConfig {
  if (!isObject(json)) {
    throw new ConfigError(`Cannot use ${where}: expected a JSON object, found ${show(json)}`);
  }
  const read = new ConfigReader(json, where);
  return architectureOf(read).config(read);
}
