/**
 * `deno task grid`: formats measured on texts, each pair a unit of work that another process or machine can do.
 *
 * @module
 */
import { calibrate, loadModel, quantizeModel } from "any4";
import { compareModels, type Comparison } from "any4/measure";
import { decimal, percent, progress, table } from "any4/show";
import { isFile, writeText } from "../lib/files/disk.ts";
import { sha256 } from "../lib/files/sha256.ts";
import { modelHash } from "../lib/model/model_hash.ts";
import { ModelOnDisk } from "../lib/model/model_on_disk.ts";
import {
  command,
  type Computing,
  groupSizeOption,
  jsonOption,
  list,
  main,
  modelOption,
  OptionError,
  print,
  printJson,
  quietOption,
  readDocuments,
  unitName,
  whole,
} from "./cli.ts";

const options = command("grid", "Measure formats on texts; each pair is a unit of work for a cluster.")
  .addOption(modelOption())
  .requiredOption("-f, --formats <names>", "formats that the model is quantized to, comma-separated", list)
  .option(
    "-t, --texts <files>",
    "texts, comma-separated; the library's own evaluation text when absent",
    list,
  )
  .requiredOption("-o, --out <file>", "JSON file for the results")
  .addOption(groupSizeOption())
  .option("--tokens <n>", "measure each text on about this many tokens; all when absent", whole(2))
  .option("--context <n>", "tokens of context", whole(2))
  .option("--work <folder>", "folder that units share (default: --out with .units behind it)")
  .option("--units", "list the units of work and the file that each leaves, as JSON")
  .option("--unit <eval/n>", "measure one pair, unless that is done", unitName(["eval"]))
  .option("--assemble", "merge the results of pairs that are all done")
  .computing()
  .addOption(quietOption())
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & {
      model: string;
      formats: string[];
      texts?: string[];
      out: string;
      groupSize: number | "row";
      tokens?: number;
      context?: number;
      work?: string;
      units?: true;
      unit?: { stage: "eval"; index: number };
      assemble?: true;
      quiet?: true;
      json?: true;
    }
  >();

/** A format on a text. */
interface Pair {
  readonly format: string;
  /** A file; undefined for the library's own text. */
  readonly text?: string;
  /** Where the result is kept: its name has a hash of all that it depends on. */
  readonly path: string;
}

/** A result. */
interface Result extends Omit<Comparison, "kinds"> {
  format: string;
  text: string;
  bitsPerWeight: number;
}

const { model: name, tokens: maxTokens, context, groupSize, backend, activations } = options;
const silent = { quiet: options.quiet || options.json };
const work = options.work ?? `${options.out}.units`;
const assembled = `${work}/assembled`;

/** All pairs, a format's texts one after another. */
async function pairsOf(): Promise<Pair[]> {
  using model = await ModelOnDisk.open(name, { ...options, ...silent });
  const hash = modelHash(model);
  return options.formats.flatMap((format) =>
    (options.texts ?? [undefined]).map((text) => {
      const documents = readDocuments(text);
      const asked = {
        format,
        groupSize,
        documents,
        maxTokens,
        context,
        activations,
        backend: model.backend.name,
      };
      return {
        format,
        text,
        path: `${work}/eval-${sha256([hash, JSON.stringify(asked)]).slice(0, 16)}.json`,
      };
    })
  );
}

/** Measures a pair and keeps the result. */
async function measure({ format, text, path }: Pair): Promise<void> {
  using model = await loadModel(name, { backend, activations, threads: options.threads, ...silent });
  using small = await quantizeModel(model, { format, groupSize, calibration: await calibrate(model) });
  using bar = progress(`${format} on ${text ?? "the library's text"}`, 1, silent);
  const { kinds: _, original: __, ...found } = await compareModels(small, model, {
    documents: readDocuments(text),
    maxTokens,
    context,
    onProgress: (done, total) => bar.update(done / total),
  });
  const { bitsPerWeight } = small;
  const result: Result = { format, text: text ?? "the library's text", bitsPerWeight, ...found };
  writeText(path, JSON.stringify(result));
}

await main(async () => {
  const pairs = await pairsOf();
  Deno.mkdirSync(work, { recursive: true });
  if (options.units) {
    const stages = [{ stage: "eval", units: pairs.map(({ path }) => [path]) }];
    return printJson({ work, assembled, stages });
  }
  if (options.unit) {
    const { index } = options.unit;
    const pair = pairs[index];
    if (!pair) throw new OptionError(`Cannot run unit eval/${index}: the stage has ${pairs.length} units`);
    const there = isFile(pair.path);
    if (!there) await measure(pair);
    if (!options.quiet) print(`eval/${index}: ${there ? "was done before" : "done"}`);
    return;
  }
  const missing = pairs.filter(({ path }) => !isFile(path));
  if (options.assemble && missing.length > 0) {
    throw new OptionError(
      `Cannot merge the results: ${missing.length} of ${pairs.length} pairs are not measured, such as ` +
        `${missing[0]!.format} on ${missing[0]!.text ?? "the library's text"}`,
    );
  }
  for (const pair of missing) await measure(pair);
  const results: Result[] = pairs.map(({ path }) => JSON.parse(Deno.readTextFileSync(path)));
  writeText(options.out, JSON.stringify(results, null, 2) + "\n");
  if (options.assemble) writeText(assembled, "");
  if (options.json) return printJson(results, 2);
  if (options.quiet) return;
  const right = { align: "right" as const };
  const titles = ["bits per weight", "perplexity", "KL", "same likeliest token"];
  print(table(
    [{ title: "format" }, { title: "text" }, ...titles.map((title) => ({ title, ...right }))],
    results.map(({ format, text, bitsPerWeight, perplexity, kl, top1 }) => [
      ...[format, text, decimal(bitsPerWeight), decimal(perplexity), decimal(kl)],
      percent(top1, { places: 1 }),
    ]),
  ));
});
