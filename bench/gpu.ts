/**
 * What is to be known of a real GPU, in one run: bench/gpu.sh calls it there, and bench/gpu_table.ts shows what it finds.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { parseArgs } from "node:util";
import type { Matrix } from "../lib/matrix/matrix.ts";
import { isPacked, type PackedMatrix } from "../lib/matrix/packed_matrix.ts";
import { storedMatrix, type StoredType, storedValues } from "../lib/matrix/stored_matrix.ts";
import { WebGpuBackend } from "../lib/compute/webgpu/backend.ts";
import { GpuLab } from "../lib/compute/webgpu/gpu_lab.ts";
import { median } from "../lib/measure/median.ts";
import { type ModelSpeed, modelSpeed } from "../lib/measure/model_speed.ts";
import { randomWeight } from "../lib/measure/random_weight.ts";
import { layoutOf } from "../lib/model/architectures/mod.ts";
import { parseConfig } from "../lib/model/architectures/parse_config.ts";
import { linearsOf, tensorsOf } from "../lib/model/decoder/layout.ts";
import { Model } from "../lib/model/model.ts";
import { ladderRace, type Result, type Sizes } from "./ladder_race.ts";
import { configOf } from "./shapes.ts";

const HELP = `Checks and times everything on the GPU of this machine, and writes one JSON document.

Usage: bench/gpu.sh run [options]

  --out FILE     the document (out/gpu.json); it is written anew after each part
  --minutes N    time that all may take (8): what does not fit is left out, and named
  --python CMD   a Python with torch, for PyTorch's side (python3)
  --only TEXT    only the parts whose names begin so: "ladder", "decode llama-3.2-1b any4"
  --software     take a software GPU too: to rehearse
  --small        small sizes: to rehearse
  --help         this text
`;

/** One race. */
export type Race = Sizes & { readonly results: readonly Result[] };

/** A model's speed. */
export interface Decode extends ModelSpeed {
  readonly shape: string;
  readonly format: string;
  /** Kernels that a token starts. */
  readonly dispatchesPerToken: number;
  /** Seconds of the processor's that a token takes. */
  readonly processorPerToken: number;
  /** Microseconds in WebGPU's functions. */
  readonly callsPerToken: Readonly<Record<string, number>>;
}

/** What PyTorch takes for a product, and what it copies. */
export interface PeerResult {
  readonly contestant: string;
  readonly rows: number;
  readonly cols: number;
  readonly tokens: number;
  readonly milliseconds: number;
  readonly gigabytesPerSecond: number;
}

/** The document. */
export interface GpuDocument {
  readonly date: string;
  readonly small: boolean;
  readonly device: {
    readonly description: string;
    readonly software: boolean;
    readonly features: readonly string[];
    readonly subgroupSize: number;
    readonly mostBytes: number;
    /** Bytes a second that a copy reads and writes. */
    readonly bandwidth: number;
  };
  /** Kernels against the plain backend. */
  checks?: { passed: number; failed: readonly string[]; finished: boolean };
  /** Microseconds. */
  dispatch?: { gpuEach: number; recordEach: number; readback: number };
  readonly ladder: Race[];
  readonly decode: Decode[];
  /** Kernels that were the fastest, by what they do. */
  winners?: Record<string, string>;
  peer?: { name: string; results: readonly PeerResult[] } | { missing: string };
  /** Seconds that each part took. */
  readonly seconds: Record<string, number>;
  /** What there was no time for, or what failed, and why. */
  readonly leftOut: string[];
}

/** Where tests are that run kernels against the plain backend and need nothing from elsewhere. */
const CHECKS = ["activate", "add", "attention_decode", "attention_prefill", "column_sums", "dense", "embed"]
  .concat(["rms_norm", "rope_store", "rope", "scatter_add", "store_kv", "table", "top_k"]);

const FORMATS = ["any4", "f16", "int4", "any3", "any2", "nf4"];

/** Bytes of weights that take turns: more than any cache holds. */
const COLD_BYTES = 256 << 20;

/** Kernels in a row whose time is that of starting them. */
const DISPATCHES = 1000;

interface Options {
  readonly out: string;
  readonly python: string;
  readonly only: string;
  readonly small: boolean;
  readonly software: boolean;
  /** When all has to be over, by performance.now(). */
  readonly end: number;
}

/** Times WebGPU's functions until it is disposed of. */
class Calls implements Disposable {
  readonly #times = new Map<string, { count: number; milliseconds: number }>();
  readonly #undo: (() => void)[] = [];

  constructor() {
    const { prototype: queue } = GPUQueue;
    const { prototype: device } = GPUDevice;
    const { prototype: encoder } = GPUCommandEncoder;
    const { prototype: pass } = GPUComputePassEncoder;
    const timed: [object, string[]][] = [
      [queue, ["submit", "writeBuffer"]],
      [device, ["createBindGroup", "createCommandEncoder"]],
      [encoder, ["beginComputePass", "finish"]],
      [pass, ["setPipeline", "setBindGroup", "dispatchWorkgroups", "end"]],
      [GPUBuffer.prototype, ["mapAsync"]],
    ];
    for (const [prototype, names] of timed) for (const name of names) this.#time(prototype, name);
  }

  #time(prototype: object, name: string): void {
    const functions = prototype as Record<string, (...args: unknown[]) => unknown>;
    const own = functions[name]!;
    const time = { count: 0, milliseconds: 0 };
    this.#times.set(name, time);
    functions[name] = function (this: unknown, ...args: unknown[]) {
      const start = performance.now();
      try {
        return own.apply(this, args);
      } finally {
        time.milliseconds += performance.now() - start;
        time.count++;
      }
    };
    this.#undo.push(() => functions[name] = own);
  }

  count(name: string): number {
    return this.#times.get(name)!.count;
  }

  /** Microseconds a token, by function. */
  perToken(tokens: number): Record<string, number> {
    return Object.fromEntries(
      Array.from(this.#times, ([name, { milliseconds }]) => [name, 1000 * milliseconds / tokens]),
    );
  }

  [Symbol.dispose](): void {
    for (const undo of this.#undo) undo();
  }
}

/** One run. */
class Run {
  readonly #options: Options;
  readonly #document: GpuDocument;
  readonly #tunedFile: string;

  private constructor(options: Options, backend: WebGpuBackend, tunedFile: string, bandwidth: number) {
    const { description, software, features, subgroupSize, mostBytes } = backend.device;
    const device = { description, software, features: [...features], subgroupSize, mostBytes, bandwidth };
    this.#options = options;
    this.#tunedFile = tunedFile;
    this.#document = {
      date: new Date().toISOString().slice(0, 10),
      small: options.small,
      device,
      ladder: [],
      decode: [],
      seconds: {},
      leftOut: [],
    };
  }

  static async start(options: Options): Promise<Run> {
    const tunedFile = await Deno.makeTempFile();
    using backend = await WebGpuBackend.open({ software: options.software, tune: true, tunedFile });
    return new Run(options, backend, tunedFile, await backend.bandwidth());
  }

  /** A device for one part: what goes wrong on it ends with it. */
  #open(): Promise<WebGpuBackend> {
    const { software, small } = this.#options;
    return WebGpuBackend.open({ software, tune: !small, tunedFile: this.#tunedFile });
  }

  /** Seconds that are left. */
  get #left(): number {
    return (this.#options.end - performance.now()) / 1000;
  }

  /** Runs a part if there is time for it; its failure is noted and ends no other. */
  async #part(name: string, least: number, work: () => Promise<void>): Promise<void> {
    const { leftOut, seconds } = this.#document;
    if (!name.startsWith(this.#options.only)) return;
    if (this.#left < least) {
      leftOut.push(`${name}: no time left`);
      return;
    }
    const start = performance.now();
    try {
      await work();
    } catch (error) {
      leftOut.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
    seconds[name] = (performance.now() - start) / 1000;
    await Deno.writeTextFile(this.#options.out, JSON.stringify(this.#document, null, 1));
    console.error(`${name}: ${seconds[name].toFixed(1)} s, ${this.#left.toFixed(0)} s left`);
  }

  /** All parts, what matters most first. */
  async all(): Promise<GpuDocument> {
    const { small } = this.#options;
    await this.#part("dispatch", 5, () => this.#dispatch());
    await this.#part("checks", 30, () => this.#checks());
    using lab = await GpuLab.open({ software: this.#options.software });
    const race = async (races: readonly Sizes[]) => {
      for (const sizes of races) await this.#race(lab, sizes);
    };
    const [one, eight] = small ? ["tiny", "tiny"] : ["llama-3.2-1b", "llama-3.1-8b"];
    await race(small ? SMALL_RACES : FIRST_RACES);
    await this.#part("PyTorch", 20, () => this.#peer());
    const [first, others] = [FORMATS.slice(0, 3), FORMATS.slice(3)];
    await this.#model(one, first);
    const more = racesOf(SHAPES[0]);
    if (!small) {
      await race(more.slice(0, 4));
      await this.#model(eight, first.slice(0, 2));
    }
    await this.#model(one, others);
    if (small) return this.#document;
    await race(more.slice(4));
    await this.#model(eight, [...first.slice(2), ...others]);
    for (const shape of SHAPES.slice(1)) await race(racesOf(shape));
    return this.#document;
  }

  async #dispatch(): Promise<void> {
    using backend = await this.#open();
    const [x, y] = [backend.tensor(1, 4), backend.tensor(1, 4)];
    for (const tensor of [x, y]) backend.write(tensor, new Float32Array(4));
    const record = () => {
      for (let i = 0; i < DISPATCHES; i++) backend.add(x, y);
    };
    const rounds = async (one: () => Promise<number>) => {
      const times: number[] = [];
      for (let round = 0; round < 7; round++) times.push(await one());
      return median(times);
    };
    const gpu = await rounds(() => backend.seconds(record));
    const recorded = await rounds(async () => {
      await backend.read(x);
      const start = performance.now();
      record();
      return (performance.now() - start) / 1000;
    });
    const readback = await rounds(async () => {
      const start = performance.now();
      await backend.read(x);
      return (performance.now() - start) / 1000;
    });
    const each = 1e6 / DISPATCHES;
    this.#document.dispatch = { gpuEach: gpu * each, recordEach: recorded * each, readback: 1e6 * readback };
  }

  /** The kernels' tests, in a process of their own. */
  async #checks(): Promise<void> {
    const names = this.#options.small ? ["add", "rope", "top_k"] : CHECKS;
    const files = names.map((name) => new URL(`../tests/kernels/${name}_test.ts`, import.meta.url).pathname);
    const seconds = Math.min(80, this.#left - 10);
    const args = [
      "test",
      "--no-check",
      "--allow-all",
      "--cached-only",
      "--parallel",
      "--reporter=tap",
      ...files,
    ];
    const process = new Deno.Command(Deno.execPath(), {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
      env: this.#options.software ? { ANY4_GPU: "software" } : {},
      signal: AbortSignal.timeout(1000 * seconds),
    });
    const { code, stdout } = await process.output();
    const lines = new TextDecoder().decode(stdout).split("\n").map((line) => line.trim());
    const named = (start: RegExp) =>
      lines.filter((line) => start.test(line)).map((line) => line.replace(start, ""));
    const passed = named(/^ok \d+ - /).filter((name) => !name.includes("# SKIP"));
    const failed = named(/^not ok \d+ - /);
    if (passed.length === 0) throw new Error(`No test ran: exit code ${code}`);
    this.#document.checks = { passed: passed.length, failed, finished: code === 0 || failed.length > 0 };
  }

  #race(lab: GpuLab, sizes: Sizes): Promise<void> {
    const { rows, cols, bits, tokens } = sizes;
    return this.#part(`ladder ${rows}×${cols}, ${bits} bits, ${tokens} tokens`, 15, async () => {
      const options = this.#options.small
        ? { bytes: 1 << 20, seconds: 0.1 }
        : { bytes: COLD_BYTES, seconds: 1 };
      this.#document.ladder.push({ ...sizes, results: await ladderRace(lab, sizes, options) });
    });
  }

  /** A model of a shape in some formats; what is no Linear stays as it is in all of them. */
  async #model(shape: string, formats: readonly string[]): Promise<void> {
    const rawConfig = configOf(shape);
    const config = parseConfig(rawConfig, "config.json");
    const layout = layoutOf(config, () => false);
    const names = new Set(Array.from(linearsOf(layout), ({ weight }) => weight.name));
    const places = [...tensorsOf(layout)].filter(({ optional }) => !optional);
    const others = new Map<string, Matrix | PackedMatrix>();
    for (const { name, rows, cols } of places) {
      if (!names.has(name)) others.set(name, randomWeight({ rows, cols }, { format: "bf16" }));
    }
    for (const format of formats) {
      const least = shape === "llama-3.1-8b" && format === "f16" ? 40 : 25;
      await this.#part(`decode ${shape} ${format}`, least, async () => {
        const made = new Map<string, Matrix | PackedMatrix>();
        const tensors = new Map(others);
        for (const { name, rows, cols } of places) {
          if (!names.has(name)) continue;
          const size = `${rows}×${cols}`;
          const first = made.get(size) ?? randomWeight({ rows, cols }, { format });
          made.set(size, first);
          // Each layer has weights of its own on the device, of the same values.
          tensors.set(name, again(first));
        }
        using backend = await this.#open();
        const model = new Model({
          name: shape,
          folder: "",
          config,
          rawConfig,
          generationConfig: null,
          // Nothing here is text.
          tokenizer: undefined as never,
          backend,
          tensors,
        });
        this.#document.decode.push(await this.#decode(model, format));
      });
    }
    this.#document.winners = winners(await Deno.readTextFile(this.#tunedFile));
  }

  async #decode(model: Model, format: string): Promise<Decode> {
    const sizes = this.#options.small
      ? { promptTokens: 16, newTokens: 8, rounds: 1 }
      : { promptTokens: 512, newTokens: 64, rounds: 3 };
    const speed = await modelSpeed(model, sizes);
    using session = model.session(sizes.newTokens + 2);
    await session.greedy([1], 2);
    using calls = new Calls();
    const before = cpuUsage();
    await session.greedy([1], sizes.newTokens);
    const { user, system } = cpuUsage(before);
    return {
      shape: model.name,
      format,
      ...speed,
      dispatchesPerToken: calls.count("dispatchWorkgroups") / sizes.newTokens,
      processorPerToken: (user + system) / 1e6 / sizes.newTokens,
      callsPerToken: calls.perToken(sizes.newTokens),
    };
  }

  async #peer(): Promise<void> {
    const { python, small } = this.#options;
    const script = new URL("./gpu_peer.py", import.meta.url).pathname;
    const seconds = Math.min(60, this.#left - 5);
    const process = new Deno.Command(python, {
      args: [script, ...(small ? ["--small"] : [])],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
      signal: AbortSignal.timeout(1000 * seconds),
    });
    const { success, stdout } = await process.output();
    const text = new TextDecoder().decode(stdout);
    if (!success) throw new Error(`${python} ended without a result in ${seconds.toFixed(0)} s`);
    this.#document.peer = JSON.parse(text);
  }
}

/** Another weight of the same values. */
function again(weight: Matrix | PackedMatrix): Matrix | PackedMatrix {
  const stored = isPacked(weight) ? undefined : storedValues(weight);
  if (!stored) return { ...weight };
  const { rows, cols, dtype } = weight as Matrix & { dtype: StoredType };
  return storedMatrix(stored, { rows, cols, dtype });
}

/** What the tuner remembers of the only device in its file. */
function winners(text: string): Record<string, string> {
  return text === ""
    ? {}
    : Object.values(JSON.parse(text) as Record<string, Record<string, string>>)[0] ?? {};
}

/** Sizes of weights, the one that matters most first. */
const SHAPES = [[8192, 8192], [4096, 4096], [14336, 4096]] as const;

/** One product of a shape. */
function sizesOf([rows, cols]: readonly [number, number], tokens: number, bits: Sizes["bits"]): Sizes {
  return { rows, cols, bits, tokens, groupSize: 128 };
}

/** The products of a shape beyond the first, those that matter most first. */
function racesOf(shape: readonly [number, number]): Sizes[] {
  const first = [[4, 512], [4, 8], [3, 1], [2, 1], [8, 1], [3, 8], [2, 8], [8, 8]] as const;
  const last = [[3, 512], [2, 512], [8, 512]] as const;
  return [...first, ...last].map(([bits, tokens]) => sizesOf(shape, tokens, bits));
}

const FIRST_RACES: readonly Sizes[] = SHAPES.map((shape) => sizesOf(shape, 1, 4));
const SMALL_RACES: readonly Sizes[] = ([4, 8, 2] as const).map((bits) =>
  sizesOf([64, 256], bits === 8 ? 8 : 1, bits)
)
  .concat(sizesOf([64, 256], 512, 4));

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: "out/gpu.json" },
      minutes: { type: "string", default: "8" },
      python: { type: "string", default: "python3" },
      only: { type: "string", default: "" },
      software: { type: "boolean", default: false },
      small: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    Deno.exit(0);
  }
  try {
    const run = await Run.start({ ...values, end: performance.now() + 60_000 * Number(values.minutes) });
    const { leftOut } = await run.all();
    for (const what of leftOut) console.error(`Left out: ${what}`);
    console.error(`${values.out} holds the results.`);
    Deno.exit(0);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
