/**
 * `deno task tables`: the tables of any4's paper, measured on one's own models.
 *
 * @module
 */
import { loadModel, OptionError } from "any4";
import {
  evaluate,
  paperMarkdown,
  paperTables,
  type Recipe,
  recipes,
  type Result,
  ResultsFile,
} from "any4/measure";
import { paperPage, progress } from "any4/show";
import {
  command,
  type Computing,
  groupSizeOption,
  jsonOption,
  list,
  main,
  Option,
  print,
  printJson,
  quietOption,
  weightingOption,
  whole,
} from "./cli.ts";

const options = command(
  "tables",
  "Measure models in several formats on texts and tasks, beside the numbers that any4's paper has published.",
)
  .option("-m, --models <names>", "models: embedded, folders, .gguf files or names on the Hub", list, [
    "tinyworld",
  ])
  .option("-f, --formats <names>", 'formats; "original" is the model as it is', list)
  .addOption(groupSizeOption())
  .addOption(weightingOption())
  .option("--data <names>", "published texts: wikitext-2, c4, c4-new, ptb, ptb-new, codeparrot", list)
  .addOption(new Option("--recipe <name>", "whose perplexity --data is").choices(recipes).default("gptq"))
  .option("--context <n>", "tokens of context", whole(2))
  .option("--windows <n>", "windows of each text at most", whole(1))
  .option("--tasks <names>", "tasks of lm-evaluation-harness: piqa, arc_easy, mmlu, gsm8k …", list)
  .option("--limit <n>", "documents of each task at most", whole(1))
  .option("--num-fewshot <n>", "examples in each prompt (default: the task's own number)", whole(0))
  .option(
    "--max-tokens <n>",
    "tokens of a generated answer at most (default: the task's own number)",
    whole(1),
  )
  .option("--data-dir <folder>", "read texts and tasks from local files instead of the Hub")
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
    Computing & {
      models: string[];
      formats?: string[];
      groupSize: number | "row";
      weighting: string;
      data?: string[];
      recipe: Recipe;
      context?: number;
      windows?: number;
      tasks?: string[];
      limit?: number;
      numFewshot?: number;
      maxTokens?: number;
      dataDir?: string;
      out: string;
      quiet?: true;
      json?: true;
    }
  >();

await main(async () => {
  const { groupSize, weighting, out } = options;
  if (!options.data && !options.tasks) {
    throw new OptionError("Cannot measure: expected --data or --tasks, or both");
  }
  const quiet = { quiet: options.quiet || options.json };
  const names = options.formats ?? ["original", "int4", "fp4", "nf4", "any4"];
  const formats = names.map((name) => name === "original" ? null : name);
  Deno.mkdirSync(out.includes("/") ? out.slice(0, out.lastIndexOf("/")) || "/" : ".", { recursive: true });
  const results = new ResultsFile<Result>(`${out}.jsonl`);
  const found: Result[] = [];
  for (const name of options.models) {
    using model = await loadModel(name, { ...options, ...quiet });
    using bar = progress(`evaluating ${model.name}`, 1, quiet);
    const wanted = {
      ...options,
      ...{ formats, results, fewshot: options.numFewshot, quantize: { groupSize, weighting } },
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
