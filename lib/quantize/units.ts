/**
 * A quantization in units of work that share a folder and nothing else, so that as many processes and machines can do them as
 * there are.
 *
 * A unit's results are files, written beside and renamed, in folders that are named by a hash of all that they depend on: a unit
 * that was done is not done again, one that is done twice at once leaves the same bytes, and a killed one leaves nothing.
 *
 * @module
 */
import { CheckpointError, OptionError } from "../errors.ts";
import { isFile } from "../files/disk.ts";
import { joined } from "../joined.ts";
import type { InputStats } from "../learn/input_stats.ts";
import { methodOf, needsOf } from "../learn/methods/mod.ts";
import type { StorageOptions } from "../learn/packed_size.ts";
import { matrixRows } from "../matrix/matrix_rows.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { linearNames } from "../model/decoder/layout.ts";
import { ModelOnDisk } from "../model/model_on_disk.ts";
import { type Calibration, sampleOf, type SampleOptions, sumsName, sumsOfPart } from "./calibrate.ts";
import { checkOrigin } from "./calibration_file.ts";
import { FileStore } from "./file_store.ts";
import { fingerprint, nameOf, statsFingerprint } from "./fingerprint.ts";
import { joinSums } from "./input_sums.ts";
import type { OnDiskSummary } from "./model_card.ts";
import type { QuantizeOnDiskOptions } from "./options.ts";
import { textOf } from "./pipeline.ts";
import { type FormatChoice, planOf, planOfEnds } from "./plan.ts";
import {
  denseWeights,
  endLearningOf,
  learningOf,
  type LearningOptions,
  noiseToSignal,
  quantizeLinear,
  solveLinear,
} from "./quantize_linear.ts";
import { intoFolder } from "./quantize_on_disk.ts";
import type { Kind } from "./store.ts";

/** The stages, in order; each one's units need those of the stage before. */
export const STAGES = ["calibrate", "join", "quantize", "stack"] as const;

/**
 * A stage: `calibrate` sums statistics of a part of the sample, `join` joins the parts' sums of a layer, `quantize` does a layer's
 * Linears or a share of their rows, `stack` puts the shares together.
 */
export type Stage = typeof STAGES[number];

/** A stage's units. */
export interface UnitStage {
  /** The stage. */
  readonly stage: Stage;
  /** The files that each unit leaves; it is done when all of them are there. */
  readonly units: readonly (readonly string[])[];
}

/** Options of {@linkcode Units}. */
export interface UnitOptions extends QuantizeOnDiskOptions {
  /** The shares that the rows of each matrix are divided into; 1 when absent. They change no bit. */
  rowParts?: number;
}

/** A Linear, head or embedding that is to be quantized. */
interface Job {
  readonly choice: FormatChoice;
  readonly learning: LearningOptions;
  /** The layer whose statistics it is learned with. */
  readonly layer?: number;
}

/** A unit's inputs and outputs, and how it is done. */
interface Unit {
  readonly needs: readonly string[];
  readonly files: readonly string[];
  readonly run: () => Promise<void> | void;
}

/** The units of a quantization. */
export class Units implements Disposable {
  readonly #name: string;
  readonly #model: ModelOnDisk;
  readonly #options: UnitOptions;
  readonly #sample: SampleOptions;
  readonly #jobs = new Map<string, Job>();
  /** The Linears of each layer, then the head and the embedding, where they are quantized. */
  readonly #groups: readonly (readonly string[])[];
  readonly #stages: ReadonlyMap<Stage, readonly Unit[]>;
  /** Statistics that were made earlier. */
  readonly #given?: Calibration;
  /** Where statistics are; formats and methods share them. */
  readonly #stats: FileStore;
  /** Where finished Linears are. */
  readonly #linears: FileStore;
  /** The folders of both. */
  readonly folders: readonly string[];

  private constructor(name: string, means: { model: ModelOnDisk; folder: string; options: UnitOptions }) {
    const { model, folder, options } = means;
    const { rowParts, ...rest } = options;
    this.#name = name;
    this.#model = model;
    this.#options = options;
    const { calibration, parts, method, tokenWeights } = options;
    const text = textOf(calibration);
    if (text === undefined) this.#given = calibration as Calibration | undefined;
    this.#sample = { text, parts, tokenWeights, gram: methodOf(method).needs === "gram" };
    const plan = planOf(model.linears(), options);
    const ends = planOfEnds(model.layout, options);
    const layers = model.layout.layers.map((_, layer) =>
      linearNames(model.layout, layer).filter((name) => plan.has(name))
    );
    for (const [layer, names] of layers.entries()) {
      for (const name of names) {
        this.#jobs.set(name, { choice: plan.get(name)!, learning: learningOf(options), layer });
      }
    }
    for (const [name, choice] of ends) this.#jobs.set(name, { choice, learning: endLearningOf(options) });
    if (rowParts !== undefined && rowParts > 1) {
      for (const { choice, learning } of this.#jobs.values()) checkRowsAlone({ ...learning, ...choice });
    }
    this.#groups = [...layers, [...ends.keys()]].filter(({ length }) => length > 0);
    this.folders = [
      `${folder}/stats-${nameOf(statsFingerprint(model, rest))}`,
      `${folder}/linears-${nameOf(fingerprint(model, rest))}`,
    ];
    const [stats, linears] = this.folders;
    this.#stats = new FileStore(stats!);
    this.#linears = new FileStore(linears!);
    this.#stages = this.#plan();
  }

  /**
   * Opens a quantization's units.
   *
   * @param name the model, as `loadModel` takes it.
   * @param folder the folder that all machines share; it is made if it is not there.
   * @throws {OptionError} when an option is unknown or out of range, or such work does not divide into units.
   * @throws {CheckpointError} when files of the model are missing or malformed, or the folder cannot be made.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { Units } from "any4/quantize";
   * const folder = await Deno.makeTempDir();
   * const options = { parts: 2, calibration: "Once upon a time. ".repeat(200) };
   * using units = await Units.open("tinyworld", `${folder}/work`, options);
   * for (const { stage, units: all } of units.stages()) {
   *   for (const i of all.keys()) await units.run(stage, i);
   * }
   * const { linears } = await units.assemble(`${folder}/small`);
   * assertEquals(linears.length, 28);
   * await Deno.remove(folder, { recursive: true });
   * ```
   */
  static async open(name: string, folder: string, options: UnitOptions = {}): Promise<Units> {
    checkDivisible(options);
    using open = new DisposableStack();
    const model = open.use(await ModelOnDisk.open(name, options));
    const units = new Units(name, { model, folder, options });
    if (units.#given) checkOrigin(model, units.#given);
    try {
      for (const each of units.folders) Deno.mkdirSync(each, { recursive: true });
    } catch (cause) {
      throw new CheckpointError(`Cannot write ${folder}: ${(cause as Error).message}`, { cause });
    }
    open.move();
    return units;
  }

  /** The stages that there are, in order, and the files of their units. */
  stages(): UnitStage[] {
    return Array.from(this.#stages, ([stage, units]) => ({ stage, units: units.map(({ files }) => files) }));
  }

  /**
   * Runs a unit, unless it is done.
   *
   * @param index its number in the stage, from 0 on.
   * @returns whether there was anything to do.
   * @throws {OptionError} when there is no such unit, or it is to use units that are not done.
   * @throws {TensorError} when a weight is NaN or infinite.
   * @throws {CheckpointError} when a file of its inputs is damaged, or its own cannot be written.
   */
  async run(stage: Stage, index: number): Promise<boolean> {
    const units = this.#stages.get(stage) ?? [];
    const unit = units[index];
    if (!unit) {
      throw new OptionError(`Cannot run unit ${stage}/${index}: the stage has ${units.length} units`);
    }
    if (unit.files.every(isFile)) return false;
    const missing = unit.needs.find((path) => !isFile(path));
    if (missing) throw new OptionError(`Cannot run unit ${stage}/${index}: ${missing} is not there yet`);
    await unit.run();
    return true;
  }

  /**
   * Writes the model of units that are all done: the folder that `quantizeOnDisk` would write, byte for byte.
   *
   * @param out where the quantized model goes.
   * @throws {OptionError} when some are not done.
   * @throws {CheckpointError} when files are missing or damaged, or writing fails.
   * @throws {ResumeError} when the folder holds an unfinished job that something else was asked of.
   */
  async assemble(out: string): Promise<OnDiskSummary> {
    const { rowParts: _, ...options } = this.#options;
    return await intoFolder(this.#name, out, { options, done: () => this.#finished() });
  }

  #finished(): FileStore {
    const missing = [...this.#jobs.keys()].filter((linear) => !this.#linears.has("linear", linear));
    if (missing.length > 0) {
      throw new OptionError(
        `Cannot assemble the model: ${missing.length} of ${this.#jobs.size} Linears are not done in ` +
          `${this.folders[1]}, such as ${missing[0]}`,
      );
    }
    return this.#linears;
  }

  #plan(): Map<Stage, Unit[]> {
    const { rowParts = 1 } = this.#options;
    const parts = this.#needsStats() && !this.#given ? this.#parts() : 0;
    const layers = [...new Set(Array.from(this.#jobs.values(), ({ layer }) => layer))].filter((layer) =>
      layer !== undefined
    );
    const shares = Array.from({ length: rowParts }, (_, share) => share);
    const stages: [Stage, Unit[]][] = [
      ["calibrate", Array.from({ length: parts }, (_, part) => this.#calibrate(part))],
      ["join", parts > 0 ? layers.map((layer) => this.#join(layer, parts)) : []],
      ["quantize", this.#groups.flatMap((group) => shares.map((share) => this.#quantize(group, share)))],
      ["stack", rowParts > 1 ? this.#groups.map((group) => this.#stack(group, rowParts)) : []],
    ];
    return new Map(stages.filter(([, units]) => units.length > 0));
  }

  #needsStats(): boolean {
    return this.#jobs.values().some(({ layer, choice: { format }, learning }) =>
      layer !== undefined && needsOf(format, learning) !== "nothing"
    );
  }

  /** The number of parts of the sample that have a piece. */
  #parts(): number {
    const { pieces, partOf } = sampleOf(this.#model, this.#sample);
    return partOf(pieces.length - 1) + 1;
  }

  #calibrate(part: number): Unit {
    const layers = [...this.#model.layout.layers.keys()];
    return {
      needs: [],
      files: layers.map((layer) => this.#stats.path("sums", sumsName(part, layer))),
      run: () => sumsOfPart(this.#model, this.#stats, { ...this.#sample, part }),
    };
  }

  #join(layer: number, parts: number): Unit {
    const names = Array.from({ length: parts }, (_, part) => sumsName(part, layer));
    return {
      needs: names.map((name) => this.#stats.path("sums", name)),
      files: [this.#stats.path("stats", `${layer}`)],
      run: () => {
        const sums = names.map((name) => this.#stats.get("sums", name)!);
        this.#stats.set("stats", `${layer}`, joinSums(sums));
      },
    };
  }

  #quantize(group: readonly string[], share: number): Unit {
    const { rowParts = 1 } = this.#options;
    const [kind, name]: [Kind & ("linear" | "rows"), (linear: string) => string] = rowParts === 1
      ? ["linear", (linear) => linear]
      : ["rows", (linear) => shareName(linear, share, rowParts)];
    return {
      needs: this.#statsOf(group),
      files: group.map((linear) => this.#linears.path(kind, name(linear))),
      run: () => {
        for (const linear of group) {
          if (this.#linears.has(kind, name(linear))) continue;
          const problem = this.#problem(linear);
          const weights = this.#model.weights(linear);
          if (kind === "linear") {
            this.#linears.set(kind, linear, solveLinear(weights, problem));
            continue;
          }
          const [from, to] = [share, share + 1].map((at) => Math.floor(at * weights.rows / rowParts));
          const some = Array.from({ length: to! - from! }, (_, i) => from! + i);
          // A matrix of few rows has none in some shares.
          if (some.length === 0) {
            throw new OptionError(
              `Cannot divide ${linear} into ${rowParts} shares of rows: it has ${weights.rows}`,
            );
          }
          const rows = matrixRows(denseWeights(weights, linear), some);
          this.#linears.set(kind, name(linear), { packed: quantizeLinear(rows, problem) });
        }
      },
    };
  }

  #stack(group: readonly string[], rowParts: number): Unit {
    const names = (linear: string) =>
      Array.from({ length: rowParts }, (_, share) => shareName(linear, share, rowParts));
    return {
      needs: [
        ...this.#statsOf(group),
        ...group.flatMap((linear) => names(linear).map((name) => this.#linears.path("rows", name))),
      ],
      files: group.map((linear) => this.#linears.path("linear", linear)),
      run: () => {
        for (const linear of group) {
          if (this.#linears.has("linear", linear)) continue;
          const packed = stacked(names(linear).map((name) => this.#linears.get("rows", name)!.packed));
          const weights = denseWeights(this.#model.weights(linear), linear);
          const error = noiseToSignal(weights, packed, this.#problem(linear).stats?.meanSquare);
          this.#linears.set("linear", linear, { packed, error });
        }
      },
    };
  }

  /** The files of the statistics that a group needs. */
  #statsOf(group: readonly string[]): string[] {
    const layer = this.#jobs.get(group[0]!)!.layer;
    const given = layer === undefined || this.#given !== undefined || !this.#needsStats();
    return given ? [] : [this.#stats.path("stats", String(layer))];
  }

  #problem(linear: string): Parameters<typeof solveLinear>[1] {
    const { choice, learning, layer } = this.#jobs.get(linear)!;
    const stats = layer === undefined ? undefined : this.#statsFor(linear, layer);
    return { ...learning, backend: this.#model.backend, linear, choice, stats };
  }

  /** One layer's statistics are in memory at a time. */
  #layer: [number, ReadonlyMap<string, InputStats>?] = [-1];

  #statsFor(linear: string, layer: number): InputStats | undefined {
    if (this.#given) return this.#given.get(linear);
    if (!this.#needsStats()) return undefined;
    if (this.#layer[0] !== layer) this.#layer = [layer, this.#stats.get("stats", `${layer}`)];
    return this.#layer[1]!.get(linear);
  }

  /** Closes the model. */
  [Symbol.dispose](): void {
    this.#model[Symbol.dispose]();
  }
}

/** @throws {OptionError} when work of such options is one long chain, or its rows depend on one another. */
function checkDivisible(
  { sequential, awq, tuneBlocks, tuneModel, targetBits, rowParts = 1 }: UnitOptions,
): void {
  if (tuneBlocks || tuneModel) {
    throw new OptionError("Cannot divide tuning into units: each layer waits for all before it");
  }
  if (awq) {
    throw new OptionError(
      "Cannot divide AWQ into units: scale the inputs on one machine, with awq(), and divide what follows",
    );
  }
  if (sequential) {
    throw new OptionError(
      "Cannot divide a sequential calibration into units: each Linear waits for all before it",
    );
  }
  if (targetBits !== undefined) {
    throw new OptionError(
      "Cannot divide the choice of formats by targetBits into units: choose on one machine, then give the formats as override",
    );
  }
  if (!Number.isSafeInteger(rowParts) || rowParts < 1) {
    throw new OptionError(
      `Cannot divide rows: rowParts must be a whole number of at least 1, current value is ${rowParts}`,
    );
  }
}

/** @throws {OptionError} when a matrix so stored depends on all of its rows. */
function checkRowsAlone({ codebook = "row", outliers }: StorageOptions): void {
  if (outliers) {
    throw new OptionError(
      "Cannot divide rows whose outliers are chosen together: leave out rowParts or outliers",
    );
  }
  if (codebook !== "row") {
    throw new OptionError(`Cannot divide rows that share codebooks: codebook is "${codebook}"`);
  }
}

const shareName = (linear: string, share: number, of: number) => `${linear}-${share}-of-${of}`;

/** Packed rows one below another; they are of one format. */
function stacked(shares: readonly PackedMatrix[]): PackedMatrix {
  const [first] = shares;
  return {
    ...first!,
    rows: shares.reduce((sum, { rows }) => sum + rows, 0),
    codes: joined(shares.map(({ codes }) => codes)),
    scales: joined(shares.map(({ scales }) => scales)),
    zeros: first!.zeros && joined(shares.map(({ zeros }) => zeros!)),
    codebook: first!.codebookType === "fixed" ? first!.codebook : joined(shares.map((each) => each.codebook)),
  };
}
