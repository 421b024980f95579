/**
 * Runs kernels of Linears, and says how far from the plain backend they are.
 *
 * @module
 */
import type { DenseShape } from "../../kernels/wgsl/dense.ts";
import type { Kernel } from "../../kernels/wgsl/kernel.ts";
import type { TableShape } from "../../kernels/wgsl/table.ts";
import { PlainBackend } from "../../lib/compute/plain.ts";
import type { Tensor } from "../../lib/compute/backend.ts";
import { denseParts, type RowRange, tableParts } from "../../lib/compute/webgpu/weight_parts.ts";
import { quantize, type QuantizeOptions } from "../../lib/learn/quantize.ts";
import type { Matrix } from "../../lib/matrix/matrix.ts";
import { isPacked, type PackedMatrix } from "../../lib/matrix/packed_matrix.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";
import { Random } from "../../lib/random.ts";
import type { Bench } from "../gpu.ts";

const random = new Random(31);

/** Normal random numbers, new ones for each call. */
export const normal = (n: number) => Float32Array.from({ length: n }, () => random.normal());

/** A random packed matrix. */
export function packed(rows: number, cols: number, options: QuantizeOptions): PackedMatrix {
  return quantize({ rows, cols, data: normal(rows * cols) }, options);
}

/** A random dense matrix whose values its type holds. */
export function dense(rows: number, cols: number, dtype: "F32" | "F16" | "BF16"): Matrix {
  const data = normal(rows * cols);
  if (dtype === "F16") data.forEach((value, i) => data[i] = Math.f16round(value));
  if (dtype === "BF16") {
    const bits = new Uint32Array(data.buffer);
    bits.forEach((word, i) => bits[i] = word & 0xffff0000);
  }
  return { rows, cols, data, dtype };
}

/** How a product is computed. */
export interface Product<Shape> {
  /** Makes the kernel. */
  readonly kernel: (shape: Shape) => Kernel;
  /** Makes the kernel that turns activations into what the kernel reads in their place. */
  readonly activations?: Kernel;
  /** Tokens. */
  readonly tokens: number;
  /** Whether to add a bias. */
  readonly bias?: boolean;
  /** Parts that the matrix is cut into; one when absent. */
  readonly parts?: readonly RowRange[];
}

/** The relative error of a product of a weight and random activations, computed on the GPU into poisoned memory. */
export async function errorOf<M extends Matrix | PackedMatrix>(
  gpu: Bench,
  matrix: M,
  product: Product<M extends PackedMatrix ? TableShape : DenseShape>,
): Promise<number> {
  const { rows, cols } = matrix;
  const { tokens, activations } = product;
  const x = normal(tokens * cols);
  const bias = product.bias ? normal(rows) : undefined;
  const sums = activations ? [8, 2].map((words) => tokens * Math.ceil(cols / 32) * words) : [];
  const outputs = [tokens * rows, ...sums];
  const inputs: ArrayBufferView[] = [x];
  const add = (array: ArrayBufferView) => outputs.length + inputs.push(array) - 1;
  const xs = activations ? [1, 2] : [outputs.length];
  const kernels: Kernel[] = activations ? [activations] : [];
  const bindings: number[][] = activations ? [[1, 2, outputs.length]] : [];
  const biases = bias ? [add(bias)] : [];
  for (const range of product.parts ?? [{ from: 0, to: rows }]) {
    const options = { rows: range, bias: product.bias };
    const { shape, arrays } = isPacked(matrix) ? ofTable(matrix, options) : ofDense(matrix, options);
    kernels.push(product.kernel(shape as Parameters<typeof product.kernel>[0]));
    bindings.push([0, ...xs, ...arrays.map(add), ...biases]);
  }
  const [result] = await gpu.runAll(kernels, { outputs, inputs, bindings, step: { tokens } });
  return relativeError(result!, await expected(matrix, { x, tokens, bias }));
}

function ofTable(matrix: PackedMatrix, options: { rows: RowRange; bias?: boolean }) {
  const { shape, codes, scales, codebook } = tableParts(matrix, options);
  return { shape, arrays: [codes, scales, codebook] };
}

function ofDense(matrix: Matrix, options: { rows: RowRange; bias?: boolean }) {
  const { shape, weights } = denseParts(matrix, options);
  return { shape, arrays: [weights] };
}

async function expected(
  matrix: Matrix | PackedMatrix,
  { x, tokens, bias }: { x: Float32Array; tokens: number; bias?: Float32Array },
): Promise<Float32Array> {
  const plain = new PlainBackend();
  const { rows, cols } = matrix;
  const [out, input]: Tensor[] = [plain.tensor(tokens, rows), plain.tensor(tokens, cols)];
  plain.write(input!, x);
  plain.linear(out!, input!, {
    weight: plain.weight(matrix),
    bias: bias && plain.weight({ rows: 1, cols: rows, data: bias }),
  });
  return await plain.read(out!);
}
