/**
 * LAMBADA (Paperno et al. 2016), in OpenAI's version: the last word of a passage.
 *
 * @module
 */
import { type EndingTask, textOf } from "./task.ts";

export const lambada: EndingTask = {
  kind: "ending",
  name: "lambada_openai",
  source: {
    local: ["lambada_openai", "lambada-test", "lambada"],
    repo: "EleutherAI/lambada_openai",
    split: "test",
  },
  delimiter: "",
  prompt: (row) => textOf(row, "text").split(" ").slice(0, -1).join(" "),
  ending: (row) => ` ${textOf(row, "text").split(" ").at(-1)}`,
};
