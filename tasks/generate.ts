/**
 * `deno task generate`: continue a text.
 *
 * @module
 */
import { generate, loadModel, quantizeModel } from "any4";
import { decimal, visible } from "any4/show";
import {
  command,
  type Computing,
  groupSizeOption,
  jsonOption,
  main,
  modelOption,
  Option,
  printJson,
  type Sampling,
  write,
} from "./cli.ts";

const program = command("generate", "Continue a text with a model, token by token.")
  .argument("[prompt]", "the text to continue", "Once upon a time")
  .addOption(modelOption())
  .addOption(new Option("-f, --format <name>", "quantize to this number format first"))
  .addOption(groupSizeOption())
  .option("--chat", "make the prompt a user's message, by the model's chat template")
  .sampling(64)
  .computing()
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" });
const options = program.opts<
  Computing & Sampling & {
    model: string;
    format?: string;
    groupSize: number | "row";
    chat?: true;
    json?: true;
  }
>();

await main(async () => {
  const prompt = program.processedArgs[0] as string;
  using loaded = await loadModel(options.model, { ...options, quiet: options.json });
  const model = options.format
    ? await quantizeModel(loaded, { format: options.format, groupSize: options.groupSize })
    : loaded;
  const { chat, json } = options;
  if (!json && !chat) write(visible(prompt));
  const started = performance.now();
  const result = await generate(model, chat ? [{ role: "user", content: prompt }] : prompt, {
    ...options,
    onText: json ? undefined : (piece) => write(visible(piece)),
  });
  const seconds = (performance.now() - started) / 1000;
  if (json) {
    printJson({ model: model.name, format: options.format ?? null, prompt, ...result, seconds }, 2);
    return;
  }
  write("\n");
  const { tokens, stoppedBy } = result;
  console.error(
    `\n${tokens.length} tokens, ${decimal(tokens.length / seconds, 3)} a second, stopped by ${stoppedBy}`,
  );
});
