/**
 * config.json of a GGUF file.
 *
 * @module
 */
import type { GgufArchitecture } from "./architectures.ts";
import type { GgufReader } from "./reader.ts";

/** Texts of tokens that end a turn. llama.cpp stops at them too, regardless of the keys. */
const ENDS = new Set([
  ...["<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>"],
  ...["<|end_of_text|>", "<EOT>", "<end_of_utterance>"],
]);
const CONTROL = 3;

/**
 * Makes config.json from a file's metadata and the shapes of its tensors.
 *
 * @throws {CheckpointError} when a key is missing or malformed, or asks for what is not supported.
 */
export function ggufConfig(read: GgufReader, architecture: GgufArchitecture): Record<string, unknown> {
  const { file, metadata } = read;
  return {
    architectures: [architecture.architecture],
    model_type: architecture.model_type,
    ...architecture.config(read),
    vocab_size: read.vocabulary(),
    tie_word_embeddings: !file.has("output.weight"),
    bos_token_id: metadata.number("tokenizer.ggml.bos_token_id") ?? null,
    eos_token_id: ends(read),
    torch_dtype: { F16: "float16", BF16: "bfloat16" }[file.info("token_embd.weight").dtype as string] ??
      "float32",
  };
}

/** Tokens that end a text or a turn of a conversation. */
function ends({ metadata }: GgufReader): number[] {
  const named = ["eos", "eot", "eom"].flatMap((name) =>
    metadata.number(`tokenizer.ggml.${name}_token_id`) ?? []
  );
  const kinds = metadata.numbers("tokenizer.ggml.token_type") ?? [];
  const found = (metadata.texts("tokenizer.ggml.tokens") ?? [])
    .flatMap((token, id) => kinds[id] === CONTROL && ENDS.has(token) ? id : []);
  return [...new Set([...named, ...found])];
}
