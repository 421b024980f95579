/**
 * Where a checkpoint keeps the parts that a decoder is made of.
 *
 * @module
 */
import type { Columns } from "../../compute/backend.ts";

/** A tensor as the decoder wants it, [rows, cols], and as the checkpoint has it. */
export interface TensorPlace {
  /** Its name in the checkpoint. */
  readonly name: string;
  /** out_features; 1 for a vector. */
  readonly rows: number;
  /** in_features, or the length of a vector. */
  readonly cols: number;
  /** Whether the checkpoint has one dimension, [cols]. */
  readonly vector?: boolean;
  /** Whether the checkpoint has [cols, rows], as GPT-2's Conv1D. */
  readonly transposed?: boolean;
  /**
   * Features of a head, where the checkpoint turns features 2i and 2i + 1 of one together, as Cohere's; the decoder turns i
   * and i + n / 2. Outputs are reordered.
   */
  readonly interleaved?: number;
  /** Whether a checkpoint need not have it. */
  readonly optional?: boolean;
}

/** A Linear. */
export interface LinearPlace {
  /** The module's name: "model.layers.0.mlp.up_proj". */
  readonly name: string;
  /** [out_features, in_features]. */
  readonly weight: TensorPlace;
  /** [out_features]. */
  readonly bias: TensorPlace;
}

/** A norm. */
export interface NormPlace {
  /** [features]. */
  readonly weight: TensorPlace;
  /** [features], of a layer norm. */
  readonly bias?: TensorPlace;
}

/** A Linear that gives one of some parts, or several of them side by side: then each has its columns. */
export interface Projection<Part extends string, Linear = LinearPlace> {
  /** The Linear. */
  readonly linear: Linear;
  /** What it gives. */
  readonly gives: readonly { readonly part: Part; readonly columns?: Columns }[];
}

/** Attention. */
export interface AttentionPlaces<Linear = LinearPlace, Norm = NormPlace> {
  /** Queries, keys and values: three Linears, or one. */
  readonly inputs: readonly Projection<"q" | "k" | "v", Linear>[];
  /** Norm of each head's queries. */
  readonly qNorm?: Norm;
  /** Norm of each head's keys. */
  readonly kNorm?: Norm;
  /** What is made of the heads' outputs. */
  readonly output: Linear;
}

/** A feed-forward network; gated where something gives "gate". */
export interface MlpPlaces<Linear = LinearPlace> {
  /** What is activated, and what that gates. */
  readonly inputs: readonly Projection<"gate" | "up", Linear>[];
  /** What is made of it. */
  readonly output: Linear;
}

/** Several of which each token takes some. */
export interface ExpertPlaces<Linear = LinearPlace> {
  /** Gives each expert's logit. It is never quantized. */
  readonly router: Linear;
  /** The experts. */
  readonly experts: readonly MlpPlaces<Linear>[];
}

/** One of the two halves of a layer, with the norm at its beginning (or behind it: `do_layer_norm_before`). */
export interface Sublayer<Inner, Norm = NormPlace> {
  /** The norm; where there is none, what comes in is taken as it is, or side by side with attention what that takes. */
  readonly norm?: Norm;
  /** What the block computes. */
  readonly inner: Inner;
  /** Norm of what it found, before that is added. */
  readonly after?: Norm;
}

/** A decoder layer. */
export interface LayerPlaces<Linear = LinearPlace, Norm = NormPlace> {
  /** Its first half. */
  readonly attention: Sublayer<AttentionPlaces<Linear, Norm>, Norm>;
  /** Its second half. */
  readonly mlp: Sublayer<MlpPlaces<Linear> | ExpertPlaces<Linear>, Norm>;
}

/** A decoder. */
export interface Layout {
  /** [vocab_size, word_embed_proj_dim]. */
  readonly embedding: TensorPlace;
  /** Learned positions, and the row of the first. */
  readonly positions?: { readonly table: TensorPlace; readonly offset: number };
  /** From embeddings to the layers, where they are not as wide. */
  readonly projectIn?: LinearPlace;
  /** The layers. */
  readonly layers: readonly LayerPlaces[];
  /** The norm behind them. */
  readonly norm?: NormPlace;
  /** From the layers to the head, where it is not as wide. */
  readonly projectOut?: LinearPlace;
  /** Gives logits; the embedding does where there is none. */
  readonly head?: LinearPlace;
}

/** Whether a layer's second half has experts. */
export function hasExperts<Linear>(
  inner: MlpPlaces<Linear> | ExpertPlaces<Linear>,
): inner is ExpertPlaces<Linear> {
  return "experts" in inner;
}

/** A Linear, [out_features, in_features] = size. `bias` says that the checkpoint must have one. */
export function linear(
  name: string,
  size: readonly [number, number],
  options: { bias?: boolean; transposed?: boolean; interleaved?: number } = {},
): LinearPlace {
  const [rows, cols] = size;
  const { bias = false, transposed = false, interleaved } = options;
  return {
    name,
    weight: { name: `${name}.weight`, rows, cols, transposed, interleaved },
    bias: { name: `${name}.bias`, rows: 1, cols: rows, vector: true, interleaved, optional: !bias },
  };
}

/** Outputs of the Linear that a weight or a bias belongs to. */
export function outputsOf({ vector, rows, cols }: TensorPlace): number {
  return vector ? cols : rows;
}

/** A norm of `cols` features, with a bias or without. */
export function norm(name: string, cols: number, options: { bias?: boolean } = {}): NormPlace {
  const vector = (part: string) => ({ name: `${name}.${part}`, rows: 1, cols, vector: true });
  return options.bias ? { weight: vector("weight"), bias: vector("bias") } : { weight: vector("weight") };
}

/** An embedding. */
export function table(name: string, rows: number, cols: number): TensorPlace {
  return { name: `${name}.weight`, rows, cols };
}

/** All tensors, in the decoder's order. */
export function* tensorsOf(layout: Layout): Iterable<TensorPlace> {
  yield layout.embedding;
  if (layout.positions) yield layout.positions.table;
  const rest = [layout.projectIn, layout.layers, layout.norm, layout.projectOut, layout.head];
  yield* within(rest);
}

/** The tensors of one layer, in the decoder's order. */
export function tensorsOfLayer(layout: Layout, layer: number): Iterable<TensorPlace> {
  return within(layout.layers[layer]);
}

function* within(value: unknown): Iterable<TensorPlace> {
  if (typeof value !== "object" || value === null) return;
  if ("rows" in value) yield value as TensorPlace;
  else for (const part of Object.values(value)) yield* within(part);
}

/** The Linears that quantization is about, in the order in which tokens meet them. */
export function* linearsOf(layout: Layout): Iterable<LinearPlace> {
  for (const { attention, mlp: { inner } } of layout.layers) {
    for (const part of [attention.inner, ...(hasExperts(inner) ? inner.experts : [inner])]) {
      for (const { linear } of part.inputs) yield linear;
      yield part.output;
    }
  }
}

/** Module names of {@linkcode linearsOf}, of all layers or of one. */
export function linearNames(layout: Layout, layer?: number): string[] {
  const layers = layer === undefined ? layout.layers : [layout.layers[layer]!];
  return Array.from(linearsOf({ ...layout, layers }), ({ name }) => name);
}
