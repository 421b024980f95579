/**
 * Tasks as data: which documents there are, how they are asked, and how answers are scored.
 *
 * @module
 */
import type { Row } from "../data/rows.ts";
import type { DataSource } from "../data/source.ts";

/** What all tasks have. */
export interface Asked {
  /** Its name, as lm-evaluation-harness has it. */
  readonly name: string;
  /** The documents. */
  readonly source: DataSource;
  /** Examples with answers for few-shot prompts: another split, or rows that belong to the task. */
  readonly examples?: DataSource | readonly Row[];
  /** Which rows are documents, and which are examples, where a file has more; all when absent. */
  isDocument?(row: Row): boolean;
  /** Likewise for examples. */
  isExample?(row: Row): boolean;
  /** The first examples, or for each document some that are drawn; drawn when absent. */
  readonly draw?: "first";
  /** Examples in a prompt when nothing else is asked for; 0 when absent. */
  readonly fewshot?: number;
  /** What every prompt begins with. */
  readonly description?: string;
  /** What is between a question and its answer; a space when absent. */
  readonly delimiter?: string;
  /** The question. */
  prompt(row: Row): string;
}

/** Several answers, of which the likeliest is chosen. */
export interface ChoiceTask extends Asked {
  /** The kind of task. */
  readonly kind: "choice";
  /** The answers. */
  choices(row: Row): readonly string[];
  /** The place of the right one. */
  gold(row: Row): number;
  /** Whether the likelihood by characters counts too. */
  readonly normalized?: boolean;
  /** The question once for each choice, which is part of it; what is predicted then is `ending`. */
  prompts?(row: Row): readonly string[];
  /** The text after a choice in the question. */
  ending?(row: Row): string;
}

/** A text whose end is predicted. */
export interface EndingTask extends Asked {
  /** The kind of task. */
  readonly kind: "ending";
  /** The end that is predicted. */
  ending(row: Row): string;
}

/** A text that is generated and compared. */
export interface GenerationTask extends Asked {
  /** The kind of task. */
  readonly kind: "generation";
  /** The answer of an example. */
  answer(row: Row): string;
  /** Texts that end the answer. */
  readonly until: readonly string[];
  /** Tokens of an answer at most. */
  readonly maxTokens: number;
  /** Scores by name: whether a text answers the question. */
  readonly scores: Readonly<Record<string, (text: string, row: Row) => boolean>>;
}

/** A program that is generated and run. */
export interface CodeTask extends Omit<GenerationTask, "kind" | "scores"> {
  /** The kind of task. */
  readonly kind: "code";
  /** The program that fails unless the generated text is right. */
  program(text: string, row: Row): string;
}

/** A task. */
export type Task = ChoiceTask | EndingTask | GenerationTask | CodeTask;

/** A column's text. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === "string") return value;
  throw new TypeError(`column ${column} has no text; the columns are ${Object.keys(row).join(", ")}`);
}

/** A column's list of texts. */
export function textsOf(row: Row, column: string): string[] {
  const value = row[column];
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
  throw new TypeError(
    `column ${column} has no list of texts; the columns are ${Object.keys(row).join(", ")}`,
  );
}

/** A column's whole number, also where it is written as text. */
export function wholeOf(row: Row, column: string): number {
  const value = Number(row[column] === "" ? NaN : row[column] ?? NaN);
  if (Number.isInteger(value)) return value;
  throw new TypeError(`column ${column} has no whole number; the columns are ${Object.keys(row).join(", ")}`);
}
