/**
 * `deno task generate`: continue a text.
 *
 * @module
 */
import { type BackendName, decimal, generate, loadModel, quantizeModel } from "any4";
import {
  backendOption,
  command,
  finite,
  groupSizeOption,
  jsonOption,
  main,
  modelOption,
  noTuneOption,
  Option,
  threadsOption,
  tuneOption,
  whole,
} from "./cli.ts";

const program = command("generate", "Continue a text with a model, token by token.")
  .argument("[prompt]", "the text to continue", "Once upon a time")
  .addOption(modelOption())
  .addOption(new Option("-f, --format <name>", "quantize to this number format first"))
  .addOption(groupSizeOption())
  .option("--chat", "the prompt is a user's turn of a conversation, by the model's chat template")
  .option("-n, --max-tokens <n>", "tokens to add at most", whole(0), 64)
  .option("--temperature <t>", "0 takes the likeliest token", finite, 0)
  .option("--top-k <n>", "draw from the likeliest n tokens only", whole(1))
  .option("--top-p <p>", "draw from the likeliest tokens of this probability only", finite)
  .option("--seed <n>", "of the draws", whole(0), 0)
  .option("--stop <text>", "end where this would come")
  .addOption(backendOption())
  .addOption(threadsOption())
  .addOption(tuneOption())
  .addOption(noTuneOption())
  .addOption(jsonOption())
  .parse(Deno.args, { from: "user" });
const options = program.opts<{
  model: string;
  format?: string;
  groupSize: number | "row";
  chat?: true;
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  stop?: string;
  backend: BackendName;
  threads?: number;
  tune?: boolean;
  json?: true;
}>();

await main(async () => {
  const prompt = program.processedArgs[0] as string;
  using loaded = await loadModel(options.model, { ...options, quiet: options.json });
  const model = options.format
    ? await quantizeModel(loaded, { format: options.format, groupSize: options.groupSize })
    : loaded;
  const { chat, json } = options;
  const write = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(text));
  if (!json && !chat) write(prompt);
  const started = performance.now();
  const result = await generate(model, chat ? [{ role: "user", content: prompt }] : prompt, {
    ...options,
    onText: json ? undefined : write,
  });
  const seconds = (performance.now() - started) / 1000;
  if (json) {
    console.log(
      JSON.stringify(
        { model: model.name, format: options.format ?? null, prompt, ...result, seconds },
        null,
        2,
      ),
    );
    return;
  }
  write("\n");
  const { tokens, stoppedBy } = result;
  console.error(
    `\n${tokens.length} tokens, ${decimal(tokens.length / seconds, 3)} a second, stopped by ${stoppedBy}`,
  );
});
