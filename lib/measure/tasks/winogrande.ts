/**
 * WinoGrande (Sakaguchi et al. 2019): who is meant? The end of the sentence is predicted after each option.
 *
 * @module
 */
import type { Row } from "../data/rows.ts";
import { type ChoiceTask, textOf, wholeOf } from "./task.ts";

const source = {
  local: ["winogrande-validation", "winogrande"],
  repo: "allenai/winogrande",
  config: "winogrande_xl",
  split: "validation",
};
const options = (row: Row) => [textOf(row, "option1"), textOf(row, "option2")];
const gap = (row: Row) => textOf(row, "sentence").indexOf("_");
const gold = (row: Row) => wholeOf(row, "answer") - 1;
const prompts = (row: Row) =>
  options(row).map((option) => textOf(row, "sentence").slice(0, gap(row)) + option);

export const winogrande: ChoiceTask = {
  kind: "choice",
  name: "winogrande",
  source,
  examples: { ...source, local: ["winogrande-train"], split: "train" },
  prompt: (row) => prompts(row)[gold(row)]!,
  prompts,
  choices: options,
  ending: (row) => textOf(row, "sentence").slice(gap(row) + 1).trim(),
  gold,
};
