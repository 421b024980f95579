/**
 * How many items of PIQA a second are judged, beside lm-evaluation-harness.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { loadModel, type Model, quantizeModel } from "any4";
import { activationTypes } from "any4/compute";
import { prepareTask, runTask, tasks } from "any4/measure";
import { table } from "any4/show";
import { median } from "../lib/measure/median.ts";
import { Peer } from "./peer.ts";

const HELP = `Judges items of PIQA: log-likelihoods of both choices, tokenizing included.

Usage: deno run --allow-read --allow-write --allow-env --allow-sys=osRelease --allow-run bench/tasks.ts [options] FOLDER

  FOLDER             a model in Hugging Face's format
  --data-dir FOLDER  has piqa-valid.jsonl and piqa-valid-labels.lst
  --items N          items a round, the first ones (50)
  --rounds N         rounds, of which the median counts (3)
  --formats NAMES    also quantized to these ()
  --activations TYPE of products with packed weights (int16)
  --batch-sizes NS   of lm-eval (1,16)
  --python CMD       a Python with lm_eval, torch and transformers (python3)
  --help             this text

Contestants take turns within a round, so that a busy machine slows all alike.
`;

interface Answer {
  readonly rates: Record<string, number>;
  readonly loglikelihoods: number[][];
}

const { values, positionals: [folder] } = parseArgs({
  allowPositionals: true,
  options: {
    "data-dir": { type: "string", default: "." },
    items: { type: "string", default: "50" },
    rounds: { type: "string", default: "3" },
    formats: { type: "string", default: "" },
    activations: { type: "string", default: "int16" },
    "batch-sizes": { type: "string", default: "1,16" },
    python: { type: "string", default: "python3" },
    help: { type: "boolean" },
  },
});
if (values.help || !folder) {
  console.log(HELP);
  Deno.exit(values.help ? 0 : 1);
}

const items = Number(values.items);
const prepared = await prepareTask(tasks.get("piqa")!, { dataDir: values["data-dir"], limit: items });
const activations = activationTypes.find((type) => type === values.activations);
using original = await loadModel(folder, { activations });
const models = new Map<string, Model>([["any4-deno, as it is", original]]);
for (const format of values.formats.split(",").filter((name) => name !== "")) {
  models.set(`any4-deno, ${format}, ${activations} activations`, await quantizeModel(original, { format }));
}
const file = Deno.makeTempFileSync({ suffix: ".jsonl" });
Deno.writeTextFileSync(file, prepared.documents.map(({ row }) => JSON.stringify(row)).join("\n"));
const sizes = values["batch-sizes"].split(",");
const peer = new Peer(values.python, "tasks_peer.py", [folder, file, values.items, ...sizes]);
const { ready } = await peer.read<{ ready: string }>();

const rates = new Map<string, number[]>();
const add = (name: string, rate: number) => rates.set(name, [...rates.get(name) ?? [], rate]);
let apart = 0;
for (let round = 0; round < Number(values.rounds); round++) {
  let ours: number[][] | undefined;
  for (const [name, model] of models) {
    const start = performance.now();
    const result = await runTask(model, prepared);
    add(name, items / (performance.now() - start) * 1000);
    ours ??= result.items.map(({ loglikelihoods }) => loglikelihoods!);
  }
  const theirs = await peer.ask<Answer>("");
  for (const [size, rate] of Object.entries(theirs.rates)) add(`${ready}, batch size ${size}`, rate);
  for (const [i, found] of ours!.entries()) {
    for (const [c, value] of found.entries()) {
      apart = Math.max(apart, Math.abs(value - theirs.loglikelihoods[i]![c]!));
    }
  }
}
await peer.close();
Deno.removeSync(file);

const best = Math.max(
  ...[...rates].filter(([name]) => !models.has(name)).map(([, all]) => median(all)),
);
console.log(table(
  [
    { title: "" },
    { title: "items/s", align: "right" },
    { title: "of lm-eval's best", align: "right" },
  ],
  [...rates].map((
    [name, all],
  ) => [name, median(all).toFixed(2), `${(median(all) / best).toFixed(2)} ×`]),
));
console.log(`log-likelihoods differ by ${apart.toExponential(1)} at most`);
