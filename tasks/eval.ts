/**
 * `deno task eval`: the perplexity of a model.
 *
 * @module
 */
import { loadModel, type Perplexity, perplexity } from "any4";
import { compareModels, type Comparison } from "any4/measure";
import { count, decimal, percent, progress, table } from "any4/show";
import {
  command,
  type Computing,
  jsonOption,
  main,
  modelOption,
  print,
  printJson,
  readDocuments,
  whole,
} from "./cli.ts";

const options = command("eval", "Measure a model's perplexity, alone or beside the model it came from.")
  .addOption(modelOption())
  .option("--original <name>", "also measure the divergence from this model and the agreement with it")
  .option("-t, --text <text or file>", "measure on this instead of the library's own evaluation text")
  .option("--tokens <n>", "measure on about this many tokens; all when absent", whole(2))
  .option("--context <n>", "tokens of context", whole(2))
  .computing()
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & {
      model: string;
      original?: string;
      text?: string;
      tokens?: number;
      context?: number;
      json?: true;
    }
  >();

await main(async () => {
  using model = await loadModel(options.model, { ...options, quiet: options.json });
  const settings = {
    documents: readDocuments(options.text),
    maxTokens: options.tokens,
    context: options.context,
  };
  using bar = progress(`measuring ${model.name}`, 1, { quiet: options.json });
  const watched = { ...settings, onProgress: (done: number, total: number) => bar.update(done / total) };
  const result = await measure();
  bar[Symbol.dispose]();
  if (options.json) {
    printJson({ model: model.name, bitsPerWeight: model.bitsPerWeight, ...result }, 2);
    return;
  }
  const rows = Object.entries(result.kinds).map(([kind, value]) => [kind, decimal(value)]);
  if (rows.length > 1 || rows[0]?.[0] !== "text") {
    print(table([{ title: "kind" }, { title: "perplexity", align: "right" }], rows) + "\n");
  }
  print(`perplexity ${decimal(result.perplexity)} on ${count(result.tokens)} tokens`);
  if ("original" in result) {
    print(
      `original ${decimal(result.original.perplexity)}, KL ${decimal(result.kl)} nats a token, ` +
        `same likeliest token ${percent(result.top1, { places: 1 })}`,
    );
  }

  async function measure(): Promise<Perplexity | (Comparison & { original: Perplexity })> {
    if (!options.original) return await perplexity(model, watched);
    using original = await loadModel(options.original, { ...options, quiet: options.json });
    return await compareModels(model, original, watched);
  }
});
