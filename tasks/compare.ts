/**
 * `deno task compare`: formats × methods on a model, by what they cost it.
 *
 * @module
 */
import { loadModel, OptionError } from "any4";
import { type CandidateCost, candidatesOf, compareMethods } from "any4/measure";
import type { TokenWeights } from "any4/quantize";
import { count, decimal, duration, paretoFront, progress, type Report, reportHtml, table } from "any4/show";
import { sha256 } from "../lib/files/sha256.ts";
import { modelHash } from "../lib/model/model_hash.ts";
import {
  command,
  type Computing,
  type Drawing,
  jsonOption,
  list,
  main,
  modelOption,
  override,
  quietOption,
  readDocuments,
  readSamples,
  tokenWeightsOption,
  weightingOption,
  whole,
  writeTexts,
  writtenOption,
} from "./cli.ts";

/** On tinyworld 4.25, 3.25 and 2.25 bits, but for tables of rows, which narrow rows pay dearly. */
const FORMATS = "int4,nf4:64,any4sym:36/matrix/int8,any4:row,int3,any3sym:36/matrix/int8,any3:row," +
  "int2,any2sym:36/matrix/int8,any2:row";
const METHODS = "kmeans,gptq,lnq";

const options = command("compare", "Quantize a model by formats and methods, each with each, and compare.")
  .addOption(modelOption())
  .option(
    "-f, --formats <names>",
    "comma-separated formats, with a group size as in any4:64, and how they are stored: /matrix for one table a matrix, " +
      "/16-tables for some that rows pick from, /int8 for tables and scales in bytes, /outliers=0.005",
    FORMATS,
  )
  .option(
    "--methods <names>",
    "comma-separated methods, with options as in lnq:rounds=3, and after AWQ as in awq+gptq",
    METHODS,
  )
  .option(
    "--override <pattern=format>",
    "format of matching Linears in every row, as in *.v_proj=any4sym:64; or a .json file of them; the last match counts",
    override,
  )
  .addOption(weightingOption())
  .addOption(tokenWeightsOption())
  .drawing()
  .addOption(writtenOption())
  .option("--eval <text or file>", "measure on this instead of the library's own evaluation text")
  .option("--tokens <n>", "measure on about this many tokens", whole(10), 4000)
  .option("--context <n>", "tokens of context", whole(2))
  .option("-o, --out <file>", "file for the report; rows are kept beside it, as .json", "compare.html")
  .option("--restart", "measure again what is kept")
  .computing()
  .addOption(quietOption())
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & Drawing & {
      model: string;
      formats: string;
      methods: string;
      override?: Record<string, string>;
      weighting: string;
      tokenWeights: TokenWeights;
      written?: number;
      eval?: string;
      tokens: number;
      context?: number;
      out: string;
      restart?: true;
      quiet?: true;
      json?: true;
    }
  >();

/** The rows of a comparison of which the same was asked. */
interface KeptRows {
  readonly asked: string;
  readonly rows: readonly CandidateCost[];
}

/** Keeps rows in a file, so that a comparison that ended early resumes. */
class RowFile {
  readonly rows: CandidateCost[];
  readonly #path: string;
  readonly #asked: string;

  constructor(path: string, { asked, restart = false }: { asked: string; restart?: boolean }) {
    this.#path = path;
    this.#asked = asked;
    const kept = restart ? undefined : RowFile.#read(path);
    if (kept && kept.asked !== asked) {
      throw new OptionError(
        `Cannot resume ${path}: it holds a comparison of another model, text or setting; use --restart, or another --out`,
      );
    }
    this.rows = [...kept?.rows ?? []];
  }

  static #read(path: string): KeptRows | undefined {
    let text: string;
    try {
      text = Deno.readTextFileSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw new OptionError(`Cannot read ${path}: ${(error as Error).message}`, { cause: error });
    }
    try {
      const kept = JSON.parse(text) as KeptRows;
      if (typeof kept.asked === "string" && Array.isArray(kept.rows)) return kept;
    } catch {
      // Said below.
    }
    throw new OptionError(`Cannot resume ${path}: it holds no comparison; use --restart, or another --out`);
  }

  add(row: CandidateCost): void {
    this.rows.push(row);
    const beside = `${this.#path}.part`;
    Deno.writeTextFileSync(beside, JSON.stringify({ asked: this.#asked, rows: this.rows }, null, 1));
    Deno.renameSync(beside, this.#path);
  }
}

/** "0.0123 ± 0.0004". */
const withError = (value: number, error: number) =>
  `${decimal(value, 3)} ± ${Number.isFinite(error) ? decimal(error, 1) : "?"}`;

/** A candidate's name in its two parts; k-means is not named there. */
function formatAndMethod({ name, method }: CandidateCost): [string, string] {
  const [format = "", ...others] = name.split(" ");
  return [format, others.join(" ") || method];
}

await main(async () => {
  const started = performance.now();
  const quiet = options.quiet ?? options.json ?? false;
  const { formats, methods, weighting, tokenWeights, written, tokens, context, out } = options;
  const candidates = candidatesOf(list(formats), list(methods));
  using model = await loadModel(options.model, { ...options, quiet });
  const documents = readDocuments(options.eval);
  const measured = {
    override: options.override,
    weighting,
    tokenWeights,
    calibration: written === undefined ? await readSamples(options) : await writeTexts(model, written, quiet),
    documents,
    maxTokens: tokens,
    context,
  };
  const asked = sha256([modelHash(model), JSON.stringify({ ...measured, backend: model.backend.name })]);
  const file = new RowFile(`${out.replace(/\.html$/, "")}.json`, { asked, restart: options.restart });
  const found = file.rows.length;
  const { original, rows } = await (async () => {
    using bar = progress(`comparing on ${model.name}`, 1, { quiet });
    return await compareMethods(model, {
      ...measured,
      candidates,
      known: [...file.rows],
      onRow: (row) => file.add(row),
      onProgress: (done, what) => bar.update(done, what),
    });
  })();
  const { parameters, bytes } = model.size;
  const report: Report = {
    title: `What formats and methods cost on ${model.name}`,
    model: { name: model.name, parameters, dtype: model.dtype, bytes, tokens: original.tokens },
    baseline: { ...original, bitsPerWeight: model.bitsPerWeight, bytes },
    rows: rows.map(({ name, ...row }) => ({ ...row, format: name })),
    histogram: { layer: "", values: [], formats: [] },
    layers: { names: [], series: [] },
    samples: { prompt: "", outputs: [] },
    settings: {
      "calibration": options.data
        ? `${options.samples} samples of ${options.data}`
        : options.text
        ? `${options.text.length} texts that were given`
        : written
        ? `${count(written)} tokens that the model wrote itself`
        : "the library's own texts",
      "measured on": options.eval ?? "the library's own evaluation text",
      ...(options.override && { "some Linears": JSON.stringify(options.override) }),
      weighting,
      "token weights": tokenWeights,
      "±": "one standard error, by blocks of 64 tokens",
      backend: model.backend.name,
    },
  };
  Deno.writeTextFileSync(out, reportHtml(report));
  if (options.json) {
    const fields = rows.map((row) => ({
      name: row.name,
      format: row.format,
      method: row.method,
      bitsPerWeight: row.bitsPerWeight,
      kl: row.kl,
      klError: row.klStderr,
      perplexity: row.perplexity,
      perplexityError: row.perplexityStderr,
      seconds: row.seconds,
    }));
    const { perplexity } = original;
    console.log(
      JSON.stringify(
        { model: model.name, tokens: original.tokens, original: { perplexity }, rows: fields },
        null,
        2,
      ),
    );
    return;
  }
  if (options.quiet) return;
  const byKl = rows.map(({ name, bitsPerWeight, kl }) => ({ name, bitsPerWeight, perplexity: kl }));
  const front = new Set(paretoFront(byKl).map(({ name }) => name));
  const right = (title: string) => ({ title, align: "right" as const });
  console.log(
    `${model.name}: perplexity ${withError(original.perplexity, original.perplexityStderr)} on ${
      count(original.tokens)
    } ` +
      `tokens. * marks what nothing smaller equals in KL.\n`,
  );
  console.log(table(
    [
      ...["", "format", "method"].map((title) => ({ title })),
      ...["bits", "KL", "perplexity", "time"].map(right),
    ],
    rows.toSorted((a, b) => a.bitsPerWeight - b.bitsPerWeight || a.kl - b.kl).map((row) => [
      front.has(row.name) ? "*" : "",
      ...formatAndMethod(row),
      row.bitsPerWeight.toFixed(3),
      withError(row.kl, row.klStderr),
      withError(row.perplexity, row.perplexityStderr),
      duration(row.seconds),
    ]),
  ));
  console.log(
    `\nThe plot is in ${out}. It took ${duration((performance.now() - started) / 1000)}` +
      (found > 0 ? `; ${found} rows were measured before.` : "."),
  );
});
