/**
 * Calibration: what the columns of each Linear are multiplied by.
 *
 * @module
 */
import { type Abortable, interruptible, pause } from "../event_loop.ts";
import { OptionError } from "../errors.ts";
import type { InputStats } from "../learn/input_stats.ts";
import { linearNames } from "../model/decoder/layout.ts";
import type { Model } from "../model/model.ts";
import type { LoadedPart, Source } from "../model/source.ts";
import { sampleText } from "./calibration_sample.ts";
import { checkTokenWeights, meansOf, SumCollector, type Sums, type TokenWeights } from "./input_sums.ts";
import { LayerPass, type Pieces } from "./layer_pass.ts";
import { MemoryStore, type Store } from "./store.ts";

/** Of what statistics are. */
export interface CalibrationOrigin {
  /** The model's name. */
  readonly model: string;
  /** A hash of its config and weights. */
  readonly modelHash: string;
  /** A hash of the sample. */
  readonly textHash: string;
}

/** Statistics by the Linears' module names. Linears that share an input share the object. */
export interface Calibration extends ReadonlyMap<string, InputStats> {
  /** The model and the text that they are of, if that is known: another model refuses them. */
  readonly origin?: CalibrationOrigin;
}

/** The sample that a model is calibrated with. */
export interface SampleOptions extends Abortable {
  /**
   * The sample, or several, each from its own start; the library's own text of five kinds when absent, and with `gram` some
   * more of its own, since pairs of columns take more tokens to tell.
   */
  text?: string | readonly string[];
  /** Tokens of it that are used, from the first on; all when absent. */
  maxTokens?: number;
  /** Tokens of each sample that are used, from the first on; all when absent. */
  length?: number;
  /**
   * Into how many parts the sample's sequences are divided, each of which is added up alone before their sums are joined: as
   * many machines can do it, with the same bits. 1 when absent.
   */
  parts?: number;
  /** Collect E[x xᵀ] too, [cols, cols] singles an input; false when absent. */
  gram?: boolean;
  /** How much each token counts; see {@linkcode TokenWeights}. "none" when absent. */
  tokenWeights?: TokenWeights;
}

/** Options of {@linkcode calibrate}. */
export interface CalibrateOptions extends SampleOptions {
  /** The Linears; all when absent. */
  linears?: Iterable<string>;
  /** Is told of every layer done. */
  onProgress?: (done: number, layers: number) => void;
}

/** A sample as a model sees it. */
export interface Sample extends Pieces {
  /** The part that a piece belongs to, by their numbers. */
  readonly partOf: (piece: number) => number;
  /** Whether E[x xᵀ] is wanted. */
  readonly gram?: boolean;
  /** How much each token counts. */
  readonly tokenWeights?: TokenWeights;
}

/**
 * Runs one sample or several through a model and collects statistics of every Linear's input. A sample longer than the
 * model's context is seen in pieces of that length. An expert is judged by the tokens that went to it; one to which none
 * went, by all tokens of its layer.
 *
 * @throws {OptionError} when the samples are empty, or a number is not a whole one of at least 1.
 * @throws the signal's reason, if `signal` cancels it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { calibrate, loadModel } from "any4";
 * using model = await loadModel("tinyworld");
 * const stats = await calibrate(model, { gram: true });
 * const { meanSquare, gram } = stats.get("model.layers.0.mlp.down_proj")!;
 * assertEquals([meanSquare.length, gram!.length], [768, 768 * 768]);
 * ```
 */
export function calibrate(model: Model, options: CalibrateOptions = {}): Promise<Calibration> {
  return interruptible(() => calibrateSource(model, options));
}

/** Collects statistics in memory. */
export async function calibrateSource(source: Source, options: CalibrateOptions): Promise<Calibration> {
  const store = new MemoryStore();
  const layers = await calibrateLayers(source, store, options);
  const stats = Array.from({ length: layers }, (_, layer) => [...store.get("stats", String(layer))!]);
  return new Map(stats.flat());
}

/**
 * Collects statistics layer by layer and keeps them, each layer's as "stats" by its number. Starts where a store's "pass"
 * says.
 *
 * @returns layers that were calibrated: up to the last that has a Linear that is wanted.
 */
export async function calibrateLayers(
  source: Source,
  store: Store,
  options: CalibrateOptions,
): Promise<number> {
  const wanted = options.linears && new Set(options.linears);
  const names = source.layout.layers.map((_, layer) =>
    linearNames(source.layout, layer).filter((name) => wanted?.has(name) ?? true)
  );
  const layers = names.findLastIndex((some) => some.length > 0) + 1;
  const sample = sampleOf(source, options);
  const pass = await resumePass(source, store, { sample, name: "calibration" });
  while (pass.layer < layers) {
    const { layer } = pass;
    using part = source.part(layer);
    const sums = await sumsOfLayer(source, { pass, part, sample, linears: names[layer]! });
    store.set("stats", String(layer), meansOf(sums));
    store.set("pass", "calibration", pass.state);
    options.onProgress?.(pass.layer, layers);
    await pause(options.signal);
  }
  return layers;
}

/** Finds the statistics of a layer's Linear; layers come in order. */
export type StatsOfLayer = (linear: string, layer: number) => Promise<InputStats | undefined>;

/** A pass of a sample that starts where a store's is, or before the first layer. */
export async function resumePass(
  source: Source,
  store: Store,
  { sample, name }: { sample: Sample; name: string },
): Promise<LayerPass> {
  const state = store.get("pass", name);
  return state ? new LayerPass(source, sample, state) : await LayerPass.begin(source, sample);
}

/**
 * The sums of one part of a sample: a unit of work. A store has each layer's as "sums" by {@linkcode sumsName}, and
 * {@linkcode joinSums} joins them with the other parts'. Starts where the store's "pass" says.
 *
 * @param options.part the number of the part, from 0 on.
 */
export async function sumsOfPart(
  source: Source,
  store: Store,
  { part: number, ...options }: SampleOptions & { part: number },
): Promise<void> {
  const { pieces, partOf, ...rest } = sampleOf(source, options);
  const sample = { pieces: pieces.filter((_, i) => partOf(i) === number), partOf: () => 0, ...rest };
  const name = `part-${number}`;
  const pass = await resumePass(source, store, { sample, name });
  while (pass.layer < source.layout.layers.length) {
    const { layer } = pass;
    using part = source.part(layer);
    const linears = linearNames(source.layout, layer);
    store.set("sums", sumsName(number, layer), await sumsOfLayer(source, { pass, part, sample, linears }));
    store.set("pass", name, pass.state);
    await pause(rest.signal);
  }
}

/** The name of a part's sums of a layer. */
export const sumsName = (part: number, layer: number): string => `${part}-${layer}`;

/** The sums of a layer's Linears, or those of some, while a pass goes through it. */
export async function sumsOfLayer(
  source: Source,
  means: { pass: LayerPass; part: LoadedPart; sample: Sample; linears: readonly string[] },
): Promise<Sums> {
  const { pass, part, sample, linears } = means;
  const { state } = pass;
  using sums = new SumCollector(source.backend, sample);
  await pass.advance(part, async (shown, input, piece) => {
    if (shown.some((name) => linears.includes(name))) await sums.add(shown, input, sample.partOf(piece));
  });
  const found = await sums.sums();
  const unseen = linears.filter((linear) => !found.has(linear));
  if (unseen.length === 0) return found;
  const again = new LayerPass(source, sample, state);
  const rest = await sumsOfEveryToken(source, { pass: again, part, sample, linears: unseen });
  return new Map([...found, ...[...rest].filter(([linear]) => !found.has(linear))]);
}

/** The sums of experts that no token went to, as if all had. */
export async function sumsOfEveryToken(
  source: Source,
  means: { pass: LayerPass; part: LoadedPart; sample: Sample; linears: readonly string[] },
): Promise<Sums> {
  const { pass, part, sample, linears } = means;
  using sums = new SumCollector(source.backend, sample);
  await pass.observe(part, async (shown, input, piece) => {
    if (shown.some((linear) => linears.includes(linear))) await sums.add(shown, input, sample.partOf(piece));
  }, true);
  const found = await sums.sums();
  for (const entry of found.values()) entry.everyToken = true;
  return found;
}

/**
 * A sample as a model sees it.
 *
 * @throws {OptionError} when it is empty, or a number is not a whole one of at least 1.
 */
export function sampleOf(source: Pick<Source, "tokenizer" | "config">, options: SampleOptions): Sample {
  const { maxTokens = Infinity, length = Infinity, parts = 1, gram, tokenWeights, signal } = options;
  const text = sampleText(options);
  checkTokenWeights(tokenWeights);
  for (const [name, value] of Object.entries({ maxTokens, length, parts })) {
    if (value === Infinity && name !== "parts") continue;
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new OptionError(
      `Cannot calibrate: ${name} must be a whole number of at least 1, current value is ${value}`,
    );
  }
  const context = source.config.max_position_embeddings;
  const pieces: number[][] = [];
  let left = maxTokens;
  for (const sample of typeof text === "string" ? [text] : text) {
    // Its first token alone, which tokenizers add, says nothing.
    if (sample === "") continue;
    const ids = source.tokenizer.encode(sample).slice(0, Math.min(left, length));
    left -= ids.length;
    for (let from = 0; from < ids.length; from += context) pieces.push(ids.slice(from, from + context));
    if (left === 0) break;
  }
  if (pieces.length === 0) throw new OptionError("Cannot calibrate with an empty text");
  const count = Math.min(parts, pieces.length);
  return { pieces, partOf: (piece) => Math.floor(piece * count / pieces.length), gram, tokenWeights, signal };
}
