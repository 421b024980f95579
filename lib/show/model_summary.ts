/**
 * A model at a glance.
 *
 * @module
 */
import type { Matrix } from "../matrix/matrix.ts";
import { isPacked, type PackedMatrix, storedBytes } from "../matrix/packed_matrix.ts";
import { display, type MimeBundle, type View, view } from "../display.ts";
import { matrixSummary } from "./matrix_summary.ts";
import { recordsView } from "./table_view.ts";
import { count, decimal, size } from "../terminal/units.ts";
import { Model } from "../model/model.ts";

/** Shows a model's name, sizes and bits per weight, its kinds of Linears, and a histogram of one row. */
export function modelSummary(model: Model): View {
  const { name, config, backend } = model;
  const { parameters, bytes } = model.size;
  const whole = recordsView([{
    model: name,
    layers: config.num_hidden_layers,
    "hidden size": config.hidden_size,
    vocabulary: count(config.vocab_size),
    parameters: count(parameters),
    size: size(bytes),
    "bits per weight": decimal(model.bitsPerWeight, 3),
    backend: backend.name,
  }])[display]();
  const kinds = Map.groupBy(model.linears(), (linear) => linear.split(".").at(-1)!);
  const linears = recordsView(Array.from(kinds, ([kind, names]) => {
    const tensors = names.map((linear) => model.weights(linear));
    const all = (of: (tensor: Matrix | PackedMatrix) => string) => [...new Set(tensors.map(of))].join(", ");
    return {
      "Linears": `${names.length} × ${kind}`,
      shape: all(({ rows, cols }) => `${rows} × ${cols}`),
      format: all((tensor) => isPacked(tensor) ? tensor.format : tensor.dtype ?? "F32"),
      "bits per weight": all((tensor) => decimal(8 * storedBytes(tensor) / (tensor.rows * tensor.cols), 3)),
      size: size(tensors.reduce((sum, tensor) => sum + storedBytes(tensor), 0)),
    };
  }))[display]();
  const linear = model.linears()[0];
  const row = linear === undefined ? "" : matrixSummary(model.weights(linear))[display]()["text/html"]!;
  return view({
    "text/plain": `${whole["text/plain"]}\n\n${linears["text/plain"]}`,
    "text/html": `${whole["text/html"]}\n${
      linears["text/html"]
    }\n<details><summary>${linear}, row 0</summary>${row}</details>`,
  });
}

// lib/model is below this folder and cannot import it.
Model.prototype[display] = function (): MimeBundle {
  return modelSummary(this)[display]();
};
