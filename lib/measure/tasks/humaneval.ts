/**
 * HumanEval (Chen et al. 2021): a Python function by its docstring.
 *
 * @module
 */
import { type CodeTask, textOf } from "./task.ts";

export const humaneval: CodeTask = {
  kind: "code",
  name: "humaneval",
  source: {
    local: ["HumanEval", "humaneval"],
    repo: "openai/openai_humaneval",
    config: "openai_humaneval",
    split: "test",
  },
  prompt: (row) => textOf(row, "prompt"),
  answer: (row) => textOf(row, "canonical_solution"),
  until: ["\nclass", "\ndef", "\n#", "\nif", "\nprint"],
  maxTokens: 1024,
  program: (text, row) =>
    `${textOf(row, "prompt")}${text}\n${textOf(row, "test")}\ncheck(${textOf(row, "entry_point")})`,
};
