/**
 * `deno task eval`: perplexity and tasks of a model, as it is and quantized.
 *
 * @module
 */
import { loadModel, type Model, OptionError, type Perplexity, perplexity, quantizeModel } from "any4";
import {
  compareModels,
  type Comparison,
  evaluate,
  isTextResult,
  lossDifference,
  type Result,
  ResultsFile,
  scoreDifference,
} from "any4/measure";
import { count, decimal, percent, progress, table } from "any4/show";
import {
  command,
  type Computing,
  jsonOption,
  type Learning,
  learningOf,
  list,
  main,
  type Measuring,
  modelOption,
  Option,
  print,
  printJson,
  readDocuments,
  whole,
} from "./cli.ts";

const options = command("eval", "Measure perplexity and tasks of a model, as it is or quantized first.")
  .addOption(modelOption())
  .option("-f, --format <names>", "quantize to these formats first, one after another", list)
  .learning()
  .option(
    "--original [name]",
    "also measure this model, or the one before quantization, and the differences from it",
  )
  .addOption(
    new Option("-t, --text <text or file>", "measure on this instead of the library's own evaluation text")
      .conflicts(["data", "tasks"]),
  )
  .option("--tokens <n>", "measure on about this many tokens of the text; all when absent", whole(2))
  .measuring()
  .option("--append <file>", "add results to this file, and take from it what has been measured before")
  .computing()
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & Learning & Measuring & {
      model: string;
      format?: string[];
      original?: string | true;
      text?: string;
      tokens?: number;
      append?: string;
      json?: true;
    }
  >();

const quiet = { quiet: options.json };
const learning = learningOf(options);

await main(async () => {
  using model = await loadModel(options.model, { ...options, ...quiet });
  if (options.data || options.tasks) await published(model);
  else await own(model);
});

/** Texts and tasks of others, format after format. */
async function published(model: Model): Promise<void> {
  const results = new ResultsFile<Result>(options.append);
  const wanted = { ...options, fewshot: options.numFewshot, quantize: learning, results };
  const other = typeof options.original === "string";
  const formats = [...options.original === true ? [null] : [], ...options.format ?? [null]];
  const found: Result[] = [];
  {
    using bar = progress(`evaluating ${model.name}`, 1, quiet);
    const onProgress = (share: number, name: string) => bar.update(share, name);
    for await (const result of evaluate(model, { ...wanted, formats: [...new Set(formats)], onProgress })) {
      found.push(result);
    }
    if (other) {
      using original = await loadModel(options.original as string, { ...options, ...quiet });
      for await (const result of evaluate(original, { ...wanted, formats: [null], onProgress })) {
        found.unshift(result);
      }
    }
  }
  const ofOriginal = other || options.original === true
    ? found.filter(({ model: name, format }) => format === null && (!other || name !== model.name))
    : [];
  const rest = found.filter((result) => !ofOriginal.includes(result));
  const groups = [...Map.groupBy(rest, ({ format }) => format).values()].map((results) =>
    document(results, ofOriginal)
  );
  if (options.json) {
    const [first, ...others] = groups;
    const before = ofOriginal.length > 0 ? { original: document(ofOriginal, []) } : {};
    printJson({ ...first, ...others.length > 0 ? { others } : {}, ...before }, 2);
    return;
  }
  const right = { align: "right" as const };
  print(table(
    [
      ...["model", "format", "bits", "data", "score"].map((title) => ({ title })),
      { title: "value", ...right },
      { title: "±", ...right },
      ...ofOriginal.length > 0 ? [{ title: "difference", ...right }, { title: "±", ...right }] : [],
    ],
    [...ofOriginal, ...rest].flatMap((result) => rows(result, ofOriginal)),
  ));
}

/** The result of the original on the same data. */
function counterpart(result: Result, originals: readonly Result[]): Result | undefined {
  return originals.find((one) =>
    isTextResult(one) ? isTextResult(result) && one.data === result.data : !isTextResult(result) &&
      one.task === result.task
  );
}

/** A format's results as one JSON document. */
function document(results: readonly Result[], originals: readonly Result[]) {
  const { model, format, groupSize, bitsPerWeight } = results[0]!;
  const perplexities: Record<string, unknown> = {};
  const tasks: Record<string, unknown> = {};
  for (const result of results) {
    const other = counterpart(result, originals);
    if (isTextResult(result)) {
      const {
        key: _,
        model: _m,
        modelHash: _h,
        format: _f,
        groupSize: _g,
        bitsPerWeight: _b,
        losses,
        ...rest
      } = result;
      perplexities[result.data] = {
        ...rest,
        losses: losses.map(({ nats, weight }) => nats / weight),
        ...other && isTextResult(other) ? { difference: lossDifference(result, other) } : {},
      };
      continue;
    }
    const scores = Object.entries(result.scores).flatMap(([name, { value, stderr }]) => {
      const [score, filter] = name.split(",");
      return [[name, value], [filter ? `${score}_stderr,${filter}` : `${score}_stderr`, stderr]];
    });
    const differences = other && !isTextResult(other)
      ? {
        difference: Object.fromEntries(
          Object.keys(result.items[0]!.scores).map((score) => [score, scoreDifference(result, other, score)]),
        ),
      }
      : {};
    const { fewshot, n, items } = result;
    tasks[result.task] = { ...Object.fromEntries(scores), n, fewshot, ...differences, items };
  }
  return { model, format, groupSize, bitsPerWeight, perplexity: perplexities, tasks };
}

function rows(result: Result, originals: readonly Result[]): string[][] {
  const { model, format, bitsPerWeight } = result;
  const start = [model, format ?? "as it is", decimal(bitsPerWeight)];
  const other = counterpart(result, originals);
  const compared = originals.length > 0;
  const difference = (of?: { value: number; stderr: number }, unit = "") =>
    !compared ? [] : of && other !== result ? [signed(of.value) + unit, decimal(of.stderr)] : ["", ""];
  if (isTextResult(result)) {
    const { loss: value, stderr } = other && isTextResult(other) && other !== result
      ? lossDifference(result, other)
      : { loss: NaN, stderr: NaN };
    const measured = [decimal(result.perplexity, 6), decimal(result.stderr)];
    const data = `${result.data}, ${result.windows} × ${result.context}`;
    return [[
      ...start,
      data,
      `perplexity (${result.recipe})`,
      ...measured,
      ...difference({ value, stderr }, " nats"),
    ]];
  }
  return Object.entries(result.scores).map(([name, { value, stderr }]) => {
    const paired = other && !isTextResult(other) && name in result.items[0]!.scores
      ? scoreDifference(result, other, name)
      : undefined;
    const data = `${result.task}, ${result.n} items, ${result.fewshot} shots`;
    return [...start, data, name, decimal(value), decimal(stderr), ...difference(paired)];
  });
}

function signed(value: number): string {
  return (value > 0 ? "+" : "") + decimal(value);
}

/** The library's own evaluation text, or one of the user's. */
async function own(base: Model): Promise<void> {
  using open = new DisposableStack();
  const [format, ...more] = options.format ?? [];
  if (more.length > 0) throw new OptionError("Cannot measure several formats without --data or --tasks");
  if (options.original === true && !format) throw new OptionError("Cannot compare without --format");
  const model = format ? open.use(await quantizeModel(base, { ...learning, format })) : base;
  const settings = {
    documents: readDocuments(options.text),
    maxTokens: options.tokens,
    context: options.context,
  };
  using bar = progress(`measuring ${model.name}`, 1, quiet);
  const watched = { ...settings, onProgress: (done: number, total: number) => bar.update(done / total) };
  const result = await measure();
  bar[Symbol.dispose]();
  if (options.json) {
    printJson({ model: model.name, format, bitsPerWeight: model.bitsPerWeight, ...result }, 2);
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
    if (options.original === true) return await compareModels(model, base, watched);
    using original = await loadModel(options.original, { ...options, ...quiet });
    return await compareModels(model, original, watched);
  }
}
