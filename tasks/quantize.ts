/**
 * `deno task quantize`: a model to a folder of packed, or dequantized, weights.
 *
 * @module
 */
import {
  type BackendName,
  duration,
  formatOf,
  loadModel,
  OptionError,
  progress,
  quantizeModel,
  saveModel,
  size,
  type Weighting,
} from "any4";
import {
  backendOption,
  command,
  formatOption,
  groupSizeOption,
  jsonOption,
  main,
  modelOption,
  noTuneOption,
  Option,
  readText,
  threadsOption,
  tuneOption,
  weightingOption,
} from "./cli.ts";

const options = command("quantize", "Quantize a model and save it as a Hugging Face folder.")
  .addOption(modelOption())
  .requiredOption("-o, --out <folder>", "where the quantized model goes")
  .addOption(formatOption())
  .addOption(groupSizeOption())
  .addOption(weightingOption())
  .option("-t, --text <text or file>", "calibrate with this instead of the library's own sample")
  .option("--sequential", "calibrate each Linear on the model quantized so far")
  .option("--codebook <per>", 'learn a table for each "row", or one a "matrix"', "row")
  .option("--skip <patterns>", 'comma-separated Linears to leave as they are, "*" for any characters')
  .option("--dequantized", "write a plain BF16 checkpoint that transformers loads")
  .addOption(
    new Option("--reference", "write the tensors of the any4 reference's Any4Linear").conflicts(
      "dequantized",
    ),
  )
  .addOption(backendOption())
  .addOption(threadsOption())
  .addOption(tuneOption())
  .addOption(noTuneOption())
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" })
  .opts<{
    model: string;
    out: string;
    format: string;
    groupSize: number | "row";
    weighting: Weighting;
    text?: string;
    sequential?: true;
    codebook: "row" | "matrix";
    skip?: string;
    dequantized?: true;
    reference?: true;
    backend: BackendName;
    threads?: number;
    tune?: boolean;
    json?: true;
  }>();

await main(async () => {
  const started = performance.now();
  if (options.reference && formatOf(options.format).bits !== 4) {
    throw new OptionError(
      `Cannot write ${options.format} in the reference's layout: it holds 4-bit formats only`,
    );
  }
  using model = await loadModel(options.model, { ...options, quiet: options.json });
  const small = await (async () => {
    using bar = progress(`${options.format} of ${model.name}`, model.linears().length, {
      quiet: options.json,
    });
    return await quantizeModel(model, {
      format: options.format,
      groupSize: options.groupSize,
      weighting: options.weighting,
      calibration: options.text === undefined ? undefined : readText(options.text),
      sequential: options.sequential,
      codebook: options.codebook,
      skip: options.skip?.split(","),
      onProgress: (done, _, linear) => bar.update(done, linear),
    });
  })();
  await saveModel(small, options.out, options);
  const seconds = (performance.now() - started) / 1000;
  const result = {
    model: model.name,
    format: options.format,
    groupSize: options.groupSize,
    bitsPerWeight: small.bitsPerWeight,
    bytes: small.size.bytes,
    originalBytes: model.size.bytes,
    out: options.out,
    seconds,
  };
  if (options.json) console.log(JSON.stringify(result, null, 2));
  else {
    const form = options.dequantized
      ? "dequantized to BF16 in"
      : options.reference
      ? "as the reference's tensors in"
      : "saved in";
    console.log(
      `${model.name} as ${options.format}: ${result.bitsPerWeight.toFixed(2)} bits per weight, ` +
        `${size(result.originalBytes)} → ${size(result.bytes)}, ${form} ${options.out} in ${
          duration(seconds)
        }`,
    );
  }
});
