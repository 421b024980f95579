/**
 * The candidate kernels for a weight, the best guess first.
 *
 * @module
 */
import { activationsInt8 } from "./activations_int8.ts";
import type { Element } from "./bindings.ts";
import type { DenseShape } from "./dense.ts";
import { denseDecode } from "./dense_decode.ts";
import { denseTiled } from "./dense_tiled.ts";
import type { Kernel } from "./kernel.ts";
import { chunkFits, chunksOf, type TableShape } from "./table.ts";
import { tableNaive } from "./table_1_naive.ts";
import { tableWords } from "./table_2_words.ts";
import type { RowsOptions } from "./table_4_rows.ts";
import { type LookupName, lookups } from "./table_6_subgroups.ts";
import { fitsInt8, tableInt8 } from "./table_7_int8.ts";
import { fitsTeams, tableTeams } from "./table_8_teams.ts";
import { tableTiled } from "./table_tiled.ts";
import { tileBytes, type TileOptions } from "./tile.ts";

/** Most tokens that the kernels for few tokens are made for. */
export const FEW_TOKENS = 8;

/** Bytes of workgroup memory where nobody says. */
const WORKGROUP_BYTES = 32768;

/** A kernel that a tuner can choose. */
export interface Candidate {
  /** Names the choice, in the same words for every shape. */
  readonly name: string;
  /** The kernel. */
  readonly kernel: Kernel;
  /** The kernel that turns x into the two bindings that the kernel reads instead; absent if it reads x itself. */
  readonly activations?: Kernel;
}

/** What kernels need to know of a device. */
export interface KernelDevice {
  /** WebGPU's features that it has. */
  readonly features: ReadonlySet<string>;
  /** Invocations of a subgroup; 0 where they vary. */
  readonly subgroupSize: number;
  /** Bytes of workgroup memory; 32 KB, as most have, when absent. */
  readonly workgroupBytes?: number;
  /** Invocations of a workgroup at most; 256 when absent. */
  readonly workgroupSize?: number;
}

/** What a kernel is made for: the device that it runs on, and its precision. */
export interface Target {
  /** Tokens: kernels for up to {@linkcode FEW_TOKENS} take just so many, those for more any number. */
  readonly tokens: number;
  /** The device. */
  readonly device: KernelDevice;
  /**
   * Allow products of halves, with an error of 0.05 %, where the device has them. Activations of thousands can overflow
   * them: they are for models that are known to have none.
   */
  readonly halfProducts?: boolean;
  /** Allow activations of bytes, with an error of 1 %. */
  readonly int8Activations?: boolean;
}

/** A kernel of several rows, before it is made. */
interface Variant extends Omit<RowsOptions, "tokens"> {
  readonly lookup: LookupName;
  readonly element: Element;
}

/** Kernels for a packed weight that the device can run; never none. */
export function tableKernels(shape: TableShape, target: Target): Candidate[] {
  const { tokens, device } = target;
  if (tokens > FEW_TOKENS) return tiles(target, (options) => tableTiled(shape, options));
  const { bits, line } = shape;
  const [narrow, ...wide] = chunksOf(bits).filter((chunk) => chunkFits(shape, chunk));
  if (narrow === undefined) return [{ name: "naive", kernel: tableNaive(shape, { tokens }) }];
  const subgroupSize = subgroupsOf(device);
  const names = lookupNames(shape);
  const first: Variant = { lookup: names[0]!, element: "f32", subgroupSize };
  const variants = (bits < 8 ? elementsOf(target) : ["f32"] as const).flatMap((element): Variant[] => [
    ...names.flatMap((lookup) => [undefined, ...wide].map((chunk) => ({ ...first, lookup, element, chunk }))),
    { ...first, element, rows: otherRows(tokens) },
  ]);
  if (bits === 2 && !line) variants.push({ ...first, lookup: "fours" });
  if (subgroupSize) variants.push({ ...first, subgroupSize: undefined });
  const candidates: Candidate[] = variants.map(({ lookup, ...options }) => ({
    name: nameOf({ lookup, ...options }),
    kernel: lookups[lookup](shape, { ...options, tokens }),
  }));
  if (chunkFits(shape, 32)) candidates.push({ name: "words", kernel: tableWords(shape, { tokens }) });
  candidates.push(...teams(shape, target));
  if (target.int8Activations && fitsInt8(shape)) {
    const kernel = tableInt8(shape, { tokens, subgroupSize });
    candidates.push({ name: "int8", kernel, activations: activationsInt8(shape) });
  }
  return candidates;
}

/** Rows and subgroups of a team, and invocations of a workgroup: for many rows, and for few. */
const TEAMS = [[2, 1, 1024], [4, 2, 1024], [2, 1, 512], [2, 1, 256], [4, 4, 256]] as const;

/** Kernels of subgroups for a few rows that the device can run. */
export function teams(shape: TableShape, { tokens, device }: Target): Candidate[] {
  const subgroupSize = subgroupsOf(device) ?? 0;
  if (!chunkFits(shape, 32) || !fitsTeams(shape, subgroupSize)) return [];
  const { workgroupBytes = WORKGROUP_BYTES, workgroupSize = 256 } = device;
  const fitting = TEAMS.filter(([rows, , threads]) => threads <= workgroupSize && rows * tokens <= 16);
  return fitting.map(([rows, split, threads]) => ({
    name: `teams, ${rows} rows, ${split} of ${threads} threads`,
    kernel: tableTeams(shape, { tokens, subgroupSize, rows, split, threads, workgroupBytes }),
  }));
}

/** Look-ups worth trying: pairs of 4 bits are many, those of 3 and 2 few. */
function lookupNames({ bits, line }: TableShape): LookupName[] {
  const tables: LookupName[] = bits === 8
    ? ["single"]
    : bits === 4
    ? ["single", "pairs"]
    : ["pairs", "single"];
  return line ? ["line", ...tables.slice(0, bits === 8 ? 0 : 1)] : tables;
}

function nameOf({ lookup, element, rows, chunk, subgroupSize }: Variant): string {
  return [
    lookup,
    ...(rows ? [`${rows} rows`] : []),
    ...(chunk ? [`${chunk} columns`] : []),
    element,
    ...(subgroupSize ? [] : ["tree"]),
  ].join(", ");
}

/** Kernels for a dense weight that the device can run; never none. */
export function denseKernels(shape: DenseShape, target: Target): Candidate[] {
  const { tokens, device } = target;
  if (tokens > FEW_TOKENS) return tiles(target, (options) => denseTiled(shape, options));
  const subgroupSize = subgroupsOf(device);
  const rows = otherRows(tokens);
  const candidates = [
    { name: "dense", kernel: denseDecode(shape, { tokens, subgroupSize }) },
    { name: `dense, ${rows} rows`, kernel: denseDecode(shape, { tokens, subgroupSize, rows }) },
    {
      name: "dense, 2 rows, 256 threads",
      kernel: denseDecode(shape, { tokens, subgroupSize, rows: 2, threads: 256 }),
    },
  ];
  if (subgroupSize) candidates.push({ name: "dense, tree", kernel: denseDecode(shape, { tokens }) });
  return candidates;
}

/** Rows of a workgroup that are worth a try beside those of `rowsFor`. */
function otherRows(tokens: number): number {
  return tokens > 4 ? 4 : tokens > 2 ? 2 : 8;
}

/** The device's least subgroup size, if it has subgroups. */
function subgroupsOf({ features, subgroupSize }: KernelDevice): number | undefined {
  return features.has("subgroups") && subgroupSize > 0 ? subgroupSize : undefined;
}

function elementsOf({ halfProducts, device }: Target): readonly Element[] {
  return halfProducts && device.features.has("shader-f16") ? ["f32", "f16"] : ["f32"];
}

/** Kernels of tiles, the best guess first. */
export function tiles(target: Target, kernel: (options: TileOptions) => Kernel): Candidate[] {
  const sizes = target.tokens > 32 ? [64, 128, 16] as const : [16, 64] as const;
  const { workgroupBytes = WORKGROUP_BYTES } = target.device;
  return elementsOf(target).flatMap((element) =>
    sizes.filter((tile) => tileBytes(tile, element) <= workgroupBytes)
      .map((tile) => ({ name: `tiled, ${tile} tokens, ${element}`, kernel: kernel({ element, tile }) }))
  );
}
