/**
 * MMLU (Hendrycks et al. 2020): 57 subjects, four answers each, of which the letter is predicted.
 *
 * @module
 */
import type { Row } from "../data/rows.ts";
import { type ChoiceTask, textOf, textsOf, wholeOf } from "./task.ts";

const SUBJECTS = `
  abstract_algebra anatomy astronomy business_ethics clinical_knowledge college_biology
  college_chemistry college_computer_science college_mathematics college_medicine college_physics
  computer_security conceptual_physics econometrics electrical_engineering elementary_mathematics
  formal_logic global_facts high_school_biology high_school_chemistry high_school_computer_science
  high_school_european_history high_school_geography high_school_government_and_politics
  high_school_macroeconomics high_school_mathematics high_school_microeconomics high_school_physics
  high_school_psychology high_school_statistics high_school_us_history high_school_world_history
  human_aging human_sexuality international_law jurisprudence logical_fallacies machine_learning
  management marketing medical_genetics miscellaneous moral_disputes moral_scenarios nutrition
  philosophy prehistory professional_accounting professional_law professional_medicine
  professional_psychology public_relations security_studies sociology us_foreign_policy virology
  world_religions
`.trim().split(/\s+/);

/** The answers, in one column or, in CSV files, in four. */
const answers = (row: Row) =>
  "choices" in row ? textsOf(row, "choices") : [0, 1, 2, 3].map((i) => textOf(row, `choice${i}`));

export const mmlu: readonly ChoiceTask[] = SUBJECTS.map((subject) => {
  const local = (split: string) => [`mmlu/${subject}_${split}`, `mmlu_${subject}_${split}`];
  const source = { repo: "cais/mmlu", config: subject };
  return {
    kind: "choice",
    name: `mmlu_${subject}`,
    source: { ...source, local: local("test"), split: "test" },
    examples: { ...source, local: local("dev"), split: "dev" },
    draw: "first",
    description: `The following are multiple choice questions (with answers) about ${
      subject.replaceAll("_", " ")
    }.\n\n`,
    prompt: (row) => {
      const listed = answers(row).map((answer, i) => `${"ABCD"[i]}. ${answer}\n`);
      return `${textOf(row, "question").trim()}\n${listed.join("")}Answer:`;
    },
    choices: () => ["A", "B", "C", "D"],
    gold: (row) => wholeOf(row, "answer"),
  };
});
