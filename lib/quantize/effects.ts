/**
 * The effect of noise in each Linear on a model's predictions.
 *
 * @module
 */
import { type Abortable, pause } from "../event_loop.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { linearNames } from "../model/decoder/layout.ts";
import type { Source } from "../model/source.ts";
import { divergence } from "../model/decoder/divergence.ts";
import { LayerPass, type PassState } from "./layer_pass.ts";
import type { Store } from "./store.ts";

/** Pieces of the sample that are looked at, spread evenly, and their tokens. */
const WINDOWS = 2;
const TOKENS = 32;

/** Ids of some short sequences. */
type Windows = readonly (readonly number[])[];

/** The replacements of Linears, by name. */
export interface Probes {
  /** Which. */
  readonly linears: readonly string[];
  /** A Linear with noise. */
  readonly probe: (linear: string) => Promise<PackedMatrix>;
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

function meanDivergence(
  expected: readonly Float32Array[],
  found: readonly Float32Array[],
  vocab: number,
): number {
  const tokens = expected.reduce((sum, { length }) => sum + length / vocab, 0);
  return expected.reduce((sum, logits, i) => sum + divergence(logits, found[i]!, vocab), 0) / tokens;
}

/**
 * The mean KL divergence, in nats a token, that comes of replacing each Linear alone. All variants of the model, each with one
 * Linear replaced, go through the layers side by side, and each layer adds those of its own Linears.
 *
 * @param options.store keeps how far they have come, as "pass" "effects".
 * @param options.onLayer is called after every layer.
 */
export async function effectsOf(
  source: Source,
  windows: Windows,
  options: Probes & Abortable & { store: Store; onLayer?: (done: number, layers: number) => void },
): Promise<Map<string, number>> {
  const { store, linears, probe, onLayer, signal } = options;
  const { config } = source;
  let state = store.get("pass", "effects") ??
    (await LayerPass.begin(source, { pieces: windows, signal })).state;
  while (state.layer < config.num_hidden_layers) {
    state = await nextLayer(source, windows, { state, linears, probe, signal });
    store.set("pass", "effects", state);
    onLayer?.(state.layer, config.num_hidden_layers);
    await pause(signal);
  }
  using head = source.part("head");
  const pass = new LayerPass(source, { pieces: variantsOf(source, windows, state), signal }, state);
  const effects = new Map<string, number>();
  let [expected, found]: Float32Array[][] = [[], []];
  const order = linearNames(source.layout).filter((name) => linears.includes(name));
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
  source: Source,
  windows: Windows,
  { state, linears, probe, signal }: Probes & Abortable & { state: PassState },
): Promise<PassState> {
  const { layer, hidden } = state;
  const base = { layer, hidden: hidden.subarray(0, sizeOf(source, windows)) };
  const variants: Float32Array[] = [];
  for (const linear of linearNames(source.layout, layer).filter((name) => linears.includes(name))) {
    using part = source.part(layer, new Map([[`${linear}.weight`, await probe(linear)]]));
    const pass = new LayerPass(source, { pieces: windows, signal }, base);
    await pass.advance(part);
    variants.push(pass.state.hidden);
  }
  using part = source.part(layer);
  const pass = new LayerPass(source, { pieces: variantsOf(source, windows, state), signal }, state);
  await pass.advance(part);
  variants.unshift(pass.state.hidden);
  const next = new Float32Array(variants.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const each of variants) {
    next.set(each, at);
    at += each.length;
  }
  return { layer: layer + 1, hidden: next };
}

/** Values of all windows of one variant. */
function sizeOf({ config }: Source, windows: Windows): number {
  return config.hidden_size * windows.reduce((sum, { length }) => sum + length, 0);
}

/** The windows, once for each variant. */
function variantsOf(source: Source, windows: Windows, { hidden }: PassState): Windows {
  return Array.from({ length: hidden.length / sizeOf(source, windows) }, () => windows).flat();
}
