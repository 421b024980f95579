/**
 * `deno task chat`: talk with a model.
 *
 * @module
 */
import { Any4Error, Conversation, type Generated, type GeneratedPiece, loadModel, quantizeModel } from "any4";
import { decimal, size, visible } from "any4/show";
import {
  command,
  type Computing,
  groupSizeOption,
  main,
  modelOption,
  Option,
  printJson,
  type Sampling,
  write,
} from "./cli.ts";

const options = command(
  "chat",
  "Talk with a model that has a chat template. /reset starts a new conversation, /exit ends the program, Ctrl-C stops an answer.",
)
  .addOption(modelOption())
  .addOption(new Option("-f, --format <name>", "quantize to this number format first"))
  .addOption(groupSizeOption())
  .option("-s, --system <text>", "the system message")
  .sampling(512)
  .computing()
  .option("--json", "print a line of JSON for each answer")
  .parse(Deno.args, { from: "user" })
  .opts<
    Computing & Sampling & {
      model: string;
      format?: string;
      groupSize: number | "row";
      system?: string;
      json?: true;
    }
  >();

/** The user's messages, from the terminal, or line by line from a file or another program. */
async function* turns(): AsyncGenerator<string> {
  if (Deno.stdin.isTerminal()) {
    for (let text; (text = prompt(">")) !== null;) yield text.trim();
    return;
  }
  const all = await new Response(Deno.stdin.readable).text();
  for (const line of all.split("\n")) yield line.trim();
}

/** Writes an answer while it is generated, until it ends or is interrupted, then its statistics. */
async function answer(steps: AsyncGenerator<GeneratedPiece>): Promise<void> {
  let stopped = false;
  const stop = () => stopped = true;
  Deno.addSignalListener("SIGINT", stop);
  const started = performance.now();
  const whole: Generated = { text: "", tokens: [], stoppedBy: "length" };
  try {
    for await (const step of steps) {
      if (!options.json) write(visible(step.text));
      whole.text += step.text;
      whole.tokens.push(...step.tokens);
      if (step.stoppedBy) whole.stoppedBy = step.stoppedBy;
      if (stopped) break;
    }
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
  }
  const seconds = (performance.now() - started) / 1000;
  const { length } = whole.tokens;
  if (options.json) return printJson({ ...whole, seconds });
  console.error(
    `\n[${length} tokens, ${decimal(length / seconds, 3)} a second, ${size(Deno.memoryUsage().rss)} in use]`,
  );
}

await main(async () => {
  using loaded = await loadModel(options.model, options);
  const model = options.format
    ? await quantizeModel(loaded, { format: options.format, groupSize: options.groupSize })
    : loaded;
  using talk = new Conversation(model, options);
  for await (const text of turns()) {
    if (text === "/exit") break;
    if (text === "/reset") talk.reset();
    else if (text !== "") {
      try {
        await answer(talk.say(text));
      } catch (error) {
        // A turn that does not fit is reported and the conversation continues; a model without a chat template ends it.
        if (!(error instanceof Any4Error) || talk.messages.length === 0) throw error;
        console.error(visible(`${error.message}. /reset starts a new conversation.`));
      }
    }
  }
});
