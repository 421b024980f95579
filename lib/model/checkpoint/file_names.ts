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
