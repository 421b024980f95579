/**
 * What a reader does who has not the patience: interrupts cells that wait for long work.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { findJupyter, hasKernel, installKernel, jupyterEnv } from "../../tasks/jupyter.ts";

const jupyter = findJupyter();
const root = new URL("../../", import.meta.url);

Deno.test({
  name: `an interrupted cell ends with an error, and the kernel computes what it computed before${
    jupyter ? "" : " (ignored: no Jupyter; deno task lab --install gets it)"
  }`,
  ignore: jupyter === undefined || Deno.args.some((arg) => !arg.startsWith("--")),
  async fn() {
    if (!hasKernel()) installKernel();
    const folder = await Deno.makeTempDir();
    const load = `import { any4, generate, loadModel, perplexity, quantizeOnDisk, saveModel } from "any4";
const model = await loadModel("tinyworld");
let small = await any4(model);
const { port } = Deno.serve({ port: 0, onListen() {} }, () => new Promise(() => {})).addr;
Deno.env.set("HF_ENDPOINT", \`http://127.0.0.1:\${port}\`);
Deno.env.set("HF_HOME", "${folder}/hub");
const measured = async () => (await perplexity(small, { maxTokens: 300 })).perplexity;
console.log("loaded");`;
    const measure = "console.log(await measured());";
    const long = [
      "await perplexity(model); console.log('not interrupted');",
      "for (;;) await any4(model, { codebook: 'row' });",
      "for (;;) await generate(model, 'Once upon a time', { maxTokens: 400, temperature: 1 });",
      // It waits where it looks for a GPU.
      "for (;;) (await loadModel('tinyworld'))[Symbol.dispose]();",
      // It does nothing but wait.
      "await loadModel('org/model');",
      `for (;;) await quantizeOnDisk("tinyworld", "${folder}/on-disk");`,
      `for (;;) await saveModel(small, "${folder}/saved");`,
    ];
    // Who holds a lock still keeps the others out.
    const free = `await quantizeOnDisk("tinyworld", "${folder}/on-disk", { restart: true });
await saveModel(small, "${folder}/saved");
console.log("free");`;
    const cells = [load, measure, ...long.flatMap((code) => [code, measure]), free]
      .map((code) => ({ code, interrupt: long.includes(code) ? 1 + Math.random() : null }));
    const process = new Deno.Command(jupyter!.python, {
      args: ["tests/notebooks/interrupt.py"],
      cwd: root,
      env: jupyterEnv(),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(JSON.stringify(cells)));
    await writer.close();
    const { stdout, stderr, success } = await process.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (!success) throw new Error(text(stderr));
    const [loaded, first, ...rest] = JSON.parse(text(stdout)) as string[];
    assertEquals(loaded, "loaded\n");
    // Where an interrupt finds the cell's own loop, the kernel ends it without a word.
    const ended = rest.map((shown, i) =>
      /^for/.test(cells[i + 2]!.code) && shown === "" ? "InterruptedError" : shown
    );
    assertEquals(ended, [...long.flatMap(() => ["InterruptedError", first]), "free\n"]);
    await Deno.remove(folder, { recursive: true });
  },
});
