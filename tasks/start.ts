/**
 * `deno task start`: the cost of every number format on a real language model.
 *
 * @module
 */
import { calibrate, dequantize, generate, isPacked, loadModel, type Model, quantizeModel } from "any4";
import { firstGroupValues, methodOf } from "any4/learn";
import { type FormatCost, formatsAtEqualBits, measureFormats } from "any4/measure";
import {
  count,
  duration,
  fold,
  type FormatValues,
  progress,
  type Report,
  reportHtml,
  resultsText,
  size,
  terminalWidth,
  visible,
} from "any4/show";
import {
  command,
  type Computing,
  jsonOption,
  type Learning,
  learningOf,
  list,
  main,
  modelOption,
  Option,
  outputFile,
  print,
  printJson,
  readDocuments,
  whole,
} from "./cli.ts";

const options = command(
  "start",
  "Quantize a language model to every number format and show the cost of each.",
)
  .addOption(modelOption())
  .option(
    "-f, --formats <names>",
    "comma-separated number formats, also with group sizes: any4:64,int4:row " +
      "(default: any4, any3, any2 and their rivals at about equal bits)",
  )
  .learning()
  .option("-t, --text <text or file>", "measure on this instead of the library's own evaluation text")
  .option("--tokens <n>", "measure on about this many tokens", whole(10), 2500)
  .option("-p, --prompt <text>", "text to continue", "Once upon a time")
  .computing()
  .addOption(new Option("-o, --out <file>", "file for the report").default("report.html"))
  .addOption(jsonOption())
  .option("--quiet", "no progress bars")
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & Learning & {
      model: string;
      formats?: string;
      text?: string;
      tokens: number;
      prompt: string;
      out: string;
      json?: true;
      quiet?: true;
    }
  >();

const seconds = (since: number) => (performance.now() - since) / 1000;

/** A real model that is small. */
const REAL_MODEL = "HuggingFaceTB/SmolLM2-135M";

/** The duration of each phase, in seconds. */
const timings: Record<string, number> = {};

async function timed<T>(phase: string, run: () => T | Promise<T>): Promise<T> {
  const since = performance.now();
  const result = await run();
  timings[phase] = seconds(since);
  return result;
}

/** Of a format's rows, the one with groups of 128. */
function usual(rows: readonly FormatCost[]): FormatCost {
  return rows.find(({ groupSize }) => groupSize === 128) ?? rows[0]!;
}

await main(async () => {
  const started = performance.now();
  const quiet = options.quiet ?? options.json ?? false;
  const writeReport = outputFile(options.out);
  using model = await timed("load", () => loadModel(options.model, { ...options, quiet }));
  const settings = {
    ...learningOf(options),
    calibration: await timed(
      "calibrate",
      () => calibrate(model, { gram: methodOf(options.method).needs === "gram" }),
    ),
  };
  const histogramLayer = model.linears()[Math.floor(model.linears().length / 2)]!;
  const histogramFormats: FormatValues[] = [];
  /** The continuations of some models. */
  const samples: { name: string; text: string }[] = [];
  const formats = options.formats === undefined ? formatsAtEqualBits(model) : list(options.formats);
  const speakers = ["original", "any4", "any2"];
  const speak = async (name: string, speaker: Model) => {
    const since = performance.now();
    samples.push({ name, text: (await generate(speaker, options.prompt, { maxTokens: 64 })).text });
    timings.generate = (timings.generate ?? 0) + seconds(since);
  };
  const { baseline, rows } = await timed("measure", async () => {
    using bar = progress(`measuring ${model.name}`, 1, { quiet });
    return await measureFormats(model, {
      ...settings,
      formats,
      documents: readDocuments(options.text),
      maxTokens: options.tokens,
      async onModel(small, { name }) {
        if (histogramFormats.some((format) => format.name === name)) return;
        if (speakers.includes(name)) await speak(name, small);
        const weights = small.weights(histogramLayer);
        if (!isPacked(weights)) return;
        histogramFormats.push({ name, values: firstGroupValues(weights) });
      },
      onProgress: (done, what) => bar.update(done, what),
    });
  });
  timings.quantize = rows.reduce((sum, row) => sum + row.seconds, 0);
  timings.measure! -= timings.quantize + (timings.generate ?? 0);

  for (const name of speakers.filter((name) => !samples.some((sample) => sample.name === name))) {
    using small = name === "original" ? undefined : await quantizeModel(model, { ...settings, format: name });
    await speak(name, small ?? model);
  }
  samples.sort((a, b) => speakers.indexOf(a.name) - speakers.indexOf(b.name));

  const dense = model.weights(histogramLayer);
  const first = isPacked(dense) ? dequantize(dense) : dense.data;
  const layerRows = [...Map.groupBy(rows, ({ format }) => format).values()].map(usual);
  const groupValues = rows[0] ? Math.min(...rows.map((row) => row.groupSize)) : dense.cols;
  const { parameters, bytes } = model.size;
  const report: Report = {
    title: `What every number format costs on ${model.name}`,
    model: { name: model.name, parameters, dtype: model.dtype, bytes, tokens: baseline.tokens },
    baseline,
    rows,
    histogram: {
      layer: `${histogramLayer}, row 0, columns 0 to ${Math.max(groupValues, 128) - 1}`,
      values: first.subarray(0, Math.min(Math.max(groupValues, 128), dense.cols)),
      formats: histogramFormats,
    },
    layers: {
      names: model.linears(),
      series: layerRows.map(({ format, layers }) => ({
        name: format,
        errors: model.linears().map((linear) => layers.find((layer) => layer.linear === linear)!.outputError),
      })),
    },
    samples: { prompt: options.prompt, outputs: samples },
    settings: {
      text: options.text ?? `the library's own evaluation text: ${Object.keys(baseline.kinds).join(", ")}`,
      tokens: `${count(baseline.tokens)} predicted, the same for every format`,
      calibration: `${
        count(Math.max(...[...settings.calibration.values()].map(({ tokens }) => tokens)))
      } tokens of the library's own sample; weighting: ${options.weighting}; method: ${options.method.name}`,
      backend: model.backend.name,
      date: new Date().toISOString().slice(0, 10),
      time: `${duration(seconds(started))} in all`,
    },
  };
  await timed("report", () => writeReport(reportHtml(report)));

  if (options.json) {
    printJson({
      model: model.name,
      tokens: baseline.tokens,
      baseline,
      rows: rows.map(({ layers: _, ...row }) => row),
      samples,
      report: options.out,
      seconds: seconds(started),
      timings,
    }, 2);
    return;
  }
  print(
    `${visible(model.name)}: ${count(parameters)} weights in ${model.dtype}, ${size(bytes)}; ` +
      `${count(baseline.tokens)} tokens measured, backend ${model.backend.name}\n`,
  );
  print(resultsText(report));
  print(`\n"${visible(options.prompt)}" continues:`);
  for (const { name, text } of samples) {
    const lines = fold(visible(`…${text}`), Deno.stdout.isTerminal() ? terminalWidth() - 9 : Infinity);
    print(`\n${name.padEnd(9)}${lines.join("\n" + " ".repeat(9))}`);
  }
  const phases = Object.entries(timings).map(([phase, taken]) => `${phase} ${duration(taken)}`).join(", ");
  print(`\nThe plots are in ${visible(options.out)}. It took ${duration(seconds(started))}: ${phases}.`);
  if (options.model === "tinyworld") {
    print(
      "\nThe embedded model is tiny, and its rows are narrow. The same on a real model, which is downloaded once:\n" +
        `  deno task start --model ${REAL_MODEL}\n` +
        "--model also takes a .gguf file; deno task models lists models to start with.",
    );
  }
});
