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
import { type Layout, linear } from "../decoder/layout.ts";
import type { Architecture } from "./architecture.ts";
import { cohere } from "./cohere.ts";
import { falcon } from "./falcon.ts";
import { gemma } from "./gemma.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3 } from "./gemma3.ts";
import { gpt2 } from "./gpt2.ts";
import { gptNeox } from "./gpt_neox.ts";
import { granite } from "./granite.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { mixtral } from "./mixtral.ts";
import { olmo2 } from "./olmo2.ts";
import { opt } from "./opt.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { qwen3Moe } from "./qwen3_moe.ts";
import { smollm3 } from "./smollm3.ts";
import { stablelm } from "./stablelm.ts";
import { starcoder2 } from "./starcoder2.ts";

/** Architectures by `model_type`. */
export const architectures: ReadonlyMap<string, Architecture> = new Map([
  ["llama", llama],
  ["mistral", mistral],
  ["mixtral", mixtral],
  ["qwen2", qwen2],
  ["qwen3", qwen3],
  ["qwen3_moe", qwen3Moe],
  ["phi3", phi3],
  ["gemma", gemma],
  ["gemma2", gemma2],
  ["gemma3_text", gemma3],
  ["opt", opt],
  ["gpt2", gpt2],
  ["gpt_neox", gptNeox],
  ["olmo2", olmo2],
  ["granite", granite],
  ["smollm3", smollm3],
  ["stablelm", stablelm],
  ["starcoder2", starcoder2],
  ["cohere", cohere],
  ["falcon", falcon],
]);

/** A head's name, where an architecture does not give it another. */
const HEAD = "lm_head.weight";

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

/**
 * Where a checkpoint that has certain tensors keeps the decoder's parts. Names may begin with the architecture's prefix or
 * with none, as models without a head are saved. Of a tied model, a head that is there beside the embedding is one of its own.
 */
export function layoutOf(config: ModelConfig, has: (tensor: string) => boolean): Layout {
  const { prefixes, layout: at } = architectures.get(config.model_type)!;
  const untied = [...new Set([...prefixes, ""])].map((prefix) =>
    at({ ...config, tie_word_embeddings: false }, prefix)
  );
  const layout = untied.find(({ embedding }) => has(embedding.name)) ??
    // Of a tied model the head may be the only copy.
    untied.find(({ layers }) => has(layers[0]!.attention.inner.output.weight.name)) ?? untied[0]!;
  const head = [layout.head!.weight.name, HEAD].find(has);
  const { embedding } = layout;
  if (head === undefined) return config.tie_word_embeddings ? { ...layout, head: undefined } : layout;
  if (config.tie_word_embeddings && !has(embedding.name)) {
    return { ...layout, embedding: { ...embedding, name: head }, head: undefined };
  }
  return { ...layout, head: linear(head.replace(/\.weight$/, ""), [embedding.rows, embedding.cols]) };
}
