/**
 * HellaSwag (Zellers et al. 2019): how does it go on?
 *
 * @module
 */
import { type ChoiceTask, textOf, textsOf, wholeOf } from "./task.ts";

/** Removes what WikiHow's pages left behind. */
const plain = (text: string) =>
  text.trim().replaceAll(" [title]", ". ").replaceAll(/\[.*?\]/g, "").replaceAll("  ", " ");

/** Python's `capitalize`. */
const capitalized = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase();

const source = { local: ["hellaswag-validation", "hellaswag"], repo: "Rowan/hellaswag", split: "validation" };

export const hellaswag: ChoiceTask = {
  kind: "choice",
  name: "hellaswag",
  source,
  examples: { ...source, local: ["hellaswag-train"], split: "train" },
  prompt: (row) =>
    plain(`${textOf(row, "activity_label")}: ${textOf(row, "ctx_a")} ${capitalized(textOf(row, "ctx_b"))}`),
  choices: (row) => textsOf(row, "endings").map(plain),
  gold: (row) => wholeOf(row, "label"),
  normalized: true,
};
