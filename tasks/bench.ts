/**
 * `deno task bench`: the speed of Linears in every format, and of a whole model.
 *
 * @module
 */
import { Argument } from "commander";
import { isPacked, loadModel, type Model, OptionError, quantizeModel } from "any4";
import { backendNames, createBackend } from "any4/compute";
import { formats as knownFormats } from "any4/formats";
import { DENSE_FORMATS, linearSpeed, modelSpeed, SPEED_FORMATS } from "any4/measure";
import {
  type ModelSpeedRow,
  type Progress,
  progress,
  speedHtml,
  type SpeedPlace,
  type SpeedReport,
  speedText,
  visible,
} from "any4/show";
import {
  command,
  type Computing,
  groupSizeOption,
  jsonOption,
  list,
  main,
  modelOption,
  outputFile,
  print,
  printJson,
  whole,
} from "./cli.ts";

const program = command("bench", "Measure the speed of Linears in every number format, and of a whole model.")
  .addArgument(
    new Argument("[what]", "what to measure").choices(["all", "linears", "model"]).default("all"),
  )
  .option(
    "-s, --sizes <list>",
    "sizes of the Linears: 4096, or rows and columns as in 11008x4096",
    "1024,2048,4096",
  )
  .option("-t, --tokens <list>", "tokens that pass through a Linear at once", "1")
  .option("-f, --formats <list>", "number formats, including f32, f16 and bf16", SPEED_FORMATS.join(","))
  .addOption(groupSizeOption())
  .option("-b, --backends <list>", `backends: ${backendNames.join(", ")}`, "auto")
  .computing({ backend: false })
  .option(
    "--seconds <n>",
    "seconds for each size and number of tokens; there are at least three rounds",
    whole(0),
    2,
  )
  .addOption(modelOption())
  .option("--prompt-tokens <n>", "tokens of the model's prompt", whole(1), 128)
  .option("--new-tokens <n>", "tokens to generate", whole(2), 64)
  .option("--rounds <n>", "rounds of the model, of which the median counts", whole(1), 5)
  .option("--html <file>", "also write a page with plots")
  .addOption(jsonOption())
  .addHelpText(
    "after",
    `
Examples:
  deno task bench                                       linears of three sizes, then tinyworld
  deno task bench linears --sizes 4096,8192 --tokens 1,8,128
  deno task bench --backends webgpu,wasm --html out/speed.html
  deno task bench model --model out/any4 --new-tokens 256`,
  )
  .parse(Deno.args, { from: "user" });
const [what] = program.processedArgs as ["all" | "linears" | "model"];
const options = program.opts<
  Omit<Computing, "backend"> & {
    sizes: string;
    tokens: string;
    formats: string;
    groupSize: number | "row";
    backends: string;
    seconds: number;
    model: string;
    promptTokens: number;
    newTokens: number;
    rounds: number;
    html?: string;
    json?: true;
  }
>();

/** Checks that a word is one of some names. @throws {OptionError} otherwise, with the names. */
function oneOf<Name extends string>(word: string, names: readonly Name[], what: string): Name {
  const found = names.find((name) => name === word.toLowerCase());
  if (!found) throw new OptionError(`Cannot find ${what} "${word}": expected one of ${names.join(", ")}`);
  return found;
}

/** A whole number of at least 1. */
function number(word: string, what: string): number {
  const value = Number(word);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new OptionError(`Cannot use ${what} "${word}": expected a whole number of at least 1`);
  }
  return value;
}

/** "4096" or "11008x4096" as rows and columns. */
function shape(word: string): { rows: number; cols: number } {
  const [rows, cols = rows, ...rest] = word.split(/[x×]/).map((part) => number(part, "size"));
  if (rest.length > 0) throw new OptionError(`Cannot use size "${word}": expected rows and columns`);
  return { rows: rows!, cols: cols! };
}

/** Parses the options' lists, none of which may be empty. */
function plan() {
  for (const name of ["sizes", "tokens", "formats", "backends"] as const) {
    if (list(options[name]).length === 0) throw new OptionError(`Cannot measure nothing: --${name} is empty`);
  }
  const names = [...DENSE_FORMATS, ...knownFormats.keys()];
  const formats = [...new Set(list(options.formats).map((word) => oneOf(word, names, "format")))];
  return {
    formats,
    packed: formats.filter((format) => !DENSE_FORMATS.includes(format)),
    backends: [...new Set(list(options.backends).map((word) => oneOf(word, backendNames, "backend")))],
    products: what === "model"
      ? []
      : list(options.sizes).map(shape).flatMap((size) =>
        list(options.tokens).map((word) => ({ ...size, tokens: number(word, "tokens") }))
      ),
  };
}

/** Measures the model as it is, and quantized to each format unless it is quantized already. */
async function measureModel(
  model: Model,
  { packed, onDone }: { packed: readonly string[]; onDone: (done: number, format: string) => void },
): Promise<ModelSpeedRow[]> {
  const { groupSize } = options;
  const weights = model.weights(model.linears()[0]!);
  const own = isPacked(weights) ? weights.format : model.dtype.toLowerCase();
  const todo = isPacked(weights) ? [] : packed;
  const rows: ModelSpeedRow[] = [];
  for (const format of [own, ...todo]) {
    onDone(rows.length / (1 + todo.length), format);
    // Weighting does not affect speed.
    using small = format === own
      ? undefined
      : await quantizeModel(model, { format, groupSize, weighting: "none" });
    rows.push({ format, ...await modelSpeed(small ?? model, options) });
  }
  return rows;
}

await main(async () => {
  const started = performance.now();
  const writePage = options.html === undefined ? undefined : outputFile(options.html);
  const { formats, packed, backends, products } = plan();
  const places: SpeedPlace[] = [];
  let about: SpeedReport["model"];
  const perBackend = products.length + (what === "linears" ? 0 : 1);
  using bar: Progress = progress("measuring", backends.length * perBackend, { quiet: options.json });
  for (const [i, name] of backends.entries()) {
    let done = i * perBackend;
    let models: ModelSpeedRow[] = [];
    // The model comes first, while the process uses little other memory.
    if (what !== "linears") {
      using model = await loadModel(options.model, { ...options, backend: name });
      const { promptTokens, newTokens } = options;
      about = { name: visible(model.name), parameters: model.size.parameters, promptTokens, newTokens };
      models = await measureModel(model, {
        packed,
        onDone: (part, format) => bar.update(done + part, `${model.backend.name}, ${model.name}, ${format}`),
      });
      done++;
    }
    using backend = await createBackend(name, options);
    const linears = [];
    for (const product of products) {
      const { rows, cols, tokens } = product;
      const note = `${backend.name}, ${rows}×${cols}, ${tokens} token${tokens === 1 ? "" : "s"}`;
      bar.update(done, note);
      const { groupSize, seconds } = options;
      linears.push(
        ...await linearSpeed(backend, {
          ...product,
          formats,
          groupSize,
          seconds,
          onProgress: (part) => bar.update(done + part, note),
        }),
      );
      done++;
    }
    const bandwidth = linears[0]?.bandwidth ?? await backend.bandwidth?.();
    places.push({ backend: backend.name, description: backend.description, bandwidth, linears, models });
  }
  bar.done();
  const report: SpeedReport = {
    title: "Speed of every number format",
    model: about,
    places,
    settings: {
      linears:
        "out = x · Wᵀ with random weights and float32 x and out; medians of rounds in which formats take turns",
      "group size": String(options.groupSize),
      ...about
        ? {
          model:
            `${about.name}: ${about.promptTokens} prompt tokens, ${about.newTokens} new ones, batch of 1`,
        }
        : {},
      system:
        `Deno ${Deno.version.deno}, ${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} cores`,
      date: new Date().toISOString().slice(0, 10),
    },
  };
  writePage?.(speedHtml(report));
  if (options.json) {
    printJson({ ...report, html: options.html, seconds: (performance.now() - started) / 1000 }, 2);
    return;
  }
  print(speedText(report));
  if (options.html) print(visible(`\nThe plots are in ${options.html}.`));
});
