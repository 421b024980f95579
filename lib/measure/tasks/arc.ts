/**
 * ARC (Clark et al. 2018): questions of school science.
 *
 * @module
 */
import { type ChoiceTask, textOf, textsOf } from "./task.ts";
import type { Row } from "../data/rows.ts";

const arc = (name: string, config: string): ChoiceTask => {
  const source = { local: [`${name}-test`, name], repo: "allenai/ai2_arc", config, split: "test" };
  return {
    kind: "choice",
    name,
    source,
    examples: { ...source, local: [`${name}-train`], split: "train" },
    prompt: (row) => `Question: ${textOf(row, "question")}\nAnswer:`,
    choices: (row) => textsOf(row.choices as Row, "text"),
    gold: (row) => textsOf(row.choices as Row, "label").indexOf(textOf(row, "answerKey")),
    normalized: true,
  };
};

export const arcEasy: ChoiceTask = arc("arc_easy", "ARC-Easy");
export const arcChallenge: ChoiceTask = arc("arc_challenge", "ARC-Challenge");
