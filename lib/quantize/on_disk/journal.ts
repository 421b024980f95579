/**
 * What a quantization from disk to disk has done so far, so that it can be killed at any moment and goes on where it was.
 *
 * All of it is files of a folder inside the output's. Each is written beside and renamed, so what is there is whole:
 *
 * - `job.json`: what was asked for, and what the model was like;
 * - `pass.safetensors`, `layer-3.safetensors`: how far the calibration sample came, and what each layer saw of it;
 * - `costs.json`, `effects.safetensors`, `effects.json`: what formats would do to Linears, and that to predictions, where
 *   formats are chosen by it;
 * - `linear-model.layers.0.mlp.up_proj.safetensors`: a Linear that is done.
 *
 * @module
 */
import { CheckpointError, ResumeError } from "../../errors.ts";
import type { PackedMatrix } from "../../matrix/packed_matrix.ts";
import { SafetensorsFile } from "../../files/safetensors/read.ts";
import { exists, writeText } from "../../files/disk.ts";
import { type TensorToWrite, writeSafetensors } from "../../files/safetensors/write.ts";
import type { Asked } from "./fingerprint.ts";
import type { InputStats } from "../../learn/input_stats.ts";
import { UNFINISHED } from "../../model/checkpoint/file_names.ts";
import type { PassState } from "./layer_pass.ts";
import { packedTensors, readPackedParts } from "../../model/checkpoint/packed_tensors.ts";
import type { Cost } from "../target_bits.ts";

/** A Linear that is done. */
export interface DoneLinear {
  /** Its format's name. */
  readonly format: string;
  /** Columns that share a scale. */
  readonly groupSize: number;
  /** The part of its output that became noise. */
  readonly error: number;
  /** Its tensors, whose bytes are read when they are asked for. */
  readonly tensors: readonly TensorToWrite[];
}

/** What was asked for, and in the end what came of it. */
const JOB = "job.json";

/** Held by the process that is at the job. */
const LOCK = "lock";

/** The values of a statistic and how they are stored. */
const STATS = ["mean", "meanAbs", "meanSquare"] as const;

const bytesOfArray = (array: Float32Array | Float64Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The journal of one job, which nobody else can open meanwhile. */
export class Journal implements Disposable {
  readonly #folder: string;
  readonly #lock: Deno.FsFile;
  /** Linears that were done when it was opened. */
  readonly found: number;

  /** What came of the job, where it was finished and the process killed before the journal was gone. */
  readonly finished: unknown;

  private constructor(folder: string, means: { lock: Deno.FsFile; finished: unknown }) {
    this.#folder = folder;
    this.#lock = means.lock;
    this.finished = means.finished;
    this.found = [...Deno.readDirSync(folder)].filter(({ name }) => name.startsWith("linear-")).length;
  }

  /**
   * Begins a job, or goes on with one.
   *
   * @param folder where the model is to be written.
   * @param options.asked what is asked for: a job that was begun goes on only if it was the same then.
   * @param options.restart drop what was done.
   * @throws {ResumeError} when something else was asked for, or another process is at the job.
   * @throws {CheckpointError} when the folder cannot be written.
   */
  static open(folder: string, options: { asked: Asked; restart?: boolean }): Journal {
    const { asked, restart } = options;
    const place = `${folder}/${UNFINISHED}`;
    using open = new DisposableStack();
    try {
      Deno.mkdirSync(place, { recursive: true });
      // Who is killed lets go of it.
      const lock = open.use(Deno.openSync(`${place}/${LOCK}`, { write: true, create: true }));
      if (!lock.tryLockSync(true)) {
        throw new ResumeError(`Cannot quantize into ${folder}: another process is at it`);
      }
      for (const { name } of [...Deno.readDirSync(place)]) {
        // What was being written when the process was killed.
        if (name !== LOCK && (restart || name.endsWith(".part"))) {
          Deno.removeSync(`${place}/${name}`, { recursive: true });
        }
      }
      const job = `${place}/${JOB}`;
      const begun = readJson(job) as { asked: Asked; finished?: unknown } | undefined;
      if (begun) checkAsked(folder, { begun: begun.asked, asked });
      else writeJson(job, { asked });
      const journal = new Journal(place, { lock, finished: begun?.finished });
      open.move();
      return journal;
    } catch (cause) {
      if (cause instanceof CheckpointError || cause instanceof ResumeError) throw cause;
      throw new CheckpointError(`Cannot write ${folder}: ${(cause as Error).message}`, { cause });
    }
  }

  /** Keeps a Linear that is done. */
  writeLinear(linear: string, done: { packed: PackedMatrix; error: number }): void {
    const { packed, error } = done;
    writeSafetensors(this.#linear(linear), packedTensors(`${linear}.weight`, packed), {
      format: packed.format,
      group_size: String(packed.groupSize),
      error: String(error),
    });
  }

  /** Whether a Linear is done. */
  hasLinear(linear: string): boolean {
    return exists(this.#linear(linear));
  }

  /** A Linear that is done. */
  linear(linear: string): DoneLinear {
    using file = SafetensorsFile.open(this.#linear(linear));
    const { format, group_size, error } = file.metadata;
    return {
      format: format!,
      groupSize: Number(group_size),
      error: Number(error),
      tensors: [...file.names()].map((name) => ({
        ...file.info(name),
        data: () => {
          using again = SafetensorsFile.open(this.#linear(linear));
          return again.read(name);
        },
      })),
    };
  }

  /** The matrix of a Linear that is done. */
  packed(linear: string, shape: { rows: number; cols: number }): PackedMatrix {
    const path = this.#linear(linear);
    using file = SafetensorsFile.open(path);
    const { format, group_size } = file.metadata;
    return readPackedParts(
      {
        has: (name) => file.has(name),
        info: (name) => file.info(name),
        read: (name, room) => file.read(name, room?.(file.info(name).bytes)),
      },
      {
        ...shape,
        tensor: `${linear}.weight`,
        entry: { format: format!, group_size: Number(group_size) },
        where: path,
      },
    );
  }

  /** Keeps what a layer's Linears saw. */
  writeStats(layer: number, stats: ReadonlyMap<string, InputStats>): void {
    // Linears that share an input share the numbers: they are written once.
    const shared = Map.groupBy(stats.keys(), (linear) => stats.get(linear)!);
    const tensors = [...shared].flatMap(([entry, [first]]) =>
      STATS.map((name): TensorToWrite => ({
        name: `${first}.${name}`,
        dtype: "F64",
        shape: [entry[name].length],
        data: () => bytesOfArray(entry[name]),
      }))
    );
    const inputs = [...shared].map(([{ tokens }, linears]) => ({ tokens, linears }));
    writeSafetensors(this.#layer(layer), tensors, { inputs: JSON.stringify(inputs) });
  }

  /** What a layer's Linears saw. */
  stats(layer: number): Map<string, InputStats> {
    using file = SafetensorsFile.open(this.#layer(layer));
    const inputs = JSON.parse(file.metadata.inputs!) as { tokens: number; linears: string[] }[];
    const stats = new Map<string, InputStats>();
    for (const { tokens, linears } of inputs) {
      const read = (name: string) => new Float64Array(file.read(`${linears[0]}.${name}`).buffer);
      const entry = {
        tokens,
        mean: read("mean"),
        meanAbs: read("meanAbs"),
        meanSquare: read("meanSquare"),
      };
      for (const linear of linears) stats.set(linear, entry);
    }
    return stats;
  }

  /** Keeps how far a sample came. */
  writePass({ layer, hidden }: PassState, name = "pass"): void {
    const tensor = {
      name: "hidden",
      dtype: "F32",
      shape: [hidden.length],
      data: () => bytesOfArray(hidden),
    } as const;
    writeSafetensors(`${this.#folder}/${name}.safetensors`, [tensor], { layer: String(layer) });
  }

  /** How far a sample came; undefined when it has not begun. */
  pass(name = "pass"): PassState | undefined {
    const path = `${this.#folder}/${name}.safetensors`;
    if (!exists(path)) return undefined;
    using file = SafetensorsFile.open(path);
    return { layer: Number(file.metadata.layer), hidden: file.readFloat32("hidden") };
  }

  /** Keeps what formats would do to Linears. */
  writeCosts(costs: ReadonlyMap<string, Cost[]>): void {
    writeJson(`${this.#folder}/costs.json`, Object.fromEntries(costs));
  }

  /** What formats would do to Linears, as far as it was measured. */
  costs(): Map<string, Cost[]> {
    return new Map(Object.entries(readJson(`${this.#folder}/costs.json`) ?? {}) as [string, Cost[]][]);
  }

  /** Keeps what noise in Linears does to predictions. */
  writeEffects(effects: ReadonlyMap<string, number>): void {
    writeJson(`${this.#folder}/effects.json`, Object.fromEntries(effects));
  }

  /** What noise in Linears does to predictions; undefined where that is not known yet. */
  effects(): Map<string, number> | undefined {
    const effects = readJson(`${this.#folder}/effects.json`) as Record<string, number> | undefined;
    return effects && new Map(Object.entries(effects));
  }

  /** Says that the model is finished, and what came of it: from here on, there is nothing to do but remove the journal. */
  finish(asked: Asked, result: unknown): void {
    writeJson(`${this.#folder}/${JOB}`, { asked, finished: result });
  }

  /** Removes the journal; what says that it may be removed goes last. */
  remove(): void {
    for (const { name } of [...Deno.readDirSync(this.#folder)]) {
      if (name !== JOB && name !== LOCK) Deno.removeSync(`${this.#folder}/${name}`, { recursive: true });
    }
    Deno.removeSync(`${this.#folder}/${JOB}`);
    this[Symbol.dispose]();
    Deno.removeSync(this.#folder, { recursive: true });
  }

  /** Lets others go on with it. */
  [Symbol.dispose](): void {
    try {
      this.#lock.close();
    } catch {
      // It was closed before.
    }
  }

  #linear(linear: string): string {
    return `${this.#folder}/linear-${linear}.safetensors`;
  }

  #layer(layer: number): string {
    return `${this.#folder}/layer-${layer}.safetensors`;
  }
}

/** Compares what was asked for with what is. */
function checkAsked(folder: string, { begun, asked }: { begun: Asked; asked: Asked }): void {
  const changed = [...new Set([...Object.keys(begun), ...Object.keys(asked)])]
    .map((key) => ({ key, was: show(begun[key]), is: show(asked[key]) }))
    .filter(({ was, is }) => was !== is);
  if (changed.length === 0) return;
  // What is only known by its hash says nothing to a person.
  const list = changed.map(({ key, was, is }) =>
    (was + is).length > 160 ? `${key} has changed` : `${key} was ${was} and is ${is} now`
  );
  throw new ResumeError(
    `Cannot go on with ${folder}: ${
      list.join(", ")
    }; ask for the same as when it was begun, or start over with ` +
      "{ restart: true } (--restart)",
  );
}

const show = (value: unknown) => value === undefined ? "not given" : JSON.stringify(value);

function readJson(path: string): unknown {
  return exists(path) ? JSON.parse(Deno.readTextFileSync(path)) : undefined;
}

function writeJson(path: string, json: unknown): void {
  writeText(path, JSON.stringify(json) + "\n");
}
