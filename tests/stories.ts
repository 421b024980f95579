/**
 * stories260K and its texts: a trained model that is not in the project.
 *
 * @module
 */
import type { Document } from "any4/measure";

/** A folder with models and texts that are not in the project; tests that want them are ignored without it. */
const DATA = Deno.env.get("ANY4_DATA");

/** Whether the model is there. */
export const hasStories = DATA !== undefined;

/** What a test's name says where the model is not there. */
export const storiesReason = hasStories ? "" : " (ignored: ANY4_DATA is not set)";

/** The model's folder. */
export const storiesFolder = `${DATA}/models/stories260K`;

/** The texts, and the options, on which the model's perplexity is 3.44. */
export function storiesMeasure(): { documents: Document[]; context: number; truncate: true } {
  const texts: string[] = JSON.parse(Deno.readTextFileSync(`${DATA}/text/tinystories-1000.json`));
  const documents = texts.slice(0, 40).map((text): Document => (
    { kind: "story", text: text.replaceAll("\n\n", "\n").slice(0, 600) }
  ));
  return { documents, context: 250, truncate: true };
}
