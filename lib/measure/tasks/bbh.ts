/**
 * BIG-Bench Hard (Suzgun et al. 2022): 27 tasks, asked with three examples of step-by-step reasoning each.
 *
 * @module
 */
import prompts from "./bbh.json" with { type: "json" };
import { type GenerationTask, textOf } from "./task.ts";

export const bbh: readonly GenerationTask[] = Object.entries(prompts.tasks).map(([task, given]) => ({
  kind: "generation",
  name: `bbh_cot_fewshot_${task}`,
  source: { local: [`bbh-${task}`, `bbh/${task}`], repo: "SaylorTwift/bbh", config: task, split: "test" },
  examples: given.examples,
  draw: "first",
  fewshot: 3,
  description: given.description,
  delimiter: "",
  prompt: (row) => `Q: ${textOf(row, "input")}\nA: Let's think step by step.\n`,
  answer: (row) => textOf(row, "target"),
  until: ["</s>", "Q", "\n\n"],
  maxTokens: 1024,
  scores: {
    "get-answer": (text, row) =>
      (/(?<=the answer is )(.*)(?=.)/.exec(text)?.[1] ?? "[invalid]").trim() === textOf(row, "target"),
  },
}));
