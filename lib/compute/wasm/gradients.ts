/**
 * Gradients by kernels, on all threads.
 *
 * @module
 */
import { activationNames, type Columns, type Tensor, type Weight } from "../backend.ts";
import {
  type ActivationInputs,
  type AttentionInputs,
  type Gradients,
  type Heads,
  type NormGradients,
  type NormInputs,
  productShape,
} from "../gradients.ts";
import type { Pool } from "./pool.ts";
import type { Scratch } from "./scratch.ts";

/** Columns of a panel: see panels.ts of the kernels. */
const PANEL = 8;

/** Products that are summed at a time: two panels of them stay in the first-level cache. */
const PACKED = 512;

/** Panels of rows that a thread takes at a time at most: they stay in the second-level cache. */
const MOST_PANELS = 8;

/** What gradients need of a backend. */
interface Means {
  readonly pool: Pool;
  readonly scratch: Scratch;
  /** Multiplications that are worth another thread. */
  readonly worthwhile: number;
  /** Where a tensor's values are, in the first arena. */
  readonly at: (tensor: Tensor) => number;
  /** Where a norm's values are, likewise. */
  readonly vector: (weight: Weight) => number;
}

/** Gradients of the WASM backend. */
export class WasmGradients implements Gradients {
  readonly #means: Means;

  constructor(means: Means) {
    this.#means = means;
  }

  #run(name: string, args: number[], work: { count: number; each: number; most?: number }): void {
    const { pool, worthwhile } = this.#means;
    const grain = Math.max(1, Math.min(work.most ?? Infinity, Math.ceil(worthwhile / work.each)));
    pool.run(pool.arena(), name, args, work.count, grain);
  }

  #take(purpose: string, values: number): number {
    const { pool, scratch } = this.#means;
    return scratch.take(pool.arena(), purpose, 4 * values + 64);
  }

  zero(x: Tensor): void {
    const { pool, at } = this.#means;
    new Float32Array(pool.arena().memory.buffer, at(x), x.rows * x.cols).fill(0);
  }

  product(sum: Tensor, factors: { a: Tensor; b: Tensor; turned?: boolean }): void {
    const { m, k, n } = productShape(sum, factors);
    const { at } = this.#means;
    const panels = (count: number) => Math.ceil(count / PANEL);
    const left = this.#take("left panels", PACKED * panels(m) * PANEL);
    const right = this.#take("right panels", PACKED * panels(n) * PANEL);
    for (let from = 0; from < k; from += PACKED) {
      const some = Math.min(PACKED, k - from);
      const b = at(factors.b) + 4 * from * n;
      this.#run("packPanels", [right, b, some, n], { count: some, each: n });
      if (factors.turned) {
        const a = at(factors.a) + 4 * from * m;
        this.#run("packPanels", [left, a, some, m], { count: some, each: m });
      } else {
        const a = at(factors.a) + 4 * from;
        this.#run("packTurned", [left, a, m, k, some], { count: panels(m), each: PANEL * some });
      }
      const most = Math.min(MOST_PANELS, Math.ceil(panels(m) / (4 * this.#means.pool.threads)));
      const work = { count: panels(m), each: PANEL * n * some, most };
      // Small parts would have each thread read all of b too often.
      work.each = Math.min(work.each, this.#means.worthwhile / Math.max(1, most));
      this.#run("product", [at(sum), left, right, some, m, n], work);
    }
  }

  norm(by: NormGradients, { epsilon, centered, ...of }: NormInputs): void {
    const { at, vector } = this.#means;
    const { cols } = of.weight;
    const pieces = of.x.rows * of.x.cols / cols;
    const stats = this.#take("stats", 2 * pieces);
    const inputs = [at(by.x), stats, at(of.x), vector(of.weight), at(of.g)];
    this.#run("normGradient", [...inputs, cols, epsilon, centered ? 1 : 0], {
      count: pieces,
      each: 8 * cols,
    });
    const outputs = [by.weight ? at(by.weight) : 0, by.bias ? at(by.bias) : 0];
    if (!by.weight && !by.bias) return;
    const args = [...outputs, stats, at(of.x), at(of.g), pieces, cols];
    this.#run("vectorGradient", args, { count: cols, each: 2 * pieces });
  }

  bias(sum: Tensor, g: Tensor): void {
    const { at } = this.#means;
    const args = [0, at(sum), 0, 0, at(g), g.rows, g.cols];
    this.#run("vectorGradient", args, { count: g.cols, each: g.rows });
  }

  activate(by: { x: Tensor; up?: Tensor }, of: ActivationInputs): void {
    const { at } = this.#means;
    const [up, dup] = [of.up ? at(of.up) : 0, by.up ? at(by.up) : 0];
    const args = [at(by.x), dup, at(of.x), up, at(of.g), activationNames.indexOf(of.activation)];
    this.#run("activateGradient", args, { count: Math.ceil(of.x.rows * of.x.cols / 4), each: 128 });
  }

  softcap(g: Tensor, { y, cap }: { y: Tensor; cap: number }): void {
    const { at } = this.#means;
    const work = { count: Math.ceil(g.rows * g.cols / 4), each: 32 };
    this.#run("softcapGradient", [at(g), at(y), cap], work);
  }

  columns(dx: Tensor, g: Tensor, piece: Columns): void {
    const { from, width = g.cols, stride = 0 } = piece;
    const { at } = this.#means;
    const args = [at(dx), at(g), g.cols, dx.cols, from, width, stride];
    this.#run("addColumns", args, { count: g.rows, each: g.cols });
  }

  attention(by: Heads, of: AttentionInputs): void {
    const { at } = this.#means;
    const { headDim, scale, softcap = 0, q, k, v, g } = of;
    const [tokens, heads, kvHeads] = [q.rows, q.cols / headDim, k.cols / headDim];
    const room = 4 * Math.ceil(tokens / 4);
    const scratch = this.#take("scores", 3 * room * kvHeads);
    const places = [by.q, by.k, by.v, q, k, v, g].map(at);
    const shape = [tokens, heads, kvHeads, headDim, scale, softcap, of.window ?? tokens];
    this.#run("attentionGradient", [...places, ...shape, scratch, room], {
      count: kvHeads,
      each: tokens * tokens * headDim,
    });
  }
}
