/**
 * Names of the files in a checkpoint's folder, as Hugging Face gives them.
 *
 * @module
 */
/** The file of the config. */
export const CONFIG = "config.json";
/** The file that says how to generate. */
export const GENERATION_CONFIG = "generation_config.json";
/** The file of all weights. */
export const WEIGHTS = "model.safetensors";
/** The file that says which shard has which tensor. */
export const INDEX = "model.safetensors.index.json";
/** The file in which ModelOpt says how it has quantized. */
export const QUANTIZATION = "hf_quant_config.json";
/** Where a quantization from disk to disk keeps what it has done, inside the folder, until it is finished. */
export const UNFINISHED = ".quantizing";
/** What belongs to a model's text side, and the terms that it comes under. */
export const COPIED_FILES: readonly string[] = [
  ...["tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json"],
  ...["added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json"],
  ...["LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE"],
];

/** Whether a file of that name is part of a checkpoint. */
export function isModelFile(name: string): boolean {
  return /^model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/.test(name) ||
    [CONFIG, GENERATION_CONFIG, QUANTIZATION].includes(name) || COPIED_FILES.includes(name);
}
