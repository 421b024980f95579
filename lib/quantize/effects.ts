/**
 * What noise in each Linear does to a model's predictions.
 *
 * @module
 */
import { pause } from "../event_loop.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { divergence } from "./divergence.ts";
import type { Journal } from "./on_disk/journal.ts";
import { LayerPass, type PassState } from "./on_disk/layer_pass.ts";
import type { Model } from "../model/model.ts";
import type { ModelOnDisk } from "./on_disk/model_on_disk.ts";

/** Pieces of the sample that are looked at, spread evenly, and their tokens. */
const WINDOWS = 4;
const TOKENS = 32;

/** Ids of some short sequences. */
type Windows = readonly (readonly number[])[];

/** Linears by name, each with what it is replaced by. */
export interface Probes {
  /** Which. */
  readonly linears: readonly string[];
  /** A Linear with noise. */
  readonly probe: (linear: string) => PackedMatrix;
}

/** Short pieces of a sample, spread evenly. */
export function windowsOf(ids: readonly number[], context: number): number[][] {
  const length = Math.min(TOKENS, context);
  const count = Math.max(1, Math.min(WINDOWS, Math.floor(ids.length / length)));
  const step = count === 1 ? 0 : (ids.length - length) / (count - 1);
  return Array.from(
    { length: count },
    (_, i) => ids.slice(Math.floor(i * step), Math.floor(i * step) + length),
  );
}

/**
 * The mean KL divergence, in nats a token, that comes of replacing each Linear alone.
 */
export async function effectsOf(
  model: Model,
  windows: Windows,
  { linears, probe }: Probes,
): Promise<Map<string, number>> {
  const vocab = model.config.vocab_size;
  const expected: Float32Array[] = [];
  for (const ids of windows) expected.push(await logitsOf(model, ids));
  const effects = new Map<string, number>();
  for (const linear of linears) {
    using changed = model.with({ tensors: new Map([...model.tensors, [`${linear}.weight`, probe(linear)]]) });
    const found = [];
    for (const ids of windows) found.push(await logitsOf(changed, ids));
    effects.set(linear, meanDivergence(expected, found, vocab));
  }
  return effects;
}

async function logitsOf(model: Model, ids: readonly number[]): Promise<Float32Array> {
  using session = model.session(ids.length);
  return await session.forward(ids, { logits: "all" });
}

function meanDivergence(
  expected: readonly Float32Array[],
  found: readonly Float32Array[],
  vocab: number,
): number {
  const tokens = expected.reduce((sum, { length }) => sum + length / vocab, 0);
  return expected.reduce((sum, logits, i) => sum + divergence(logits, found[i]!, vocab), 0) / tokens;
}

/**
 * {@linkcode effectsOf}, bit for bit, of a model of which one layer is in memory: all variants of it that differ in one Linear
 * go through the layers side by side, and each layer adds those of its own Linears.
 *
 * @param options.onLayer is told of every layer done.
 */
export async function effectsOnDisk(
  model: ModelOnDisk,
  windows: Windows,
  options: Probes & { journal: Journal; onLayer?: (done: number, layers: number) => void },
): Promise<Map<string, number>> {
  const { journal, linears, probe, onLayer } = options;
  const { config } = model.checkpoint;
  let state = journal.pass("effects");
  if (!state) {
    using pass = new LayerPass(model, windows);
    await pass.embed();
    state = { layer: 0, hidden: pass.hidden };
  }
  while (state.layer < config.num_hidden_layers) {
    state = await nextLayer(model, windows, { state, linears, probe });
    journal.writePass(state, "effects");
    onLayer?.(state.layer, config.num_hidden_layers);
    await pause();
  }
  using head = model.part("head");
  using pass = new LayerPass(model, variantsOf(model, windows, state), state);
  const effects = new Map<string, number>();
  let [expected, found]: Float32Array[][] = [[], []];
  const order = model.linears().filter((name) => linears.includes(name));
  await pass.logits(head, (logits) => {
    found!.push(logits);
    if (found!.length < windows.length) return;
    if (expected!.length === 0) expected = found;
    else effects.set(order[effects.size]!, meanDivergence(expected!, found!, config.vocab_size));
    found = [];
  });
  return effects;
}

/** All variants through a layer, and behind them one more for each of its Linears that are probed. */
async function nextLayer(
  model: ModelOnDisk,
  windows: Windows,
  { state, linears, probe }: Probes & { state: PassState },
): Promise<PassState> {
  const { layer, hidden } = state;
  const base = hidden.subarray(0, sizeOf(model, windows));
  const parts: Float32Array[] = [];
  for (const linear of model.linearsOfLayer(layer).filter((name) => linears.includes(name))) {
    using part = model.part(layer, { replaced: new Map([[`${linear}.weight`, probe(linear)]]) });
    using pass = new LayerPass(model, windows, { layer, hidden: base.slice() });
    await pass.advance(part);
    parts.push(pass.hidden);
  }
  using part = model.part(layer);
  using pass = new LayerPass(model, variantsOf(model, windows, state), state);
  await pass.advance(part);
  parts.unshift(pass.hidden);
  const next = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const each of parts) {
    next.set(each, at);
    at += each.length;
  }
  return { layer: layer + 1, hidden: next };
}

/** Values of all windows of one variant. */
function sizeOf(model: ModelOnDisk, windows: Windows): number {
  return model.checkpoint.config.hidden_size * windows.reduce((sum, { length }) => sum + length, 0);
}

/** The windows, once for each variant. */
function variantsOf(model: ModelOnDisk, windows: Windows, { hidden }: PassState): Windows {
  return Array.from({ length: hidden.length / sizeOf(model, windows) }, () => windows).flat();
}
