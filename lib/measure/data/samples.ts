/**
 * Samples of data sets, to calibrate with.
 *
 * @module
 */
import { OptionError } from "../../errors.ts";
import { Random } from "../../random.ts";
import { corpora } from "./corpora.ts";
import { readRows, ROW_FILES } from "./rows.ts";
import { type DataOptions, type DataSource, openRows } from "./source.ts";

/** Which samples are drawn. */
export interface DrawOptions extends DataOptions {
  /** Their number; 128 when absent. */
  samples?: number;
  /** The least number of characters of each; 16,384 when absent. */
  characters?: number;
  /** The column of the texts; the data set's own when absent, or "text". */
  column?: string;
  /** Of the draws; 0 when absent. */
  seed?: number;
}

/** C4 is huge: these documents of its first file are drawn from. */
const C4_DOCUMENTS = 20_000;

/** The training split of a data set, so that nothing is calibrated on that is measured on. */
function trainingSource(name: string): DataSource & { column?: string; documents?: number } {
  const corpus = corpora.get(name);
  if (name.startsWith("c4")) {
    const file = "en/c4-train.00000-of-01024.json.gz";
    return { repo: "allenai/c4", split: "train", file, local: ["c4-train"], documents: C4_DOCUMENTS };
  }
  if (name === "codeparrot") {
    const repo = "huggingface-course/codeparrot-ds-train";
    return { repo, split: "train", column: "content", local: ["codeparrot-ds-train"] };
  }
  const [, repo, config] = /^([\w.-]+\/[\w.-]+)(?::([\w.-]+))?$/.exec(name) ?? [];
  if (corpus) {
    const local = corpus.local.map((file) => file.replace(/-(test|validation)$/, "-train"));
    return { repo: corpus.repo, config: corpus.config, column: corpus.column, split: "train", local };
  }
  if (repo) return { repo, config, split: "train", local: [repo.replace("/", "-")] };
  throw new OptionError(
    `Cannot draw samples of ${name}: expected a file, one of ${[...corpora.keys()].join(", ")}, or ` +
      "org/name or org/name:config on the Hub",
  );
}

/**
 * Draws samples of a data set's training split: each begins with a document, which others follow where it is short.
 *
 * @param name a file with rows, one of {@linkcode corpora}, or org/name[:config] on the Hub.
 * @throws {OptionError} when there is no such data set, or its rows have no texts.
 * @throws {CheckpointError} when a file cannot be read.
 * @throws {HubError} when the Hub's files cannot be had.
 *
 * @example
 * ```ts
 * import { drawSamples } from "any4/measure";
 * import { assertEquals } from "@std/assert";
 * const file = `${await Deno.makeTempDir()}/notes.jsonl`;
 * await Deno.writeTextFile(file, '{"text": "One."}\n{"text": "Two."}');
 * const samples = await drawSamples(file, { samples: 3, characters: 8 });
 * assertEquals(samples.map((text) => text.length >= 8), [true, true, true]);
 * ```
 */
export async function drawSamples(name: string, options: DrawOptions = {}): Promise<string[]> {
  const { samples = 128, characters = 16_384, seed = 0, column: asked, ...data } = options;
  const source = ROW_FILES.test(name) ? undefined : trainingSource(name);
  const rows = source
    ? (await openRows(source, { ...data, limit: source.documents })).rows
    : await readRows(name);
  const column = asked ?? source?.column ?? "text";
  const texts = rows.map((row) => row[column]).filter((text) =>
    typeof text === "string" && text.trim() !== ""
  );
  if (texts.length === 0) {
    throw new OptionError(
      `Cannot draw samples of ${name}: no row has a text in its column ${column}; the columns are ` +
        Object.keys(rows[0] ?? {}).join(", "),
    );
  }
  const random = new Random(seed);
  return Array.from({ length: samples }, () => {
    const first = random.integer(texts.length);
    let sample = "";
    for (let i = first; sample.length < characters; i = (i + 1) % texts.length) {
      sample += (sample === "" ? "" : "\n\n") + texts[i];
    }
    return sample.slice(0, 4 * characters);
  });
}
