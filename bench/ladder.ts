/**
 * The ladder of WGSL kernels: how fast each rung multiplies one matrix, beside our dense kernels and a plain copy.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { table } from "any4";
import { activationsInt8 } from "../kernels/wgsl/activations_int8.ts";
import { bindings, type Element } from "../kernels/wgsl/bindings.ts";
import { denseDecode } from "../kernels/wgsl/dense_decode.ts";
import { denseTiled } from "../kernels/wgsl/dense_tiled.ts";
import { type Kernel, line, workgroupIndex } from "../kernels/wgsl/kernel.ts";
import { FEW_TOKENS } from "../kernels/wgsl/mod.ts";
import { chunksOf, type TableShape } from "../kernels/wgsl/table.ts";
import { tableNaive } from "../kernels/wgsl/table_1_naive.ts";
import { tableWords } from "../kernels/wgsl/table_2_words.ts";
import { tableLut } from "../kernels/wgsl/table_3_lut.ts";
import { tableRows } from "../kernels/wgsl/table_4_rows.ts";
import { tablePairs } from "../kernels/wgsl/table_5_pairs.ts";
import { tableSubgroups } from "../kernels/wgsl/table_6_subgroups.ts";
import { tableInt8 } from "../kernels/wgsl/table_7_int8.ts";
import { tableLine } from "../kernels/wgsl/table_line.ts";
import { tableTiled } from "../kernels/wgsl/table_tiled.ts";
import { Device } from "../lib/compute/webgpu/device.ts";
import { denseParts, tableParts } from "../lib/compute/webgpu/weight_parts.ts";
import type { PackedMatrix } from "../lib/matrix/packed_matrix.ts";
import { Random } from "../lib/random.ts";
import { median } from "../lib/measure/median.ts";

const HELP = `Times the ladder of WGSL kernels: one matrix times a few tokens or many.

Usage: deno run --allow-read --allow-env bench/ladder.ts [options]

  --rows N     rows of the matrix (4096)
  --cols N     its columns (4096)
  --bits N     bits of a code: 2, 3, 4 or 8 (4)
  --group N    columns that share a scale (128)
  --tokens N   tokens (1)
  --rounds N   rounds, of which the median counts (9)
  --cold N     megabytes of copies of the weights that are cycled through, to be more than all caches (256)
  --json       print JSON
  --help       this text

Contestants take turns within a round, so that a busy machine slows all alike. Times are the GPU's own where it has
timestamp queries. GB/s count the bytes of the weights; the copy's, what it reads and writes.
`;

/** The sizes of a product. */
interface Sizes {
  readonly rows: number;
  readonly cols: number;
  readonly bits: 2 | 3 | 4 | 8;
  readonly groupSize: number;
  readonly tokens: number;
}

/** A kernel, or two that run one after the other, to be timed. */
interface Contestant {
  readonly name: string;
  readonly kernels: readonly Kernel[];
  /** Bytes that a turn reads of the weights. */
  readonly bytes: number;
  /** Bindings of each kernel, for each copy of the weights. */
  readonly copies: readonly (readonly GPUBindingResource[][])[];
}

/** A contestant's result. */
interface Result {
  readonly name: string;
  readonly milliseconds: number;
  readonly gigabytesPerSecond: number;
  /** Multiplications and additions, 0 for the copy. */
  readonly gigaflops: number;
}

const random = new Random(5);
const normal = (n: number) => Float32Array.from({ length: n }, () => Math.f16round(random.normal()));

/** A random packed matrix; the values do not matter to speed, so nothing is learned. */
function packed({ rows, cols, bits, groupSize }: Sizes, shared: boolean): PackedMatrix {
  const groups = rows * Math.ceil(cols / groupSize);
  return {
    format: `table${bits}`,
    bits,
    rows,
    cols,
    groupSize,
    codes: Uint32Array.from({ length: rows * Math.ceil(cols / 32) * bits }, () => random.next() * 2 ** 32),
    scales: normal(groups),
    zeros: normal(groups),
    codebook: shared ? Float32Array.from({ length: 2 ** bits }, (_, i) => i) : normal(rows * 2 ** bits),
    scaleType: "f16",
    codebookType: shared ? "fixed" : "f16",
  };
}

/** Copies a vec4u an invocation: what memory can do at most, reading and writing. */
function copyKernel(bytes: number): Kernel {
  const count = bytes / 16;
  return {
    name: "copy",
    workgroups: () => line(Math.ceil(count / 256)),
    code: `${bindings({ copy: "array<vec4u>", original: "array<vec4u>" })}
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) i: u32,
) {
  let at = ${workgroupIndex} * 256u + i;
  if (at < ${count}u) { copy[at] = original[at]; }
}`,
  };
}

/** The buffers and clocks of a device. */
class Laboratory {
  readonly device: Device;
  readonly #tokens: number;
  readonly #pipelines = new Map<string, GPUComputePipeline>();
  readonly #step: GPUBuffer;
  readonly #stamps: { set: GPUQuerySet; resolved: GPUBuffer; landing: GPUBuffer } | undefined;

  constructor(device: Device, tokens: number) {
    this.device = device;
    this.#tokens = tokens;
    const { gpu } = device;
    this.#step = gpu.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    gpu.queue.writeBuffer(this.#step, 0, Uint32Array.of(tokens, 0, 0, 0));
    if (device.features.has("timestamp-query")) {
      this.#stamps = {
        set: gpu.createQuerySet({ type: "timestamp", count: 2 }),
        resolved: gpu.createBuffer({
          size: 16,
          usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
        }),
        landing: gpu.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST }),
      };
    }
  }

  /** Whether times are the GPU's own. */
  get exact(): boolean {
    return this.#stamps !== undefined;
  }

  buffer(data: ArrayBufferView | number): GPUBindingResource {
    const bytes = typeof data === "number" ? data : data.byteLength;
    const buffer = this.device.gpu.createBuffer({
      size: Math.ceil(bytes / 256) * 256,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    if (typeof data !== "number") {
      this.device.gpu.queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, bytes);
    }
    return { buffer };
  }

  /** Makes what a contestant needs to run. */
  prepare({ kernels, copies }: Contestant): (repeats: number) => Promise<number> {
    const { gpu } = this.device;
    const pipelines = kernels.map((kernel) => {
      let pipeline = this.#pipelines.get(kernel.code);
      if (!pipeline) {
        this.#pipelines.set(kernel.code, pipeline = this.device.pipeline(kernel.name, kernel.code));
      }
      return pipeline;
    });
    const groups = copies.map((bindings) =>
      kernels.map((kernel, k) => {
        const resources = [...bindings[k]!];
        if (kernel.code.includes("var<uniform>")) resources.push({ buffer: this.#step });
        return gpu.createBindGroup({
          layout: pipelines[k]!.getBindGroupLayout(0),
          entries: resources.map((resource, binding) => ({ binding, resource })),
        });
      })
    );
    let turn = 0;
    return (repeats) =>
      this.#time((pass) => {
        for (let i = 0; i < repeats; i++) {
          const copy = groups[turn++ % groups.length]!;
          for (const [k, kernel] of kernels.entries()) {
            pass.setPipeline(pipelines[k]!);
            pass.setBindGroup(0, copy[k]!);
            pass.dispatchWorkgroups(...kernel.workgroups(this.#tokens));
          }
        }
      });
  }

  /** Seconds that a pass takes. */
  async #time(record: (pass: GPUComputePassEncoder) => void): Promise<number> {
    const { gpu } = this.device;
    const encoder = gpu.createCommandEncoder();
    const stamps = this.#stamps;
    const pass = encoder.beginComputePass(
      stamps &&
        { timestampWrites: { querySet: stamps.set, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } },
    );
    record(pass);
    pass.end();
    if (stamps) {
      encoder.resolveQuerySet(stamps.set, 0, 2, stamps.resolved, 0);
      encoder.copyBufferToBuffer(stamps.resolved, 0, stamps.landing, 0, 16);
    }
    const start = performance.now();
    gpu.queue.submit([encoder.finish()]);
    if (!stamps) {
      await gpu.queue.onSubmittedWorkDone();
      return (performance.now() - start) / 1000;
    }
    await stamps.landing.mapAsync(GPUMapMode.READ);
    const [from, to] = new BigUint64Array(stamps.landing.getMappedRange());
    const seconds = Number(to! - from!) / 1e9;
    stamps.landing.unmap();
    return seconds;
  }
}

/** The rungs, by the names that the table shows. */
function rungs(
  sizes: Sizes,
  device: Device,
): { name: string; make: (shape: TableShape) => Kernel; line?: boolean }[] {
  const { tokens, bits } = sizes;
  const elements: Element[] = device.features.has("shader-f16") ? ["f32", "f16"] : ["f32"];
  const suffix = (element: Element) => element === "f16" ? ", f16" : "";
  if (tokens > FEW_TOKENS) {
    return elements.flatMap((element) =>
      ([64, 16] as const).map((tile) => ({
        name: `tiles of ${tile} tokens${suffix(element)}`,
        make: (shape: TableShape) => tableTiled(shape, { element, tile }),
      }))
    );
  }
  const { subgroupSize } = device;
  const wide = chunksOf(bits).at(-1)!;
  const each = (name: string, make: (shape: TableShape, element: Element) => Kernel) =>
    elements.slice(0, bits === 8 ? 1 : 2).map((element) => ({
      name: name + suffix(element),
      make: (shape: TableShape) => make(shape, element),
    }));
  return [
    { name: "1 naive", make: (shape) => tableNaive(shape, { tokens }) },
    { name: "2 words", make: (shape) => tableWords(shape, { tokens }) },
    ...each("3 table in workgroup memory", (shape, element) => tableLut(shape, { tokens, element })),
    ...each("4 several rows", (shape, element) => tableRows(shape, { tokens, element })),
    ...(chunksOf(bits).length > 1
      ? each(
        `4 several rows, ${wide} columns`,
        (shape, element) => tableRows(shape, { tokens, element, chunk: wide }),
      )
      : []),
    ...each("4 eight rows", (shape, element) => tableRows(shape, { tokens, element, rows: 8 })),
    ...(bits < 8 ? each("5 pairs", (shape, element) => tablePairs(shape, { tokens, element })) : []),
    ...(bits === 2
      ? each("5 fours", (shape, element) => tablePairs(shape, { tokens, element, per: 4 }))
      : []),
    ...(subgroupSize
      ? [
        ...each(
          "6 subgroups",
          (shape, element) => tableSubgroups(shape, { tokens, element, subgroupSize, lookup: "single" }),
        ),
        ...(bits < 8
          ? each(
            "6 subgroups, pairs",
            (shape, element) => tableSubgroups(shape, { tokens, element, subgroupSize, lookup: "pairs" }),
          )
          : []),
      ]
      : []),
    ...each("a line, no table", (shape, element) => tableLine(shape, { tokens, element, subgroupSize }))
      .map((rung) => ({ ...rung, line: true })),
  ];
}

/** All that take part, the copy first. */
function contestants(laboratory: Laboratory, { sizes, cold }: { sizes: Sizes; cold: number }): Contestant[] {
  const { rows, cols, bits, tokens } = sizes;
  const { device } = laboratory;
  const x = laboratory.buffer(normal(tokens * cols));
  const out = laboratory.buffer(4 * tokens * rows);
  const bytesOf = (arrays: readonly ArrayBufferView[]) =>
    arrays.reduce((sum, array) => sum + array.byteLength, 0);
  const copiesOf = (arrays: readonly ArrayBufferView[]) =>
    Array.from(
      { length: Math.max(1, Math.ceil(cold / bytesOf(arrays))) },
      () => arrays.map((a) => laboratory.buffer(a)),
    );
  const half = Math.min(cold, device.gpu.limits.maxStorageBufferBindingSize) / 2;
  const all: Contestant[] = [{
    name: "copy",
    kernels: [copyKernel(half)],
    bytes: 2 * half,
    copies: [0, 1].map(() => [[laboratory.buffer(half), laboratory.buffer(half)]]),
  }];

  const matrices = [false, true].map((shared) => {
    const { shape, codes, scales, codebook } = tableParts(packed(sizes, shared));
    const arrays = [codes, scales, codebook];
    return { shape, bytes: bytesOf(arrays), copies: copiesOf(arrays) };
  });
  for (const rung of rungs(sizes, device)) {
    const { shape, bytes, copies } = matrices[rung.line ? 1 : 0]!;
    all.push({
      name: rung.name,
      kernels: [rung.make(shape)],
      bytes,
      copies: copies.map((weights) => [[out, x, ...weights]]),
    });
  }
  if (tokens <= FEW_TOKENS) {
    const { shape, bytes, copies } = matrices[bits === 8 ? 1 : 0]!;
    const words = tokens * Math.ceil(cols / 32);
    const [q, sums] = [laboratory.buffer(32 * words), laboratory.buffer(8 * words)];
    const { subgroupSize } = device;
    all.push({
      name: "7 int8 activations",
      kernels: [
        activationsInt8(shape),
        tableInt8(shape, { tokens, subgroupSize: subgroupSize || undefined }),
      ],
      bytes,
      copies: copies.map((weights) => [[q, sums, x], [out, q, sums, ...weights]]),
    });
  }
  for (const dtype of ["F16", "F32"] as const) {
    const data = Float32Array.from({ length: rows * cols }, () => Math.floor(16 * random.next()) - 8);
    const { shape, weights } = denseParts({ rows, cols, data, dtype });
    const copies = copiesOf([weights]);
    const subgroupSize = device.subgroupSize || undefined;
    all.push({
      name: `dense ${dtype.toLowerCase()}`,
      kernels: [tokens > FEW_TOKENS ? denseTiled(shape) : denseDecode(shape, { tokens, subgroupSize })],
      bytes: weights.byteLength,
      copies: copies.map((resources) => [[out, x, ...resources]]),
    });
  }
  return all;
}

/** Lets contestants take turns. */
async function race(
  laboratory: Laboratory,
  { all, rounds, sizes }: { all: readonly Contestant[]; rounds: number; sizes: Sizes },
): Promise<Result[]> {
  const timers = all.map((contestant) => laboratory.prepare(contestant));
  await laboratory.device.check();
  // So many repeats that a turn is long beside the clock's grain: 5 ms of the GPU's clock, 200 ms of ours.
  const least = laboratory.exact ? 0.005 : 0.2;
  const repeats: number[] = [];
  for (const time of timers) {
    let count = 1;
    while (await time(count) < least && count < 4096) count *= 2;
    repeats.push(count);
  }
  const seconds = all.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, time] of timers.entries()) seconds[i]!.push(await time(repeats[i]!) / repeats[i]!);
  }
  await laboratory.device.check();
  return all.map(({ name, bytes }, i) => {
    const each = median(seconds[i]!);
    const operations = i === 0 ? 0 : 2 * sizes.rows * sizes.cols * sizes.tokens;
    return {
      name,
      milliseconds: 1000 * each,
      gigabytesPerSecond: bytes / each / 1e9,
      gigaflops: operations / each / 1e9,
    };
  });
}

async function main(args: string[]): Promise<void> {
  const text = (value: string) => ({ type: "string", default: value }) as const;
  const { values: options } = parseArgs({
    args,
    options: {
      rows: text("4096"),
      cols: text("4096"),
      bits: text("4"),
      group: text("128"),
      tokens: text("1"),
      rounds: text("9"),
      cold: text("256"),
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (options.help) return console.log(HELP);
  const sizes: Sizes = {
    rows: Number(options.rows),
    cols: Number(options.cols),
    bits: Number(options.bits) as Sizes["bits"],
    groupSize: Number(options.group),
    tokens: Number(options.tokens),
  };
  using device = await Device.open();
  const laboratory = new Laboratory(device, sizes.tokens);
  const all = contestants(laboratory, { sizes, cold: Number(options.cold) * 2 ** 20 });
  const results = await race(laboratory, { all, rounds: Number(options.rounds), sizes });
  const bandwidth = results[0]!.gigabytesPerSecond;
  const dense = results.find(({ name }) => name === "dense f16")!.milliseconds;
  const { description, software } = device;
  if (options.json) {
    return console.log(
      JSON.stringify({ device: description, software, exact: laboratory.exact, ...sizes, results }),
    );
  }
  console.log(
    `${description}, ${sizes.rows}×${sizes.cols}, ${sizes.bits} bits in groups of ${sizes.groupSize}, ` +
      `${sizes.tokens} token(s), median of ${options.rounds} rounds`,
  );
  if (software) console.log("This GPU is software: only ratios mean something, and they are not a GPU's.");
  if (!laboratory.exact) console.log("It has no timestamp queries: times include the way there and back.");
  console.log(table(
    [
      { title: "kernel" },
      ...["ms", "GFLOP/s", "GB/s", "of the copy", "dense f16's time / its own"].map((title) =>
        ({ title, align: "right" }) as const
      ),
    ],
    results.map(({ name, milliseconds, gigabytesPerSecond, gigaflops }) => [
      name,
      milliseconds.toPrecision(3),
      name === "copy" ? "" : gigaflops.toPrecision(3),
      gigabytesPerSecond.toPrecision(3),
      `${(100 * gigabytesPerSecond / bandwidth).toFixed(0)} %`,
      name === "copy" ? "" : (dense / milliseconds).toFixed(2),
    ]),
  ));
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
