/**
 * Gradients by kernels, on the device.
 *
 * @module
 */
import { activateGradient } from "../../../kernels/wgsl/activate.ts";
import {
  attentionKeyGradient,
  attentionQueryGradient,
  attentionShares,
} from "../../../kernels/wgsl/attention_gradient.ts";
import { columnsGradient } from "../../../kernels/wgsl/columns.ts";
import type { Kernel } from "../../../kernels/wgsl/kernel.ts";
import { normGradient, vectorGradient } from "../../../kernels/wgsl/norm_gradient.ts";
import { product } from "../../../kernels/wgsl/product.ts";
import { softcapGradient } from "../../../kernels/wgsl/scale.ts";
import type { Columns, Tensor, Weight } from "../backend.ts";
import {
  type ActivationInputs,
  type AttentionInputs,
  type Gradients,
  type Heads,
  type NormGradients,
  type NormInputs,
  productShape,
} from "../gradients.ts";
import type { Commands } from "./commands.ts";
import type { Allocation } from "./memory.ts";

/** What gradients need of a backend. */
interface Means {
  readonly commands: Commands;
  /** Where a tensor's values are. */
  readonly room: (tensor: Tensor) => Allocation;
  /** Where a norm's values are. */
  readonly vector: (weight: Weight) => Allocation;
  /** Bytes for a purpose, until they are taken again. */
  readonly take: (purpose: string, bytes: number) => Allocation;
}

/** Gradients of the WebGPU backend. */
export class WebGpuGradients implements Gradients {
  readonly #means: Means;
  /** Kernels by name and shape, so that a step generates no text. */
  readonly #kernels = new Map<string, Kernel>();

  constructor(means: Means) {
    this.#means = means;
  }

  #run<S extends object>(
    make: (shape: S) => Kernel,
    shape: S,
    { bindings, tokens }: { bindings: readonly (Allocation | Tensor | undefined)[]; tokens: number },
  ): void {
    const name = `${make.name} ${Object.values(shape)}`;
    let kernel = this.#kernels.get(name);
    if (!kernel) this.#kernels.set(name, kernel = make(shape));
    const there = bindings.filter((each) => each !== undefined);
    const { commands, room } = this.#means;
    commands.run(kernel, there.map((each) => "rows" in each ? room(each) : each), { tokens });
  }

  zero(x: Tensor): void {
    this.#means.commands.clear(this.#means.room(x), 4 * x.rows * x.cols);
  }

  product(sum: Tensor, factors: { a: Tensor; b: Tensor; turned?: boolean }): void {
    productShape(sum, factors);
    const { a, b, turned = false } = factors;
    const shape = { cols: a.cols, outCols: b.cols, turned };
    this.#run(product, shape, { bindings: [sum, a, b], tokens: a.rows });
  }

  norm(by: NormGradients, { epsilon, centered, ...of }: NormInputs): void {
    const { cols } = of.weight;
    const tokens = of.x.rows * of.x.cols / cols;
    const stats = this.#means.take("stats", 8 * tokens);
    const bindings = [by.x, stats, of.x, this.#means.vector(of.weight), of.g];
    this.#run(normGradient, { cols, epsilon, centered }, { bindings, tokens });
    const [weight, bias] = [!!by.weight, !!by.bias];
    if (!weight && !bias) return;
    const inputs = weight ? [stats, of.x] : [];
    this.#run(vectorGradient, { cols, weight, bias }, {
      bindings: [by.weight, by.bias, ...inputs, of.g],
      tokens,
    });
  }

  bias(sum: Tensor, g: Tensor): void {
    const shape = { cols: g.cols, weight: false, bias: true };
    this.#run(vectorGradient, shape, { bindings: [sum, g], tokens: g.rows });
  }

  activate(by: { x: Tensor; up?: Tensor }, of: ActivationInputs): void {
    const { x, up, activation, g } = of;
    const shape = { cols: x.cols, activation, gated: !!up };
    this.#run(activateGradient, shape, { bindings: [by.x, up && by.up, x, up, g], tokens: x.rows });
  }

  softcap(g: Tensor, { y, cap }: { y: Tensor; cap: number }): void {
    this.#run(softcapGradient, { cols: g.cols, cap }, { bindings: [g, y], tokens: g.rows });
  }

  columns(dx: Tensor, g: Tensor, piece: Columns): void {
    const { from, width = g.cols, stride = 0 } = piece;
    const shape = { outCols: g.cols, cols: dx.cols, from, width, stride };
    this.#run(columnsGradient, shape, { bindings: [dx, g], tokens: g.rows });
  }

  attention(by: Heads, of: AttentionInputs): void {
    const { q, k, v, g, headDim, scale, softcap, window } = of;
    const tokens = q.rows;
    const shape = { heads: q.cols / headDim, kvHeads: k.cols / headDim, headDim, scale, softcap, window };
    const stats = this.#means.take("shares", 16 * tokens * shape.heads);
    const inputs = [stats, q, k, v, g];
    this.#run(attentionShares, shape, { bindings: inputs, tokens });
    this.#run(attentionQueryGradient, shape, { bindings: [by.q, ...inputs], tokens });
    this.#run(attentionKeyGradient, shape, { bindings: [by.k, by.v, ...inputs], tokens });
  }
}
