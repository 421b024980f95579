/**
 * Where the columns of a Linear's input can be scaled without changing what a model computes.
 *
 * @module
 */
import type { ModelConfig } from "./config.ts";
import {
  hasExperts,
  type Layout,
  type LinearPlace,
  type MlpPlaces,
  type Projection,
  type TensorPlace,
} from "./layout.ts";

/** What gives an input: dividing it by t and multiplying columns of what takes it by t changes nothing. */
export interface Fold {
  /** The layer. */
  readonly layer: number;
  /** The Linears that take the input, all there are. */
  readonly takers: readonly LinearPlace[];
  /** The takers that are not clipped: they give queries or keys. */
  readonly unclipped: readonly string[];
  /** The tensors whose values are divided: a norm's vectors, or some rows of a Linear and its bias. */
  readonly givers: readonly {
    readonly place: TensorPlace;
    /** What the decoder adds to each of its values. */
    readonly offset: number;
    /** The first of its rows or, of a vector, of its values. */
    readonly from: number;
  }[];
  /** [cols] the giver's row, counted from `from`, that a column comes from; several where heads share keys and values. */
  readonly rowOf: Uint32Array;
}

/**
 * All folds of a model, in the order in which tokens meet them: norm → queries, keys, values; values → output; norm → gate, up;
 * up → down. Left out: norms behind a block, those before experts, fused Linears whose heads alternate, and MLPs in which the
 * activation is neither gated nor ReLU, where nothing of the kind is exact.
 */
export function foldsOf(layout: Layout, config: ModelConfig): Fold[] {
  const folds: Fold[] = [];
  const { norm_offset: offset, do_layer_norm_before, use_parallel_residual, head_dim } = config;
  const group = config.num_attention_heads / config.num_key_value_heads;
  const linears = (inputs: readonly Projection<string>[]) => inputs.map(({ linear }) => linear);
  const identity = (cols: number) => Uint32Array.from({ length: cols }, (_, c) => c);

  const addMlp = (layer: number, { inputs, output }: MlpPlaces) => {
    const place = rowsOf(inputs, "up");
    const gated = inputs.some(({ gives }) => gives.some(({ part }) => part === "gate"));
    if (!place || (!gated && config.hidden_act !== "relu")) return;
    folds.push({
      layer,
      takers: [output],
      unclipped: [],
      givers: giversOf(place),
      rowOf: identity(output.weight.cols),
    });
  };

  for (const [layer, { attention, mlp }] of layout.layers.entries()) {
    const mlps = hasExperts(mlp.inner) ? mlp.inner.experts : [mlp.inner];
    const experts = hasExperts(mlp.inner);
    const shared = use_parallel_residual && !mlp.norm;
    const queries = attention.inner.inputs.filter(({ gives }) => gives.some(({ part }) => part !== "v"));
    const addNorm = (norm: typeof attention.norm, takers: LinearPlace[]) => {
      if (!norm || !do_layer_norm_before) return;
      const { weight, bias } = norm;
      folds.push({
        layer,
        takers,
        unclipped: linears(queries).map(({ name }) => name),
        givers: [{ place: weight, offset, from: 0 }, ...bias ? [{ place: bias, offset: 0, from: 0 }] : []],
        rowOf: identity(weight.cols),
      });
    };
    if (!(shared && experts)) {
      addNorm(attention.norm, [
        ...linears(attention.inner.inputs),
        ...shared ? linears(mlps[0]!.inputs) : [],
      ]);
    }
    const values = rowsOf(attention.inner.inputs, "v");
    if (values) {
      const { output } = attention.inner;
      folds.push({
        layer,
        takers: [output],
        unclipped: [],
        givers: giversOf(values),
        rowOf: Uint32Array.from({ length: output.weight.cols }, (_, c) => {
          const head = Math.floor(c / head_dim);
          return Math.floor(head / group) * head_dim + c % head_dim;
        }),
      });
    }
    if (!experts) addNorm(mlp.norm, linears(mlps[0]!.inputs));
    for (const one of mlps) addMlp(layer, one);
  }
  return folds;
}

/** The Linear that gives a part, and its first row there; undefined where rows of several heads alternate. */
function rowsOf<Part extends string>(
  inputs: readonly Projection<Part>[],
  part: Part,
): { linear: LinearPlace; from: number } | undefined {
  for (const { linear, gives } of inputs) {
    const given = gives.find((one) => one.part === part);
    if (!given) continue;
    return given.columns?.stride === undefined ? { linear, from: given.columns?.from ?? 0 } : undefined;
  }
  return undefined;
}

const giversOf = ({ linear, from }: { linear: LinearPlace; from: number }) =>
  [linear.weight, linear.bias].map((place) => ({ place, offset: 0, from }));
