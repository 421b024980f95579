/**
 * `deno task tables`: the tables of any4's paper, measured on one's own models.
 *
 * @module
 */
import { loadModel, OptionError } from "any4";
import { evaluate, paperMarkdown, paperTables, type Result, ResultsFile } from "any4/measure";
import { paperPage, progress } from "any4/show";
import {
  command,
  type Computing,
  jsonOption,
  type Learning,
  learningOf,
  list,
  main,
  type Measuring,
  print,
  printJson,
  quietOption,
} from "./cli.ts";

const options = command(
  "tables",
  "Measure models in several formats on texts and tasks, beside the numbers that any4's paper has published.",
)
  .option("-m, --models <names>", "models: embedded, folders, .gguf files or names on the Hub", list, [
    "tinyworld",
  ])
  .option("-f, --formats <names>", 'formats; "original" is the model as it is', list)
  .learning()
  .measuring()
  .option(
    "-o, --out <path>",
    "write PATH.jsonl, which a second run resumes, PATH.md and PATH.html",
    "out/tables",
  )
  .computing()
  .addOption(quietOption())
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & Learning & Measuring & {
      models: string[];
      formats?: string[];
      out: string;
      quiet?: true;
      json?: true;
    }
  >();

await main(async () => {
  const { out } = options;
  if (!options.data && !options.tasks) {
    throw new OptionError("Cannot measure: expected --data or --tasks, or both");
  }
  const quiet = { quiet: options.quiet || options.json };
  const names = options.formats ?? ["original", "int4", "fp4", "nf4", "any4"];
  const formats = names.map((name) => name === "original" ? null : name);
  const results = new ResultsFile<Result>(`${out}.jsonl`);
  const found: Result[] = [];
  for (const name of options.models) {
    using model = await loadModel(name, { ...options, ...quiet });
    using bar = progress(`evaluating ${model.name}`, 1, quiet);
    const wanted = {
      ...options,
      ...{ formats, results, fewshot: options.numFewshot, quantize: learningOf(options) },
      onProgress: (share: number, what: string) => bar.update(share, what),
    };
    for await (const result of evaluate(model, wanted)) found.push(result);
  }
  const tables = paperTables(found);
  const markdown = paperMarkdown(tables);
  Deno.writeTextFileSync(`${out}.md`, markdown);
  Deno.writeTextFileSync(`${out}.html`, paperPage(tables));
  if (options.json) return printJson({ out, tables }, 2);
  if (!options.quiet) {
    print(`${markdown}\nWritten to ${out}.md and ${out}.html; the results are in ${out}.jsonl`);
  }
});
