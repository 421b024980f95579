/**
 * `deno task serve`: serve a model by OpenAI's protocol, and a page to try it.
 *
 * @module
 */
import { loadModel, type Model, OptionError, quantizeModel } from "any4";
import { formats } from "any4/formats";
import { serve } from "any4/serve";
import {
  command,
  type Computing,
  groupSizeOption,
  list,
  main,
  modelOption,
  Option,
  positive,
  whole,
} from "./cli.ts";

const options = command(
  "serve",
  "Serve a model by OpenAI's protocol, and a page at / to try it. Ctrl-C or SIGTERM lets running requests finish.",
)
  .addOption(modelOption())
  .addOption(
    new Option("-f, --format <names>", "quantize to these number formats, each a model of its own").argParser(
      list,
    ),
  )
  .addOption(groupSizeOption())
  .option("--original", "serve the original model beside those")
  .option("--lab", "let the page quantize the model, served beside those, to formats that it chooses")
  .option("--host <address>", "address to listen at; 0.0.0.0 lets other machines in", "127.0.0.1")
  .option("--port <n>", "port; 0 takes a free one", whole(0), 8000)
  .option("--api-key <key>", "key that clients must send (default: $ANY4_API_KEY, else none)")
  .option("--cors <origin>", 'origin of other pages that may use the server, or "*"')
  .option("--parallel <n>", "sequences that are continued at a time", whole(1), 8)
  .option("--queue <n>", "sequences that wait at most; more are answered with 429", whole(0), 256)
  .option(
    "--context <n>",
    "tokens of a sequence at most (default: the model's context, at most 4096)",
    whole(1),
  )
  .option("--max-tokens <n>", "tokens that a request may add at most (default: all that fit)", whole(1))
  .option("--max-body <bytes>", "bytes of a request at most", whole(1), 8 << 20)
  .option("--timeout <seconds>", "seconds that an answer may take", positive, 600)
  .computing()
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & {
      model: string;
      format?: string[];
      groupSize: number | "row";
      original?: true;
      lab?: true;
      host: string;
      port: number;
      apiKey?: string;
      cors?: string;
      parallel: number;
      queue: number;
      context?: number;
      maxTokens?: number;
      maxBody: number;
      timeout: number;
    }
  >();

await main(async () => {
  const wanted = options.format ?? [];
  for (const name of wanted) {
    if (formats.has(name)) continue;
    throw new OptionError(
      `Cannot serve the format ${name}: expected some of ${[...formats.keys()].join(", ")}`,
    );
  }
  using original = await loadModel(options.model, options);
  const models = new Map<string, Model>();
  for (const format of wanted) {
    const model = await quantizeModel(original, { format, groupSize: options.groupSize });
    models.set(`${original.name}:${format}`, model);
  }
  if (wanted.length === 0 || options.original || options.lab) models.set(original.name, original);
  const apiKey = options.apiKey ?? Deno.env.get("ANY4_API_KEY");
  await using server = serve(models, {
    ...options,
    lab: options.lab && original.name,
    ...apiKey && { apiKey },
  });
  console.log(`Serving ${[...models.keys()].join(", ")} at ${server.url}`);
  const end = () => {
    console.log("Ending: running requests finish, others are refused");
    server.shutdown();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, end);
  await server.finished;
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, end);
  for (const model of models.values()) if (model !== original) model[Symbol.dispose]();
});
