/**
 * Small public models that are good to start with.
 *
 * @module
 */

/** A model on the Hub. */
export interface StarterModel {
  /** Its name on the Hub. */
  readonly id: string;
  /** Bytes to download, about. */
  readonly bytes: number;
  /** `model_type` of its config.json. */
  readonly architecture: string;
  /** Its licence, by the Hub's name. */
  readonly licence: string;
  /** Whether its terms must be accepted on the Hub first, and a token be set. */
  readonly gated?: boolean;
}

/** Models from 135 million to 1.2 billion parameters, by size; sizes are those of the files that are fetched. */
export const starterModels: readonly StarterModel[] = [
  { id: "HuggingFaceTB/SmolLM2-135M", bytes: 271e6, architecture: "llama", licence: "apache-2.0" },
  { id: "HuggingFaceTB/SmolLM2-135M-Instruct", bytes: 271e6, architecture: "llama", licence: "apache-2.0" },
  { id: "EleutherAI/pythia-160m", bytes: 377e6, architecture: "gpt_neox", licence: "apache-2.0" },
  { id: "openai-community/gpt2", bytes: 550e6, architecture: "gpt2", licence: "mit" },
  {
    id: "google/gemma-3-270m",
    bytes: 575e6,
    architecture: "gemma3_text",
    licence: "gemma",
    gated: true,
  },
  { id: "HuggingFaceTB/SmolLM2-360M", bytes: 726e6, architecture: "llama", licence: "apache-2.0" },
  { id: "Qwen/Qwen2.5-0.5B", bytes: 998e6, architecture: "qwen2", licence: "apache-2.0" },
  { id: "Qwen/Qwen3-0.6B", bytes: 1515e6, architecture: "qwen3", licence: "apache-2.0" },
  {
    id: "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    bytes: 2202e6,
    architecture: "llama",
    licence: "apache-2.0",
  },
  {
    id: "meta-llama/Llama-3.2-1B",
    bytes: 2481e6,
    architecture: "llama",
    licence: "llama3.2",
    gated: true,
  },
];
