/**
 * GSM8K (Cobbe et al. 2021): word problems, worked out with the result after "####".
 *
 * @module
 */
import { type GenerationTask, textOf } from "./task.ts";

/** What is not compared: commas, dollars, all before the result, a last full stop. */
const plain = (text: string) =>
  text.replaceAll(/,|\$/g, "").replaceAll(/.*#### /gs, "").replace(/\.(?=\n?$)/, "").toLowerCase();

const source = { local: ["gsm8k-test", "gsm8k"], repo: "openai/gsm8k", config: "main", split: "test" };

export const gsm8k: GenerationTask = {
  kind: "generation",
  name: "gsm8k",
  source,
  examples: { ...source, local: ["gsm8k-train"], split: "train" },
  fewshot: 5,
  prompt: (row) => `Question: ${textOf(row, "question")}\nAnswer:`,
  answer: (row) => textOf(row, "answer"),
  until: ["Question:", "</s>", "<|im_end|>"],
  maxTokens: 256,
  scores: {
    "strict-match": (text, row) =>
      plain((/#### (-?[0-9.,]+)/.exec(text)?.[1] ?? "[invalid]").trim()) === plain(textOf(row, "answer")),
    "flexible-extract": (text, row) =>
      plain((text.match(/-?[$0-9.,]{2,}|-?[0-9]+/g)?.at(-1) ?? "[invalid]").trim()) ===
        plain(textOf(row, "answer")),
  },
};
