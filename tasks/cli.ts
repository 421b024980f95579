/**
 * Shared parts of the tasks: arguments, errors, reading texts, tables of Linears.
 *
 * @module
 */
import { Command, InvalidArgumentError, Option, type ParseOptions } from "commander";
import { Any4Error, loadModel, type LoadOptions, type Model, OptionError } from "any4";
import { type ActivationType, activationTypes, type BackendName, backendNames } from "any4/compute";
import { formats } from "any4/formats";
import { type CodebookSharing, type MethodOptions, methods, parseMethod, weightings } from "any4/learn";
import { corpora, type Document, drawSamples, type Recipe, recipes } from "any4/measure";
import { parseTuning, TOKEN_WEIGHTS, type Tuning, writtenSamples } from "any4/quantize";
import { progress, table, visible } from "any4/show";
import { isFolder, isSameFile } from "../lib/files/disk.ts";
import { readJson } from "../lib/files/json_file.ts";
import { fromReference } from "./reference_names.ts";

export { Command, Option, OptionError };

/** The options of {@linkcode Task.computing}. */
export interface Computing {
  readonly backend: BackendName;
  readonly threads?: number;
  readonly tune?: boolean;
  readonly activations?: ActivationType;
}

/** The options of {@linkcode Task.drawing}. */
export interface Drawing {
  readonly text?: string[];
  readonly data?: string;
  readonly samples: number;
  readonly length?: number;
  readonly seed: number;
  readonly dataDir?: string;
}

/** The options of {@linkcode Task.learning}. */
export interface Learning {
  readonly groupSize: number | "row";
  readonly weighting: string;
  readonly method: MethodOptions;
  readonly codebook: CodebookSharing;
  readonly codebookType?: "f16" | "f32" | "int8";
  readonly scaleType?: "f16" | "f32" | "int8";
  readonly outliers?: number;
  readonly tuneBlocks?: true | Tuning;
  readonly tuneModel?: true | Tuning;
}

/** Those options among others, without defaults that change nothing: results are kept by what was asked. */
export function learningOf(options: Learning): Pick<Learning, "groupSize" | "weighting"> & Partial<Learning> {
  const { groupSize, weighting, method, codebook, codebookType, scaleType, outliers, tuneBlocks, tuneModel } =
    options;
  return {
    groupSize,
    weighting,
    ...(method.name !== "kmeans" && { method }),
    ...(codebook !== "row" && { codebook }),
    codebookType,
    scaleType,
    outliers,
    tuneBlocks,
    tuneModel,
  };
}

/** The options of {@linkcode Task.sampling}. */
export interface Sampling {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed: number;
  readonly stop?: string[];
}

/** The options of {@linkcode Task.measuring}. */
export interface Measuring {
  readonly data?: string[];
  readonly recipe: Recipe;
  readonly context?: number;
  readonly windows?: number;
  readonly tasks?: string[];
  readonly limit?: number;
  readonly numFewshot?: number;
  readonly maxTokens?: number;
  readonly dataDir?: string;
}

/** A task's command. */
export class Task extends Command {
  /** Takes the reference's names too. */
  override parse(args: readonly string[], options: ParseOptions): this {
    try {
      return super.parse(fromReference(args, (text) => console.error(visible(text))), options);
    } catch (error) {
      if (error instanceof OptionError) this.error(error.message);
      throw error;
    }
  }

  /** Adds the options of backends; without `backend`, all but the choice of one. */
  computing({ backend = true } = {}): this {
    if (backend) {
      this.addOption(
        new Option("--backend <name>", "backend").choices(backendNames).default(
          "auto" satisfies BackendName,
        ),
      );
    }
    return this
      .option("--jobs, --threads <n>", "threads of the wasm backend (default: one for each core)", whole(1))
      .option("--tune", "time the webgpu backend's kernels and use the fastest, even on a software GPU")
      .option("--no-tune", "use the webgpu backend's remembered or default kernels, without timing")
      .addOption(
        new Option(
          "--activations <type>",
          "type to which activations are rounded, token by token (default: one without a measurable error)",
        ).choices(activationTypes),
      );
  }

  /** Adds the options of the samples to calibrate with: some texts, or a data set that they are drawn from. */
  drawing(): this {
    return this
      .option(
        "-t, --text <text or file>",
        "calibrate with this instead of the library's own text; may be given several times",
        several,
      )
      .addOption(
        new Option(
          "--data <name>",
          "draw samples of a data set's training split: wikitext-2, c4, ptb, codeparrot, org/name[:config] on the Hub, " +
            "or a .jsonl, .parquet, .json, .csv or .txt file",
        ).conflicts("text"),
      )
      .option("--samples <n>", "the number of samples of --data", whole(1), 128)
      .option("--length <n>", "tokens of each sample (default: about 512 with --data, else all)", whole(1))
      .option("--seed <n>", "seed of drawing samples", whole(0), 0)
      .option("--data-dir <folder>", "read --data from local files instead of the Hub");
  }

  /** Adds the options of how tables and codes are chosen and stored. */
  learning(): this {
    const types = ["f16", "f32", "int8"];
    return this
      .addOption(groupSizeOption())
      .addOption(weightingOption())
      .addOption(
        new Option(
          "--method <name>",
          `method that chooses tables and codes: ${
            [...methods.keys()].join(", ")
          }; options follow, as in lnq:rounds=3`,
        ).argParser(refusing(parseMethod)).default({ name: "kmeans" }, "kmeans"),
      )
      .addOption(
        new Option(
          "--tune-blocks [options]",
          "tune each layer's tables, scales, zeros and norms towards the original's output; options as in epochs=4:codes=true",
        ).argParser(refusing(parseTuning)),
      )
      .addOption(
        new Option(
          "--tune-model [options]",
          "tune the same of all layers together towards the original's predictions; options as in epochs=8:codes=true",
        ).argParser(refusing(parseTuning)),
      )
      .option(
        "--codebook <sharing>",
        'learn a codebook per "row", one per "matrix", one for "8-rows", or "16-tables" of which rows pick one',
        "row",
      )
      .addOption(
        new Option("--codebook-type <type>", "the stored type of learned codebooks").choices(types),
      )
      .addOption(new Option("--scale-type <type>", "the stored type of scales and zeros").choices(types))
      .addOption(
        new Option("--outliers <part>", "the part of all weights to keep in 16 bits, such as 0.005")
          .argParser(positive),
      );
  }

  /** Adds the options of measurements on published texts and tasks. */
  measuring(): this {
    return this
      .option("--data <names>", `published texts: ${[...corpora.keys()].join(", ")}`, list)
      .addOption(new Option("--recipe <name>", "whose perplexity --data is").choices(recipes).default("gptq"))
      .option("--context <n>", "tokens of context", whole(2))
      .option("--windows <n>", "windows of each text at most", whole(1))
      .option("--tasks <names...>", "tasks of lm-evaluation-harness: piqa, arc_easy, mmlu, gsm8k …", list)
      .option("--limit <n>", "documents of each task at most", whole(1))
      .option("--num-fewshot <n>", "examples in each prompt (default: the task's own number)", whole(0))
      .option(
        "--max-tokens <n>",
        "tokens of a generated answer at most (default: the task's own number)",
        whole(1),
      )
      .option("--data-dir <folder>", "read texts and tasks from local files instead of the Hub");
  }

  /** Adds the options of sampling. @param maxTokens the default number of tokens. */
  sampling(maxTokens: number): this {
    return this
      .option("-n, --max-tokens <n>", "the largest number of tokens to generate", whole(0), maxTokens)
      .option("--temperature <t>", "temperature of sampling; 0 takes the likeliest token", finite, 0)
      .option("--top-k <n>", "sample from the n likeliest tokens only", whole(1))
      .option("--top-p <p>", "sample from the likeliest tokens with this total probability only", finite)
      .option("--seed <n>", "seed of sampling", whole(0), 0)
      .option("--stop <texts...>", "stop before any of these texts");
  }
}

/**
 * Goes to the folder that `deno task` was called from, which it left for the project's: relative paths start there, as they do
 * for any other program.
 */
function returnToCaller(): void {
  const variable = "INIT_CWD";
  if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") return;
  const called = Deno.env.get(variable);
  const project = decodeURIComponent(new URL("..", import.meta.url).pathname);
  if (called && isFolder(called) && isSameFile(Deno.cwd(), project)) Deno.chdir(called);
}

/** A command whose help goes to stdout and whose usage errors end with status 2. */
export function command(name: string, description: string): Task {
  returnToCaller();
  return new Task(`deno task ${name}`)
    .description(description)
    .configureHelp({ helpWidth: 100 })
    // Asked by itself, it reads variables that tasks may not read.
    .configureOutput({ getOutHasColors: () => false, getErrHasColors: () => false })
    .showHelpAfterError("(--help lists the options)")
    .exitOverride((error) => Deno.exit(error.exitCode === 0 ? 0 : 2));
}

/** Parses a whole number of at least `least`. */
export function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`expected a whole number of at least ${least}`);
    }
    return value;
  };
}

/** Parses "quantize/3", a unit of work of one of some stages. */
export function unitName<Stage extends string>(
  stages: readonly Stage[],
): (text: string) => { stage: Stage; index: number } {
  return (text) => {
    const [, stage, index] = /^([a-z]+)\/(\d+)$/.exec(text) ?? [];
    if (!stages.some((one) => one === stage)) {
      throw new InvalidArgumentError(`expected ${stages.join(" or ")}, a slash and a number`);
    }
    return { stage: stage as Stage, index: Number(index) };
  };
}

/** Parses a number that is not infinite. */
export function finite(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("expected a number");
  return value;
}

/** Parses a number above 0. */
export function positive(text: string): number {
  const value = finite(text);
  if (value <= 0) throw new InvalidArgumentError("expected a number above 0");
  return value;
}

/** Parses comma-separated words, of an option that may be given several times. */
export function list(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(",").map((name) => name.trim()).filter((name) => name !== "")];
}

/** Parses "pattern=format", or reads a JSON file of them, of an option that may be given several times. */
export function override(text: string, before: Record<string, string> = {}): Record<string, string> {
  if (text.endsWith(".json")) return { ...before, ...overridesOf(text) };
  const [, pattern, format] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (!pattern || !format) {
    throw new InvalidArgumentError("expected pattern=format, such as model.layers.0.*=int8");
  }
  return { ...before, [pattern]: format };
}

/** The formats by pattern in a JSON file. */
function overridesOf(path: string): Record<string, string> {
  const found = Object.entries(refusing(readJson)(path)).map(([pattern, format]) => {
    if (typeof format === "string") return [pattern, format] as const;
    throw new InvalidArgumentError(`${path} has no format for "${pattern}"`);
  });
  return Object.fromEntries(found);
}

/** Parses a group size: a whole number, or "row". */
export function groupSize(text: string): number | "row" {
  return text === "row" ? "row" : whole(1)(text);
}

/** --model, as every task has it. */
export const modelOption = () =>
  new Option(
    "-m, --model <name>",
    "the embedded tinyworld, a folder in Hugging Face layout, a .gguf file, or org/name[@revision] on the Hub",
  ).default("tinyworld");

/** --quiet. */
export const quietOption = () => new Option("-q, --quiet", "print nothing but errors");

/** --format with the formats as choices; null: none is the default. */
export const formatOption = (standard: string | null = "any4") =>
  new Option("-f, --format <name>", "number format").choices([...formats.keys()]).default(
    standard ?? undefined,
  );

/** --group-size. */
export const groupSizeOption = () =>
  new Option("-g, --group-size <columns>", 'columns that share a scale, or "row"').argParser(groupSize)
    .default(128);

/** --weighting. */
export const weightingOption = () =>
  new Option("--weighting <name>", "weights of the error that learned codebooks minimise").choices([
    ...weightings.keys(),
  ]).default(
    "mean-square",
  );

/** A parser whose refusals are the command line's. */
function refusing<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof Any4Error) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** --token-weights. */
export const tokenWeightsOption = () =>
  new Option("--token-weights <rule>", "how much each token of the sample counts").choices(TOKEN_WEIGHTS)
    .default("none");

/** Collects an option that may be given several times. */
export function several(given: string, before: string[] = []): string[] {
  return [...before, given];
}

/** The samples of --text: one, several, or none. @throws {OptionError} when a file cannot be read. */
export function readTexts(given: string[] | undefined): string | string[] | undefined {
  const texts = given?.map(readText);
  return texts?.length === 1 ? texts[0] : texts;
}

/**
 * The samples of --data, or of --text; none for the library's own.
 *
 * @param given.perToken characters of a token: --length is in tokens.
 */
export async function readSamples(
  { text, data, samples, length = 512, seed, dataDir, perToken = 4 }: Drawing & { perToken?: number },
): Promise<string | string[] | undefined> {
  if (data === undefined) return readTexts(text);
  return await drawSamples(data, { samples, seed, dataDir, characters: perToken * length });
}

/** --written, the tokens of which the model writes itself. */
export const writtenOption = () =>
  new Option(
    "--written <tokens>",
    "calibrate with about this many tokens of text that the model writes itself",
  )
    .argParser(whole(1)).conflicts(["text", "data", "calibration"]);

/** The samples that a model writes itself; it is in memory meanwhile. */
export async function writtenTexts(name: string, tokens: number, loading: LoadOptions): Promise<string[]> {
  using model = await loadModel(name, loading);
  return await writeTexts(model, tokens, loading.quiet);
}

/** The samples that a loaded model writes itself. */
export async function writeTexts(model: Model, tokens: number, quiet = false): Promise<string[]> {
  using bar = progress(`${model.name} is writing`, tokens, { quiet });
  return await writtenSamples(model, { tokens, onProgress: (done) => bar.update(done, "") });
}

/** --json. */
export const jsonOption = () => new Option("--json", "print one JSON document instead");

/**
 * Reads a text from the file of that name; if there is none, the argument is the text.
 *
 * @throws {OptionError} when a file is there but cannot be read.
 */
export function readText(given: string): string {
  try {
    return Deno.readTextFileSync(given);
  } catch (cause) {
    // A text may well be too long for a file's name, or hold what a name cannot.
    const name = given.length < 256 && !/[\n\r]/.test(given) &&
      (/^(\.{0,2}\/|~\/|[A-Za-z]:\\)|\.(txt|md|jsonl?|csv|tsv|html?|xml|rst|tex)$/i.test(given) ||
        (!/\s/.test(given) && /[./]/.test(given)));
    if (name) throw new OptionError(`Cannot read the text ${given}: ${(cause as Error).message}`, { cause });
    return given;
  }
}

/** The document of --text; undefined for the library's own texts. */
export function readDocuments(given: string | undefined): Document[] | undefined {
  return given === undefined ? undefined : [{ kind: "text", text: readText(given) }];
}

/** Writes a text to stdout, all of it. @throws {Any4Error} when the output takes no more, as a full disk does. */
export function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
  } catch (cause) {
    if (cause instanceof Deno.errors.BrokenPipe) throw cause;
    throw new Any4Error(`Cannot write the output: ${(cause as Error).message}`, { cause });
  }
}

/** Prints a line, or lines such as a table's. */
export const print = (text: string): void => write(text + "\n");

/** Prints a value as JSON, in which no character is one that a terminal obeys. */
export function printJson(value: unknown, indent?: number): void {
  const hex = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  print(
    JSON.stringify(value, null, indent).replace(
      /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]/g,
      hex,
    ),
  );
}

/**
 * A file to be written in the end, which is tried in the beginning.
 *
 * @returns what writes it, whole or not at all.
 * @throws {OptionError} when it cannot be written.
 */
export function outputFile(path: string): (text: string) => void {
  const fail = (cause: unknown) =>
    new OptionError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
  let device = false;
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    if (isDirectory) throw fail(new Error("it is a folder"));
    device = !isFile;
  } catch (cause) {
    if (cause instanceof OptionError) throw cause;
    if (!(cause instanceof Deno.errors.NotFound)) throw fail(cause);
  }
  const part = `${path}.${Deno.pid}.part`;
  try {
    if (!device) {
      Deno.writeTextFileSync(part, "");
      Deno.removeSync(part);
    }
  } catch (cause) {
    throw fail(cause);
  }
  return (text) => {
    try {
      if (device) return Deno.writeTextFileSync(path, text);
      Deno.writeTextFileSync(part, text);
      Deno.renameSync(part, path);
    } catch (cause) {
      try {
        Deno.removeSync(part);
      } catch {
        // It may not be there.
      }
      throw new Any4Error(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
    }
  };
}

/**
 * Runs a task. It ends with status 0, also where nobody reads its output any more; with 2 when what it was asked for makes
 * no sense; with 1 when it fails. An error of the library or the system is a sentence, a bug has a stack.
 */
export async function main(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    if (!(error instanceof Error)) throw error;
    const expected = error instanceof Any4Error || error.name in Deno.errors;
    console.error(visible(expected ? error.message : `This is a bug: ${error.stack ?? error.message}`));
    Deno.exit(error instanceof OptionError ? 2 : 1);
  }
}

/** Renders a table with one row per Linear; its name is the first column. */
export function linearsTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return table(
    [{ title: "Linear" }, ...titles.map((title) => ({ title, align: "right" as const }))],
    rows.map(([linear = "", ...values]) => [linear.replace(/^model\.layers\./, ""), ...values]),
  );
}
