/**
 * What a quantization keeps, as files of a folder: each is written beside and renamed, so it is there whole or not at all.
 *
 * @module
 */
import { isFile } from "../files/disk.ts";
import { CheckedFile, writeChecked } from "../files/safetensors/checked.ts";
import type { TensorToWrite } from "../files/safetensors/write.ts";
import type { DType } from "../matrix/dtype.ts";
import type { InputStats } from "../learn/input_stats.ts";
import { packedTensors, readPackedParts } from "../model/checkpoint/packed_tensors.ts";
import type { ModelDescent } from "../tune/tune_model.ts";
import type { InputSums } from "./input_sums.ts";
import type { DoneLinear } from "./quantize_linear.ts";
import type { Kept, Kind, Store } from "./store.ts";

/** The content of a file of a kind. */
interface Contents {
  readonly tensors: readonly TensorToWrite[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** To a file and back. */
interface Codec<Value> {
  /** The tensors and metadata of a value. */
  readonly encode: (value: Value, name: string) => Contents;
  /** The value in a file. */
  readonly decode: (file: CheckedFile, name: string) => Value;
}

/** The values of a statistic: [cols] each, but for `gram`, [cols, cols]. */
const STATS = ["mean", "meanAbs", "meanSquare", "gram"] as const;

/** Statistics or sums by Linear; those that Linears share are written once, under the first one's name. */
export function encodeStats(stats: ReadonlyMap<string, InputStats>): Contents {
  const shared = Map.groupBy(stats.keys(), (linear) => stats.get(linear)!);
  const tensors = [...shared].flatMap(([entry, [first]]) =>
    STATS.flatMap((name): TensorToWrite[] => {
      const values = entry[name];
      if (!values) return [];
      const cols = entry.mean.length;
      return [{
        name: `${first}.${name}`,
        dtype: values instanceof Float64Array ? "F64" : "F32",
        shape: name === "gram" ? [cols, cols] : [cols],
        data: () => viewOf(values),
      }];
    })
  );
  const inputs = [...shared].map(([{ tokens, everyToken }, linears]: [InputSums, string[]]) => ({
    tokens,
    linears,
    everyToken,
  }));
  return { tensors, metadata: { inputs: JSON.stringify(inputs) } };
}

/** {@linkcode encodeStats} undone. */
export function decodeStats(file: CheckedFile): Map<string, InputSums> {
  const inputs = JSON.parse(file.metadata.inputs!) as (Omit<InputSums, "mean"> & { linears: string[] })[];
  const stats = new Map<string, InputSums>();
  for (const { linears, tokens, everyToken } of inputs) {
    const read = (name: string) => file.read(`${linears[0]}.${name}`).buffer;
    const columns = (name: string) => new Float64Array(read(name));
    const entry: InputSums = {
      tokens,
      mean: columns("mean"),
      meanAbs: columns("meanAbs"),
      meanSquare: columns("meanSquare"),
    };
    if (file.has(`${linears[0]}.gram`)) entry.gram = new Float32Array(read("gram"));
    if (everyToken) entry.everyToken = true;
    for (const linear of linears) stats.set(linear, entry);
  }
  return stats;
}

/** The kinds that are small enough to be text. */
function textCodec<Value>(toJson: (value: Value) => unknown, fromJson: (json: never) => Value): Codec<Value> {
  return {
    encode: (value) => ({ tensors: [], metadata: { value: JSON.stringify(toJson(value)) } }),
    decode: ({ metadata }) => fromJson(JSON.parse(metadata.value!) as never),
  };
}

/** A Linear, or rows of one. */
const linearCodec: Codec<DoneLinear> = {
  encode: ({ packed, error }, linear) => ({
    tensors: packedTensors(`${linear}.weight`, packed),
    metadata: {
      format: packed.format,
      group_size: String(packed.groupSize),
      rows: String(packed.rows),
      cols: String(packed.cols),
      ...(error === undefined ? {} : { error: String(error) }),
    },
  }),
  decode: (file, linear) => {
    const { format, group_size, rows, cols, error } = file.metadata;
    const packed = readPackedParts(file, {
      rows: Number(rows),
      cols: Number(cols),
      tensor: `${linear}.weight`,
      entry: { format: format!, group_size: Number(group_size) },
      where: "a finished Linear",
    });
    return error === undefined ? { packed } : { packed, error: Number(error) };
  },
};

const codecs: { readonly [K in Kind]: Codec<Kept[K]> } = {
  pass: {
    encode: ({ layer, hidden }) => ({
      tensors: [{ name: "hidden", dtype: "F32", shape: [hidden.length], data: () => viewOf(hidden) }],
      metadata: { layer: String(layer) },
    }),
    decode: (file) => ({
      layer: Number(file.metadata.layer),
      hidden: new Float32Array(file.read("hidden").buffer),
    }),
  },
  sums: { encode: encodeStats, decode: decodeStats },
  stats: { encode: encodeStats, decode: decodeStats },
  costs: textCodec((costs) => costs, (costs) => costs),
  effects: textCodec((effects) => [...effects], (effects) => new Map<string, number>(effects)),
  scaled: {
    encode: ({ scales, limits }) => ({
      tensors: [
        { name: "scales", dtype: "F64", shape: [scales.length], data: () => viewOf(scales) },
        ...Array.from(limits, ([name, { values }]): TensorToWrite => (
          { name: `${name}.limits`, dtype: "F32", shape: [values.length], data: () => viewOf(values) }
        )),
      ],
      metadata: {
        groups: JSON.stringify(Array.from(limits, ([name, { groupSize }]) => [name, groupSize])),
      },
    }),
    decode: (file) => {
      const groups: [string, number][] = JSON.parse(file.metadata.groups!);
      const values = (name: string) => new Float32Array(file.read(`${name}.limits`).buffer);
      return {
        scales: new Float64Array(file.read("scales").buffer),
        limits: new Map(groups.map(([name, groupSize]) => [name, { groupSize, values: values(name) }])),
      };
    },
  },
  rows: linearCodec,
  linear: linearCodec,
  tuned: linearCodec,
  descent: {
    encode: ({ values, means, squares, best, ...rest }) => ({
      tensors: Object.entries({ values, means, squares, best }).map(([name, data]) => (
        { name, dtype: "F32", shape: [data.length], data: () => viewOf(data) }
      )),
      metadata: { value: JSON.stringify(rest) },
    }),
    decode: (file) => {
      const read = (name: string) => new Float32Array(file.read(name).buffer);
      const rest: Omit<ModelDescent, "values" | "means" | "squares" | "best"> = JSON.parse(
        file.metadata.value!,
      );
      return {
        ...rest,
        values: read("values"),
        means: read("means"),
        squares: read("squares"),
        best: read("best"),
      };
    },
  },
  vector: {
    encode: ({ cols, data, dtype = "F32" }, name) => ({
      tensors: [{ name, dtype: "F32", shape: [cols], data: () => viewOf(data) }],
      metadata: { dtype },
    }),
    decode: (file, name) => {
      const data = new Float32Array(file.read(name).buffer);
      return { rows: 1, cols: data.length, data, dtype: file.metadata.dtype as DType };
    },
  },
};

const viewOf = (array: Float32Array | Float64Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Keeps values in the files of a folder, which must be there. */
export class FileStore implements Store {
  readonly #folder: string;

  /** @param folder the folder of the files. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The path of a value's file. */
  path(kind: Kind, name: string): string {
    return `${this.#folder}/${kind}-${name}.safetensors`;
  }

  /** Whether it has one. */
  has(kind: Kind, name: string): boolean {
    return isFile(this.path(kind, name));
  }

  /**
   * The one kept, if there is one.
   *
   * @throws {CheckpointError} when its file is damaged.
   */
  get<K extends Kind>(kind: K, name: string): Kept[K] | undefined {
    if (!this.has(kind, name)) return undefined;
    using file = CheckedFile.open(this.path(kind, name));
    return codecs[kind].decode(file, name);
  }

  /**
   * Keeps one.
   *
   * @throws {CheckpointError} when it cannot be written; the one that was there stays.
   */
  set<K extends Kind>(kind: K, name: string, value: Kept[K]): void {
    const { tensors, metadata } = codecs[kind].encode(value, name);
    writeChecked(this.path(kind, name), tensors, metadata);
  }
}
