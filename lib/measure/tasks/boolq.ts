/**
 * BoolQ (Clark et al. 2019): yes or no.
 *
 * @module
 */
import { type ChoiceTask, textOf, wholeOf } from "./task.ts";

const source = {
  local: ["boolq-validation", "boolq"],
  repo: "aps/super_glue",
  config: "boolq",
  split: "validation",
};

export const boolq: ChoiceTask = {
  kind: "choice",
  name: "boolq",
  source,
  examples: { ...source, local: ["boolq-train"], split: "train" },
  prompt: (row) => `${textOf(row, "passage")}\nQuestion: ${textOf(row, "question")}?\nAnswer:`,
  choices: () => ["no", "yes"],
  gold: (row) => wholeOf(row, "label"),
};
