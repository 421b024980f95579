/**
 * `deno task push`: upload a saved model to the Hugging Face Hub.
 *
 * @module
 */
import { pushModel } from "any4/hub";
import { count, duration, progress, size, visible } from "any4/show";
import { command, jsonOption, main, print, printJson } from "./cli.ts";

const program = command("push", "Send a saved model to the Hugging Face Hub, in one commit.")
  .argument("<folder>", "a folder written by deno task quantize")
  .argument("<repo>", "org/name or org/name@branch; it is created if there is none")
  .option("--private", "make a new repository private")
  .option("-m, --message <text>", "the commit message")
  .addOption(jsonOption())
  .addHelpText("after", "\nThe token is HF_TOKEN, or the one stored by `hf auth login`.")
  .parse(Deno.args, { from: "user" });
const options = program.opts<{ private?: true; message?: string; json?: true }>();

await main(async () => {
  const [folder, repo] = program.processedArgs as [string, string];
  const started = performance.now();
  const pushed = await (async () => {
    using bar = progress(`pushing to ${repo}`, 1, { quiet: options.json });
    return await pushModel(folder, {
      ...options,
      repo,
      onProgress: (bytes, total, what) =>
        bar.update(bytes / total, `${size(bytes)} of ${size(total)}, ${what}`),
    });
  })();
  const seconds = (performance.now() - started) / 1000;
  if (options.json) printJson({ folder, repo, ...pushed, seconds }, 2);
  else {
    const { files, bytes, url } = pushed;
    print(visible(`${count(files)} files, ${size(bytes)}, in ${duration(seconds)}: ${url}`));
  }
});
