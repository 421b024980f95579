/**
 * Sequential calibration beside calibration on the original, in memory: what the former costs, and how that grows.
 *
 *     deno run --allow-all bench/sequential.ts --rounds 3
 *
 * @module
 */
import { parseArgs } from "node:util";
import { loadModel, quantizeModel } from "any4";
import { makeSynthetic } from "./make_synthetic.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    layers: { type: "string", default: "3,6,12" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log("--rounds <n, of which the median counts> --layers <numbers of layers, at most 12>");
  Deno.exit();
}

const folder = await Deno.makeTempDir();
try {
  makeSynthetic(folder, "small-12-layers");
  using whole = await loadModel(folder, { backend: "wasm" });
  for (const layers of options.layers.split(",").map(Number)) {
    // A model's first layers are a model.
    const tensors = [...whole.tensors].filter(([name]) =>
      Number(/layers\.(\d+)/.exec(name)?.[1] ?? 0) < layers
    );
    using model = whole.with({
      config: { ...whole.config, num_hidden_layers: layers },
      tensors: new Map(tensors),
    });
    const seconds: Record<string, number[]> = { plain: [], sequential: [] };
    for (let round = 0; round < Number(options.rounds); round++) {
      for (const [name, times] of Object.entries(seconds)) {
        const started = performance.now();
        using _ = await quantizeModel(model, { format: "any4", sequential: name === "sequential" });
        times.push((performance.now() - started) / 1000);
      }
    }
    const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1]!;
    const [plain, sequential] = [median(seconds.plain!), median(seconds.sequential!)];
    console.log(
      `${layers} layers: ${plain.toFixed(2)} s plain, ${sequential.toFixed(2)} s sequential, ` +
        `${(sequential / plain).toFixed(2)} times as long`,
    );
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
