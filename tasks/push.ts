/**
 * `deno task push`: a saved model to the Hugging Face Hub.
 *
 * @module
 */
import { pushModel } from "any4/hub";
import { count, duration, progress, size } from "any4/show";
import { command, jsonOption, main } from "./cli.ts";

const program = command("push", "Send a saved model to the Hugging Face Hub, in one commit.")
  .argument("<folder>", "what deno task quantize has written")
  .argument("<repo>", "org/name or org/name@branch; it is made where it is not there")
  .option("--private", "a repository that is made is seen by its owners only")
  .option("-m, --message <text>", "what the commit says it is")
  .addOption(jsonOption())
  .addHelpText("after", "\nHF_TOKEN, or what `hf auth login` left behind, says who you are.")
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
  if (options.json) console.log(JSON.stringify({ folder, repo, ...pushed, seconds }, null, 2));
  else {
    const { files, bytes, url } = pushed;
    console.log(`${count(files)} files, ${size(bytes)}, in ${duration(seconds)}: ${url}`);
  }
});
