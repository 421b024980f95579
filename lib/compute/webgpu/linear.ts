/**
 * x · Wᵀ: which kernels.
 *
 * @module
 */
import { INT8_GROUP } from "../../../kernels/wgsl/activations_int8.ts";
import type { Kernel } from "../../../kernels/wgsl/kernel.ts";
import { together } from "../../../kernels/wgsl/together.ts";
import { type Candidate, denseKernels, FEW_TOKENS, tableKernels } from "../../../kernels/wgsl/mod.ts";
import { DisposedError } from "../../errors.ts";
import type { ActivationType } from "../backend.ts";
import type { Commands } from "./commands.ts";
import type { Device } from "./device.ts";
import type { Allocation, Memory } from "./memory.ts";
import type { Tuner } from "./tuner.ts";
import type { GpuWeight, WeightPart } from "./weights.ts";

/** A product of a part with some tokens, and how it can be done. */
interface Product {
  readonly part: WeightPart;
  readonly bias?: Allocation;
  readonly tokens: number;
  readonly out: Allocation;
  readonly x: Allocation;
  readonly plan: Plan;
}

/** The type of products. */
interface Plan {
  /** What they do, whatever the weight's values and its place. */
  readonly task: string;
  /** Kernels that can do it, by name, the default first. */
  readonly candidates: ReadonlyMap<string, Candidate>;
  /** Its own: parts of the same task at the same place share a plan. */
  readonly number: number;
}

/** A product and where it goes. */
export interface LinearTo {
  readonly out: Allocation;
  readonly weight: GpuWeight;
  readonly bias?: Allocation;
}

/** Products of a shape that take turns when it is timed: enough to leave none of them in a cache. */
const TURNS = 32;

/** Seconds that a turn takes at least, and how often its products are repeated for that at most. */
const [LEAST_TURN, MOST_REPEATS] = [0.004, 64];

/** Runs linears on a device. */
export class LinearRunner {
  readonly #device: Device;
  readonly #commands: Commands;
  readonly #memory: Memory;
  readonly #tuner: Tuner;
  /** Kernels of each part, by tokens and bias. */
  readonly #plans = new WeakMap<WeightPart, Map<string, Plan>>();
  /** The same by what parts are and where: layers share them. */
  readonly #known = new Map<string, Plan>();
  /** Kernels of several products, and where there is none. */
  readonly #together = new Map<string, Kernel | null>();
  readonly #activations: ActivationType;
  /** Tasks that have been met and not been timed. */
  readonly #open = new Map<string, Product[]>();

  /** @param means what it works with. */
  constructor(means: {
    device: Device;
    commands: Commands;
    memory: Memory;
    tuner: Tuner;
    activations?: ActivationType;
  }) {
    this.#device = means.device;
    this.#commands = means.commands;
    this.#memory = means.memory;
    this.#tuner = means.tuner;
    this.#activations = means.activations ?? "f32";
  }

  /** out = x · weightᵀ + bias, for some weights: as one kernel where they can be. */
  run(x: Allocation, products: readonly LinearTo[], tokens: number): void {
    const all = products.flatMap(({ out, weight, bias }) =>
      weight.parts.map((part) => ({ part, bias, tokens, out, x, plan: this.#plan({ part, bias, tokens }) }))
    );
    for (const product of all) this.#meet(product);
    if (all.length > 1 && tokens <= FEW_TOKENS && this.#runTogether(all)) return;
    for (const product of all) this.#run(this.#tuner.winner(product.plan.task), product);
  }

  /** Remembers a product that is to be timed. */
  #meet(product: Product): void {
    const { task, candidates } = product.plan;
    if (candidates.size === 1 || !this.#tuner.isOpen(task)) return;
    const met = this.#open.get(task);
    if (!met) this.#open.set(task, [product]);
    else if (met.length < TURNS) met.push(product);
  }

  /** Runs products of an x as one kernel, the fastest for the largest of them; false where there is none that does all. */
  #runTogether(all: readonly Product[]): boolean {
    const [{ tokens, x }] = all as [Product];
    const { task, candidates } = all.reduce((a, b) => b.part.shape.rows > a.part.shape.rows ? b : a).plan;
    const name = this.#tuner.winner(task) ?? candidates.keys().next().value!;
    const key = [name, ...all.map(({ plan }) => plan.number)].join();
    let kernel = this.#together.get(key);
    if (kernel === undefined) this.#together.set(key, kernel = this.#kernelOf(all, name));
    // A kernel cannot write one buffer through two bindings.
    if (!kernel || new Set(all.map(({ out }) => out)).size < all.length) return false;
    this.#commands.run(kernel, [x, ...all.flatMap((one) => [one.out, ...weightsOf(one)])], { tokens });
    return true;
  }

  /** The candidates of that name as one kernel; null where they are none, or have too many bindings. */
  #kernelOf(all: readonly Product[], name: string): Kernel | null {
    const found = all.map(({ plan }) => plan.candidates.get(name));
    const kernels = found.flatMap((one) => one && !one.activations ? [one.kernel] : []);
    const bindings = all.reduce((sum, one) => sum + 1 + weightsOf(one).length, 1);
    const fits = bindings <= this.#device.gpu.limits.maxStorageBuffersPerShaderStage;
    return fits && kernels.length === all.length && together(kernels, all[0]!.tokens) || null;
  }

  /** Times the kernels of the shapes that have come since, and takes the fastest from now on. */
  async tune(): Promise<void> {
    for (const [task, products] of this.#open) {
      this.#open.delete(task);
      const { tokens, part: { shape } } = products[0]!;
      const [x, out] = [shape.cols, shape.outCols].map((cols) => this.#memory.take(4 * tokens * cols));
      const all = products.map((product) => ({ ...product, out: out!, x: x! }));
      let repeats = 1;
      const turn = (name: string) => async () => {
        const seconds = await this.#commands.seconds(() => {
          for (let i = 0; i < repeats; i++) for (const one of all) this.#run(name, one);
        });
        return seconds / repeats;
      };
      const names = [...products[0]!.plan.candidates.keys()];
      try {
        // A GPU that waits more than it works lowers its frequency.
        repeats = Math.min(Math.ceil(LEAST_TURN / await turn(names[0]!)()), MOST_REPEATS);
        await this.#tuner.decide(task, new Map(names.map((name) => [name, turn(name)])));
      } catch (error) {
        // The weights' model was disposed of meanwhile: whoever reads now has nothing to do with it.
        if (!(error instanceof DisposedError)) throw error;
      }
      this.#memory.free(x!);
      this.#memory.free(out!);
    }
  }

  /** Runs the kernel of that name, or the default where there is none. */
  #run(name: string | undefined, product: Product): void {
    const { part, tokens, out, x, plan: { candidates } } = product;
    const candidate = (name !== undefined && candidates.get(name)) || candidates.values().next().value!;
    const weights = weightsOf(product);
    const { kernel, activations } = candidate;
    if (!activations) {
      this.#commands.run(kernel, [out, x, ...weights], { tokens });
      return;
    }
    const groups = tokens * Math.ceil(part.shape.cols / INT8_GROUP);
    const rounded = [this.#memory.take(groups * INT8_GROUP), this.#memory.take(groups * 8)];
    this.#commands.run(activations, [...rounded, x], { tokens });
    this.#commands.run(kernel, [out, ...rounded, ...weights], { tokens });
    // Kernels in the queue read them before the next owner writes them.
    for (const room of rounded.reverse()) this.#memory.free(room);
  }

  #plan({ part, bias, tokens }: Pick<Product, "part" | "bias" | "tokens">): Plan {
    let plans = this.#plans.get(part);
    if (!plans) this.#plans.set(part, plans = new Map());
    const key = `${tokens > FEW_TOKENS ? "many" : tokens} tokens, bias ${!!bias}`;
    let plan = plans.get(key);
    if (!plan) {
      const { firstRow, outCols, ...shape } = part.shape;
      const what = Object.entries(shape).map(([name, value]) => `${name} ${value}`).join(", ");
      const task = `${part.kind} ${what}, ${key}, ${this.#activations}`;
      const place = `${task} at ${firstRow} of ${outCols}`;
      plan = this.#known.get(place) ??
        { task, number: this.#known.size, candidates: this.#candidates({ part, bias, tokens }) };
      plans.set(key, plan);
      this.#known.set(place, plan);
    }
    return plan;
  }

  #candidates({ part, bias, tokens }: Pick<Product, "part" | "bias" | "tokens">): Plan["candidates"] {
    const target = {
      tokens,
      device: this.#device,
      halfProducts: this.#activations === "f16",
      int8Activations: this.#activations === "int8",
    };
    const candidates = part.kind === "table"
      ? tableKernels({ ...part.shape, bias: !!bias }, target)
      : denseKernels({ ...part.shape, bias: !!bias }, target);
    // Who asks for rounding wants what it gains, timed or not.
    const wanted = (candidate: Candidate) =>
      this.#activations === "int8" && candidate.activations ||
      this.#activations === "f16" && candidate.name.includes("f16");
    candidates.sort((a, b) => Number(!!wanted(b)) - Number(!!wanted(a)));
    return new Map(candidates.map((candidate) => [candidate.name, candidate]));
  }
}

/** What a kernel reads beside x. */
function weightsOf({ part, bias }: Product): Allocation[] {
  return [...part.rooms, ...(bias ? [bias] : [])];
}
