/**
 * What is put around a text's ids: the post-processors of tokenizer.json (huggingface/tokenizers, src/processors).
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { isObject, type Json, list, object, text } from "./fields.ts";

/** Ids that stand before and behind a text's. */
export interface Surroundings {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const NOTHING: Surroundings = { before: [], after: [] };

function idOf(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw new CheckpointError("its post_processor has an id that is no whole number");
}

/** A pair of a token and its id. */
function pairId(config: Json, key: string): number {
  return idOf(list(config, key)[1]);
}

/** A list of special tokens and the text, "A". */
function template(config: Json): Surroundings {
  const known = isObject(config.special_tokens) ? config.special_tokens : {};
  const [before, after]: [number[], number[]] = [[], []];
  let seen = false;
  for (const item of list(config, "single")) {
    if (!isObject(item)) throw new CheckpointError("its post_processor is malformed");
    if (isObject(item.Sequence)) {
      if (seen) throw new CheckpointError("its post_processor repeats the text, which is not supported");
      seen = true;
      continue;
    }
    const name = text(object(item, "SpecialToken"), "id");
    if (!Object.hasOwn(known, name)) {
      throw new CheckpointError(`its post_processor does not say what ${JSON.stringify(name)} is`);
    }
    for (const id of list(object(known, name), "ids")) (seen ? after : before).push(idOf(id));
  }
  if (!seen) throw new CheckpointError("its post_processor leaves out the text");
  return { before, after };
}

/**
 * Compiles tokenizer.json's post-processor.
 *
 * @throws {CheckpointError} when it is malformed or of an unknown type.
 */
export function compilePostProcessor(config: unknown, depth = 0): Surroundings {
  if (config === null || config === undefined) return NOTHING;
  if (!isObject(config) || depth > 16) throw new CheckpointError("its post_processor is malformed");
  const type = text(config, "type");
  switch (type) {
    case "ByteLevel":
      return NOTHING;
    case "TemplateProcessing":
      return template(config);
    case "BertProcessing":
    case "RobertaProcessing":
      return { before: [pairId(config, "cls")], after: [pairId(config, "sep")] };
    case "Sequence":
      return list(config, "processors").map((one) => compilePostProcessor(one, depth + 1)).reduce(
        (inner, outer) => ({
          before: [...outer.before, ...inner.before],
          after: [...inner.after, ...outer.after],
        }),
        NOTHING,
      );
  }
  throw new CheckpointError(`its post_processor type "${type}" is not supported`);
}
