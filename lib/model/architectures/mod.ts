/**
 * The architectures, by what `model_type` of config.json calls them.
 *
 * To add one: write a file like those beside this one, which reads the architecture's config.json and says where its
 * checkpoints keep what, and give it a line below. What no architecture here does (another position embedding, another
 * norm) is an option of the decoder first.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { ModelConfig } from "../decoder/config.ts";
import { type ConfigReader, show } from "./config_reader.ts";
import type { Layout } from "../decoder/layout.ts";
import type { Architecture } from "./architecture.ts";
import { gemma } from "./gemma.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3 } from "./gemma3.ts";
import { gpt2 } from "./gpt2.ts";
import { gptNeox } from "./gpt_neox.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { mixtral } from "./mixtral.ts";
import { opt } from "./opt.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";

/** Architectures by `model_type`. */
export const architectures: ReadonlyMap<string, Architecture> = new Map([
  ["llama", llama],
  ["mistral", mistral],
  ["mixtral", mixtral],
  ["qwen2", qwen2],
  ["qwen3", qwen3],
  ["phi3", phi3],
  ["gemma", gemma],
  ["gemma2", gemma2],
  ["gemma3_text", gemma3],
  ["opt", opt],
  ["gpt2", gpt2],
  ["gpt_neox", gptNeox],
]);

/**
 * The architecture that a config.json asks for.
 *
 * @throws {ConfigError} when there is none of that name.
 */
export function architectureOf(read: ConfigReader): Architecture {
  const { model_type } = read.json;
  const found = typeof model_type === "string" ? architectures.get(model_type) : undefined;
  if (found) return found;
  const value = model_type === undefined ? "it is missing" : `current value is ${show(model_type)}`;
  throw new ConfigError(
    `Cannot use ${read.where}: model_type must be one of ${
      [...architectures.keys()].join(", ")
    }; ${value}. ` +
      "To add an architecture, write a file like those of lib/model/architectures and name it in their mod.ts",
  );
}

/** Where a checkpoint that has certain tensors keeps the decoder's parts. */
export function layoutOf(config: ModelConfig, has: (tensor: string) => boolean): Layout {
  const { prefixes, layout } = architectures.get(config.model_type)!;
  const layouts = prefixes.map((prefix) => layout(config, prefix));
  return layouts.find(({ embedding }) => has(embedding.name)) ?? layouts[0]!;
}
