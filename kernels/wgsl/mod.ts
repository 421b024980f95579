/**
 * Which kernels can multiply by a weight: those worth timing, the best guess first.
 *
 * @module
 */
import { activationsInt8 } from "./activations_int8.ts";
import type { DenseShape } from "./dense.ts";
import { denseDecode } from "./dense_decode.ts";
import { denseTiled } from "./dense_tiled.ts";
import type { Kernel } from "./kernel.ts";
import { chunkFits, chunksOf, type TableShape } from "./table.ts";
import { tableNaive } from "./table_1_naive.ts";
import { tableWords } from "./table_2_words.ts";
import { type LookupName, tableLookup } from "./table_6_subgroups.ts";
import { fitsInt8, tableInt8 } from "./table_7_int8.ts";
import { tableTiled } from "./table_tiled.ts";
import type { TileOptions } from "./tile.ts";

/** Most tokens that the kernels for few tokens are made for. */
export const FEW_TOKENS = 8;

/** A kernel that a tuner can choose. */
export interface Candidate {
  /** Names the choice, in the same words for every shape. */
  readonly name: string;
  /** The kernel. */
  readonly kernel: Kernel;
  /** What turns x into the two bindings that the kernel has in its place; absent where it reads x itself. */
  readonly activations?: Kernel;
}

/** What a kernel is to run on, and how exact it must be. */
export interface Target {
  /** Tokens; beyond {@linkcode FEW_TOKENS} the kernels take any number of them. */
  readonly tokens: number;
  /** The device. */
  readonly device: { readonly features: ReadonlySet<string>; readonly subgroupSize: number };
  /** Allow products of halves, with an error of 0.05 %, where the device has them. */
  readonly halfProducts?: boolean;
  /** Allow activations of bytes, with an error of 1 %. */
  readonly int8Activations?: boolean;
}

/** Kernels for a packed weight that the device can run; never none. */
export function tableKernels(shape: TableShape, target: Target): Candidate[] {
  const { tokens, device } = target;
  const halves = target.halfProducts === true && device.features.has("shader-f16");
  if (tokens > FEW_TOKENS) return tiles(tokens, halves, (options) => tableTiled(shape, options));
  const { bits, line } = shape;
  const chunks = chunksOf(bits).filter((chunk) => chunkFits(shape, chunk));
  if (chunks.length === 0) return [{ name: "naive", kernel: tableNaive(shape, { tokens }) }];
  const subgroupSize = subgroupsOf(device);
  const candidates: Candidate[] = [];
  const add = (lookup: LookupName, options: Omit<Parameters<typeof tableLookup>[1], "tokens" | "lookup">) => {
    const { rows, chunk, element = "f32" } = options;
    const name = [
      lookup,
      rows && `${rows} rows`,
      chunk && `${chunk} columns`,
      element,
      options.subgroupSize ? "" : "tree",
    ];
    candidates.push({
      name: name.filter((part) => part).join(", "),
      kernel: tableLookup(shape, { ...options, tokens, lookup }),
    });
  };
  const lookups: LookupName[] = line
    ? ["line"]
    : bits === 8
    ? ["single"]
    : bits === 4
    ? ["single", "pairs"]
    : ["pairs", "single"];
  const elements = halves && bits < 8 ? ["f32", "f16"] as const : ["f32"] as const;
  for (const element of elements) {
    for (const lookup of lookups) {
      add(lookup, { element, subgroupSize });
      for (const chunk of chunks.slice(1)) add(lookup, { element, subgroupSize, chunk });
    }
    if (tokens <= 2) add(lookups[0]!, { element, subgroupSize, rows: 8 });
    else add(lookups[0]!, { element, subgroupSize, rows: tokens > 4 ? 4 : 2 });
  }
  if (bits === 2 && !line) add("fours", { subgroupSize });
  if (subgroupSize) add(lookups[0]!, {});
  if (chunkFits(shape, 32)) candidates.push({ name: "words", kernel: tableWords(shape, { tokens }) });
  if (target.int8Activations && fitsInt8(shape)) {
    candidates.push({
      name: "int8",
      kernel: tableInt8(shape, { tokens, subgroupSize }),
      activations: activationsInt8(shape),
    });
  }
  return candidates;
}

/** Kernels for a dense weight that the device can run; never none. */
export function denseKernels(shape: DenseShape, target: Target): Candidate[] {
  const { tokens, device } = target;
  const halves = target.halfProducts === true && device.features.has("shader-f16");
  if (tokens > FEW_TOKENS) return tiles(tokens, halves, (options) => denseTiled(shape, options));
  const subgroupSize = subgroupsOf(device);
  const more = tokens <= 2 ? 8 : tokens > 4 ? 4 : 2;
  const candidates = [
    { name: "dense", kernel: denseDecode(shape, { tokens, subgroupSize }) },
    { name: `dense, ${more} rows`, kernel: denseDecode(shape, { tokens, subgroupSize, rows: more }) },
  ];
  if (subgroupSize) candidates.push({ name: "dense, tree", kernel: denseDecode(shape, { tokens }) });
  return candidates;
}

/** The device's least subgroup size, if it has subgroups. */
function subgroupsOf({ features, subgroupSize }: Target["device"]): number | undefined {
  return features.has("subgroups") && subgroupSize > 0 ? subgroupSize : undefined;
}

function tiles(tokens: number, halves: boolean, kernel: (options: TileOptions) => Kernel): Candidate[] {
  const sizes = tokens > 32 ? [64, 16] as const : [16, 64] as const;
  const elements = halves ? ["f32", "f16"] as const : ["f32"] as const;
  return elements.flatMap((element) =>
    sizes.map((tile) => ({ name: `tiled, ${tile} tokens, ${element}`, kernel: kernel({ element, tile }) }))
  );
}
