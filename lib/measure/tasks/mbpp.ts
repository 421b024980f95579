/**
 * MBPP (Austin et al. 2021): a Python function by a sentence and three tests.
 *
 * @module
 */
import type { Row } from "../data/rows.ts";
import { type CodeTask, textOf, textsOf, wholeOf } from "./task.ts";

const tests = (row: Row) => textsOf(row, "test_list").slice(0, 3).join("\n");

const source = {
  local: ["mbpp-test", "mbpp"],
  repo: "google-research-datasets/mbpp",
  config: "full",
  split: "test",
};

export const mbpp: CodeTask = {
  kind: "code",
  name: "mbpp",
  source,
  examples: { ...source, local: ["mbpp-prompt", "mbpp"], split: "prompt" },
  // The whole data set in one local file: examples are 2, 3 and 4, the test split 11 to 510.
  isDocument: (row) => wholeOf(row, "task_id") >= 11 && wholeOf(row, "task_id") <= 510,
  isExample: (row) => wholeOf(row, "task_id") >= 2 && wholeOf(row, "task_id") <= 4,
  draw: "first",
  fewshot: 3,
  delimiter: "",
  prompt: (row) =>
    `You are an expert Python programmer, and here is your task: ${textOf(row, "text")} ` +
    `Your code should pass these tests:\n\n${tests(row)}\n[BEGIN]\n`,
  answer: (row) => `${textOf(row, "code")}\n[DONE]`,
  until: ["[DONE]"],
  maxTokens: 256,
  program: (text, row) => `${text}\n${tests(row)}`,
};
