/**
 * The plan: the format of each Linear.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { Format } from "../formats/format.ts";
import { formatOf } from "../formats/formats.ts";
import { checkSharing } from "../learn/codebook_sharing.ts";
import { checkOutliers } from "../learn/outliers.ts";
import type { StorageOptions } from "../learn/packed_size.ts";
import type { Layout } from "../model/decoder/layout.ts";

/** The format of a Linear, and how it is stored where that is not as the options of all say. */
export interface FormatChoice extends Readonly<StorageOptions> {
  /** The format. */
  readonly format: Format;
}

/** Options of the choice of formats. */
export interface PlanOptions {
  /** The number format of all that nothing else is said of; "any4" when absent. */
  format?: string | Format;
  /** Columns that share a scale, or "row"; the format's own when absent, 128 for most. */
  groupSize?: number | "row";
  /**
   * Linears to leave as they are, by module name; "*" stands for any characters. What sends tokens to experts always stays; so
   * do the head and embeddings, unless `head` and `embedding` say otherwise.
   */
  skip?: string | string[];
  /**
   * Formats of some Linears, by module name as in `skip`: "int8", with a group size "any4:64", and with how it is stored, where
   * that is not as the other options say: "any3sym:64/int8", tables and scales in bytes, "any4/matrix", one table a matrix (or
   * "8-rows", "16-tables"), "any2/outliers=0.005". Of several patterns that fit, the last one counts.
   */
  override?: Readonly<Record<string, string>>;
  /**
   * The format of the head, "int8" or with a group size "any4:64"; it stays as it is when absent. Of a tied model the embedding
   * is the same tensor. Codebooks are learned from the weights alone.
   */
  head?: string;
  /** The format of the embedding, as `head`. */
  embedding?: string;
}

/** Whether a module's name fits one of some patterns, in which "*" stands for any characters. */
function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const source = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*");
    return new RegExp(`^${source}$`).test(name);
  });
}

/** Modules that stay as they are in any case: naming them in `skip` is no mistake. */
const STAYING =
  /(^|[.*])(lm_head|embed_out|embed_tokens|embed_positions|embed_in|word_embeddings|wte|wpe|gate)$/;

/** Refuses a pattern that fits no Linear: whoever gave it meant some. */
function checkFits(pattern: string, of: { linears: readonly string[]; verb: string }): void {
  const { linears, verb } = of;
  if (linears.some((name) => matches(name, [pattern]))) return;
  const longer = [`*.${pattern}`, `*.${pattern}.*`].find((one) =>
    linears.some((name) => matches(name, [one]))
  );
  throw new OptionError(
    `Cannot ${verb} "${pattern}": it fits no Linear, ` +
      (longer ? `did you mean "${longer}"` : `this model has Linears such as ${linears[0]}`),
  );
}

/**
 * Those of some Linears that fit patterns, as in `skip`, or are of layers with these numbers; all where there are none.
 *
 * @throws {OptionError} when a pattern fits no Linear.
 *
 * @example
 * ```ts
 * import { selectLinears } from "any4/quantize";
 * import { assertEquals } from "@std/assert";
 * const linears = ["model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj", "model.layers.1.mlp.down_proj"];
 * assertEquals(selectLinears(linears, ["1"]), linears.slice(1));
 * assertEquals(selectLinears(linears, ["*.up_proj"]), linears.slice(0, 2));
 * ```
 */
export function selectLinears(linears: readonly string[], patterns: readonly string[] = []): string[] {
  const fits = (name: string, pattern: string) =>
    /^\d+$/.test(pattern) ? /\.(\d+)\./.exec(name)?.[1] === pattern : matches(name, [pattern]);
  for (const pattern of patterns) {
    if (!linears.some((name) => fits(name, pattern))) checkFits(pattern, { linears, verb: "select" });
  }
  return linears.filter((name) => patterns.length === 0 || patterns.some((pattern) => fits(name, pattern)));
}

/**
 * "any4", "any4:64" or "any2sym:64/16-tables/int8/outliers=0.005" as a choice, see `override` of {@linkcode PlanOptions};
 * without a group size of its own it has the one given.
 *
 * @throws {OptionError} when there is no such format, or it cannot be stored so.
 */
export function parseChoice(text: string, groupSize?: number | "row"): FormatChoice {
  const [whole = "", ...parts] = text.split("/");
  const [name = "", size] = whole.split(/:(.*)/);
  const format = formatOf(name);
  if (size !== undefined && size !== "row" && !/^[1-9]\d*$/.test(size)) {
    throw new OptionError(
      `Cannot use format "${text}": the group size must be a whole number of at least 1 or "row"`,
    );
  }
  const stored = parts.map((part): StorageOptions => {
    if (part === "int8") return { codebookType: "int8", scaleType: "int8" };
    if (part.startsWith("outliers=")) {
      const outliers = Number(part.slice(9));
      checkOutliers(outliers, { cols: 1, name: text });
      return { outliers };
    }
    checkSharing(part);
    if (format.values) {
      throw new OptionError(`Cannot share tables of "${text}": ${format.name} has none that are learned`);
    }
    return { codebook: part };
  });
  return Object.assign(
    { format, groupSize: size === undefined || size === "row" ? size ?? groupSize : Number(size) },
    ...stored,
  );
}

/** The format decided for a Linear, and whether a pattern decided it. */
export interface Planned extends FormatChoice {
  /** Whether `override` says so. */
  readonly overridden: boolean;
}

/**
 * The Linears that are quantized, in their order, and to what.
 *
 * @throws {OptionError} when a format or group size is unknown, or a pattern of `override` or `skip` fits no Linear.
 */
export function planOf(linears: readonly string[], options: PlanOptions): Map<string, Planned> {
  const { groupSize, override = {} } = options;
  const format = formatOf(options.format ?? "any4");
  const overrides = Object.entries(override).map(([pattern, text]) => {
    checkFits(pattern, { linears, verb: "override" });
    return { pattern, choice: parseChoice(text, groupSize) };
  });
  const skip = [options.skip ?? []].flat();
  for (const pattern of skip) if (!STAYING.test(pattern)) checkFits(pattern, { linears, verb: "skip" });
  const plan = new Map<string, Planned>();
  for (const name of linears) {
    if (matches(name, skip)) continue;
    const own = overrides.findLast(({ pattern }) => matches(name, [pattern]));
    plan.set(name, { ...(own?.choice ?? { format, groupSize }), overridden: own !== undefined });
  }
  return plan;
}

/**
 * The head and the embedding, if they are quantized, by module name. A tied model has one tensor for both.
 *
 * @throws {OptionError} when a format or group size is unknown, or a tied tensor is to have two formats.
 */
export function planOfEnds(layout: Layout, options: PlanOptions): Map<string, FormatChoice> {
  const { groupSize, head, embedding } = options;
  const embeddingName = layout.embedding.name.replace(/\.weight$/, "");
  const headName = layout.head?.name ?? embeddingName;
  if (headName === embeddingName && head && embedding && head !== embedding) {
    throw new OptionError(
      `Cannot quantize the head to ${head} and the embedding to ${embedding}: this model has one tensor for both`,
    );
  }
  const plan = new Map<string, FormatChoice>();
  if (embedding) plan.set(embeddingName, parseChoice(embedding, groupSize));
  if (head) plan.set(headName, parseChoice(head, groupSize));
  return plan;
}
