/**
 * PIQA (Bisk et al. 2019): which of two ways does it?
 *
 * @module
 */
import { type ChoiceTask, textOf, wholeOf } from "./task.ts";

const source = { local: ["piqa-valid", "piqa-validation", "piqa"], repo: "baber/piqa", split: "validation" };

export const piqa: ChoiceTask = {
  kind: "choice",
  name: "piqa",
  source,
  examples: { ...source, local: ["piqa-train"], split: "train" },
  prompt: (row) => `Question: ${textOf(row, "goal")}\nAnswer:`,
  choices: (row) => [textOf(row, "sol1"), textOf(row, "sol2")],
  gold: (row) => wholeOf(row, "label"),
  normalized: true,
};
