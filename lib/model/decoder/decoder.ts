/**
 * The decoder of all architectures, written once against the Backend interface. What differs is in the config, and where the
 * weights are is in the layout.
 *
 * @module
 */
import type { Backend, KvCache, RowsAs, Tensor, TokenPlace, Weight } from "../../compute/backend.ts";
import { OptionError } from "../../errors.ts";
import { type Abortable, pause } from "../../event_loop.ts";
import type { ModelConfig } from "./config.ts";
import { assignExperts } from "./experts.ts";
import {
  type AttentionPlaces,
  type ExpertPlaces,
  hasExperts,
  type LayerPlaces,
  type Layout,
  type LinearPlace,
  type MlpPlaces,
  type NormPlace,
  type Projection,
} from "./layout.ts";
import { type Rotation, rotationOf } from "./rope.ts";
import type { RopeParameters } from "./rope_parameters.ts";

/**
 * Finds a tensor's weights on the backend by its checkpoint name, with something added to each of them; undefined where the
 * checkpoint has none.
 */
export type WeightLookup = (name: string, offset?: number) => Weight | undefined;

interface Linear {
  readonly name: string;
  readonly weight: Weight;
  readonly bias?: Weight;
}

interface Norm {
  readonly weight: Weight;
  readonly bias?: Weight;
}

type Attention = AttentionPlaces<Linear, Norm>;
type Mlp = MlpPlaces<Linear>;
type Experts = ExpertPlaces<Linear>;

/**
 * Is shown the input of Linears as a decoder runs: their module names, and the input they share, [tokens, in]; an expert's
 * has only the tokens that went to it. When it says "stop", the rest of the pass is left out.
 */
export type Observer = (
  linears: readonly string[],
  input: Tensor,
) => void | "stop" | Promise<void | "stop">;

/** How heads turn in each type of layer; they do not where there is nothing. */
export interface Rotations {
  /** Where attention sees all. */
  readonly full?: Rotation;
  /** Where it slides. */
  readonly local?: Rotation;
}

/** A part of a decoder: its embedding, one of its layers, or what gives logits. */
export type DecoderPart = "embedding" | number | "head";

/** Activations for a number of tokens, kept so that a decode step allocates nothing. */
export interface Workspace {
  readonly x: Tensor;
  readonly normed: Tensor;
  /** A second norm's output, where two are needed at a time. */
  readonly second?: Tensor;
  /** Embeddings, and what the head is given, where they are not as wide as x. */
  readonly narrow?: Tensor;
  /** What a fused Linear gives. */
  readonly qkv?: Tensor;
  /** Queries and keys before their norms. */
  readonly rawQ?: Tensor;
  readonly rawK?: Tensor;
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly attended: Tensor;
  readonly projected: Tensor;
  /** What a fused Linear gives. */
  readonly gateUp?: Tensor;
  readonly gate?: Tensor;
  readonly up: Tensor;
  readonly activated: Tensor;
  /** The same for MLPs of another width. */
  readonly otherGate?: Tensor;
  readonly otherUp?: Tensor;
  readonly otherActivated?: Tensor;
  /** Logits of experts. */
  readonly router?: Tensor;
  /** The tokens of an expert. */
  readonly routed?: Tensor;
  /** Not of a part without a head. */
  readonly logits?: Tensor;
}

/** Frees the activations of a workspace. */
export function freeWorkspace(backend: Backend, work: Workspace): void {
  for (const tensor of Object.values(work) as (Tensor | undefined)[]) if (tensor) backend.free?.(tensor);
}

/** Where a sequence is continued. */
export interface SequencePlace {
  /** Keys and values so far. */
  readonly cache: KvCache;
  /** The position of the next token. */
  readonly position: number;
  /** The sequence's. */
  readonly rotations: Rotations;
}

/** Tokens of a pass that continue a sequence. */
export interface SequencePart extends SequencePlace {
  /** How many. */
  readonly tokens: number;
}

/** What a forward pass goes by. */
export interface PassOptions extends Abortable {
  /**
   * The sequence that all tokens continue, or parts of several, one behind the other, on a backend that has `rows`. A part that
   * continues a sequence from an earlier position sees nothing of those before it that went further.
   */
  readonly at: SequencePlace | readonly SequencePart[];
  /** How Linears multiply the tokens. */
  readonly as?: RowsAs;
  /** Whether logits are wanted: now, or of {@linkcode Decoder.head} afterwards. */
  readonly logits: boolean | "later";
  /** Is shown what Linears are multiplied with. */
  readonly observe?: Observer;
  /** Show it each expert's input as if all tokens went to it. */
  readonly everyExpert?: boolean;
}

/** A pass over a layer: its options, where it computes, and x, which experts add to. */
interface Run extends PassOptions {
  readonly work: Workspace;
  readonly layer: number;
  readonly x: Tensor;
}

/** The parts of a pass over `tokens` tokens. */
function partsOf(at: PassOptions["at"], tokens: number): readonly SequencePart[] {
  return "cache" in at ? [{ ...at, tokens }] : at;
}

/** What a block says that an observer has stopped. */
const STOP = Symbol("stop");

const namesOf = (inputs: readonly Projection<string, Linear>[]) => inputs.map(({ linear }) => linear.name);

/** Whether one of several projections is of a fused Linear. */
const fused = (inputs: readonly Projection<string>[]) =>
  inputs.find(({ gives }) => gives[0]!.columns)?.linear.weight.rows;

const gated = (mlp: MlpPlaces) => mlp.inputs.some(({ gives }) => gives.some(({ part }) => part === "gate"));

/**
 * Rotations within the original context and beyond it, the same for all parts of a decoder: backends keep what they have
 * computed of each.
 */
const known = new WeakMap<ModelConfig, Map<boolean, Rotations>>();

/** The weights of a model in their places, shared by any number of sessions. */
export class Decoder {
  /** The config. */
  readonly config: ModelConfig;
  /** Where it runs. */
  readonly backend: Backend;
  readonly #layout: Layout;
  readonly #part?: DecoderPart;
  readonly #embedding?: Weight;
  readonly #positions?: { readonly table: Weight; readonly offset: number };
  readonly #projectIn?: Linear;
  /** By their numbers; of a part, one or none. */
  readonly #layers = new Map<number, LayerPlaces<Linear, Norm>>();
  readonly #norm?: Norm;
  readonly #projectOut?: Linear;
  readonly #head?: { readonly weight: Weight; readonly bias?: Weight };

  /**
   * @param means find finds weights by checkpoint name; all that the layout asks for must be there. With `part` only that part
   * is made, and no other weights are looked for.
   */
  constructor(
    config: ModelConfig,
    means: { layout: Layout; backend: Backend; find: WeightLookup; part?: DecoderPart },
  ) {
    this.config = config;
    this.backend = means.backend;
    const { layout, find, part } = means;
    this.#layout = layout;
    this.#part = part;
    const need = (name: string, offset?: number) => {
      const weight = find(name, offset);
      if (!weight) throw new OptionError(`Cannot build the decoder: tensor ${name} is missing`);
      return weight;
    };
    const linear = ({ name, weight, bias }: LinearPlace): Linear => (
      { name, weight: need(weight.name), bias: find(bias.name) }
    );
    const norm = ({ weight, bias }: NormPlace): Norm => (
      { weight: need(weight.name, config.norm_offset), bias: bias && need(bias.name) }
    );
    const inputs = <Part extends string>(places: readonly Projection<Part>[]) =>
      places.map((place) => ({ ...place, linear: linear(place.linear) }));
    const attention = (places: AttentionPlaces): Attention => ({
      inputs: inputs(places.inputs),
      qNorm: places.qNorm && norm(places.qNorm),
      kNorm: places.kNorm && norm(places.kNorm),
      output: linear(places.output),
    });
    const mlp = (places: MlpPlaces): Mlp => (
      { inputs: inputs(places.inputs), output: linear(places.output) }
    );
    const experts = (places: ExpertPlaces): Experts => (
      { router: linear(places.router), experts: places.experts.map(mlp) }
    );
    if (part === undefined || part === "embedding") {
      const { positions } = layout;
      this.#embedding = need(layout.embedding.name);
      this.#positions = positions && { table: need(positions.table.name), offset: positions.offset };
      this.#projectIn = layout.projectIn && linear(layout.projectIn);
    }
    for (const [i, layer] of layout.layers.entries()) {
      if (part !== undefined && part !== i) continue;
      this.#layers.set(i, {
        attention: {
          norm: layer.attention.norm && norm(layer.attention.norm),
          inner: attention(layer.attention.inner),
          after: layer.attention.after && norm(layer.attention.after),
        },
        mlp: {
          norm: layer.mlp.norm && norm(layer.mlp.norm),
          inner: hasExperts(layer.mlp.inner) ? experts(layer.mlp.inner) : mlp(layer.mlp.inner),
          after: layer.mlp.after && norm(layer.mlp.after),
        },
      });
    }
    if (part !== undefined && part !== "head") return;
    this.#norm = layout.norm && norm(layout.norm);
    this.#projectOut = layout.projectOut && linear(layout.projectOut);
    this.#head = layout.head ? linear(layout.head) : { weight: need(layout.embedding.name) };
  }

  /** How heads turn in sequences of at most `length` tokens. */
  rotations(length: number): Rotations {
    const { rope_parameters, local_rope_parameters } = this.config;
    const original = rope_parameters && "original_max_position_embeddings" in rope_parameters
      ? rope_parameters.original_max_position_embeddings
      : Infinity;
    const beyond = length > original;
    const kept = known.get(this.config) ?? new Map<boolean, Rotations>();
    known.set(this.config, kept);
    const found = kept.get(beyond);
    if (found) return found;
    const turn = (rope: RopeParameters | null) => rope ? rotationOf(rope, length) : undefined;
    const full = turn(rope_parameters);
    const made = { full, local: turn(local_rope_parameters) ?? full };
    // Each length has its own where scaling is dynamic: the sequence keeps it.
    if (!beyond || rope_parameters?.rope_type !== "dynamic") kept.set(beyond, made);
    return made;
  }

  /** Activations for `tokens` tokens, and logits for as many or fewer. */
  workspace(tokens: number, logits: number = tokens): Workspace {
    const { config: c } = this;
    const tensor = (cols: number, rows = tokens) => this.backend.tensor(rows, cols);
    const maybe = (cols: number | undefined | false) => cols ? tensor(cols) : undefined;
    const [q, kv] = [c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim];
    const [layer] = this.#layout.layers;
    const { inner: attention, after } = layer!.attention;
    const { norm: mlpNorm } = layer!.mlp;
    // Experts may be of another width than the MLPs of layers that have none.
    const mlps = this.#layout.layers.map(({ mlp: { inner } }) =>
      hasExperts(inner) ? inner.experts[0]! : inner
    );
    const [mlp, other] = [...new Map(mlps.map((mlp) => [mlp.output.weight.cols, mlp])).values()];
    const [width, otherWidth] = [mlp!.output.weight.cols, other?.output.weight.cols];
    return {
      x: tensor(c.hidden_size),
      normed: tensor(c.hidden_size),
      second: maybe((after || (c.use_parallel_residual && mlpNorm)) && c.hidden_size),
      narrow: maybe((this.#projectIn ?? this.#projectOut) && c.word_embed_proj_dim),
      qkv: maybe(fused(attention.inputs)),
      rawQ: maybe(attention.qNorm && q),
      rawK: maybe(attention.kNorm && kv),
      q: tensor(q),
      k: tensor(kv),
      v: tensor(kv),
      attended: tensor(q),
      projected: tensor(c.hidden_size),
      gateUp: maybe(fused(mlp!.inputs)),
      gate: maybe(gated(mlp!) && width),
      up: tensor(width),
      activated: tensor(width),
      otherGate: maybe(other && gated(other) && otherWidth),
      otherUp: maybe(otherWidth),
      otherActivated: maybe(otherWidth),
      router: maybe(c.num_local_experts),
      routed: maybe(c.num_local_experts > 0 && c.hidden_size),
      logits: this.#head && tensor(c.vocab_size, logits),
    };
  }

  /**
   * Runs tokens through the decoder. A part of one takes `work.x` from the part before, and leaves its own there; the
   * embedding takes the tokens.
   *
   * @param tokens ids, or where the one id is; the first at the `position` of the sequence whose earlier tokens are in its
   * `cache`, or each of a sequence of its own.
   * @param work a workspace for exactly as many tokens.
   * @returns the logits' tensor, [tokens, vocab_size]; undefined when none were asked for.
   */
  async forward(
    tokens: ArrayLike<number> | TokenPlace,
    work: Workspace,
    options: PassOptions,
  ): Promise<Tensor | undefined> {
    const { backend: b, config: c } = this;
    const { second } = work;
    let { x, normed } = work; // each [T, hidden_size]
    if (this.#embedding) this.#embed(tokens, work, options);
    let add: Tensor | undefined; // what the last block adds to x
    for (const [i, { attention, mlp }] of this.#layers) {
      await pause(options.signal);
      const run: Run = { ...options, work, layer: i, x };
      if (c.use_parallel_residual) {
        this.#normalize(normed, x, attention.norm!, add);
        if (mlp.norm) this.#normalize(second!, x, mlp.norm);
        const attended = await this.#attend(attention.inner, normed, run);
        if (attended === STOP) return undefined;
        b.add(x, attended);
        const found = await this.#feed(mlp.inner, mlp.norm ? second! : normed, run);
        if (found === STOP) return undefined;
        add = found;
        continue;
      }
      for (const block of [attention, mlp]) {
        const before = c.do_layer_norm_before ? block.norm : undefined;
        if (before) this.#normalize(normed, x, before, add);
        else if (add) b.add(x, add);
        const input = before ? normed : x;
        const found = block === attention
          ? await this.#attend(attention.inner, input, run)
          : await this.#feed(mlp.inner, input, run);
        if (found === STOP) return undefined;
        add = found;
        if (found && c.residual_scale !== 1) b.scale(found, c.residual_scale);
        if (block.after && found) this.#normalize(add = second!, found, block.after);
        if (!c.do_layer_norm_before) {
          this.#normalize(normed, x, block.norm!, add);
          [x, normed, add] = [normed, x, undefined];
        }
      }
    }
    if (this.#part !== undefined && this.#part !== "head") {
      if (add) b.add(x, add);
      return undefined;
    }
    if (!options.logits) return undefined;
    // Norms behind blocks change x and normed an even number of times.
    if (this.#norm) this.#normalize(normed, x, this.#norm, add);
    else if (add) b.add(x, add);
    return options.logits === "later" ? undefined : this.head(work, options);
  }

  /**
   * The logits of tokens of the last pass over `work`, which gives them up.
   *
   * @param options.rows which tokens; all when absent.
   * @returns [rows, vocab_size]
   */
  head(work: Workspace, { rows, as }: { rows?: readonly number[]; as?: RowsAs }): Tensor {
    const { backend: b, config: c } = this;
    const first = (tensor: Tensor) => rows ? b.first(tensor, rows.length) : tensor;
    const [hidden, spare] = this.#norm ? [work.normed, work.x] : [work.x, work.normed];
    let out = hidden;
    if (rows) b.gather(out = first(spare), hidden, rows);
    if (this.#projectOut) {
      const narrow = first(work.narrow!);
      b.linear(narrow, out, { ...this.#projectOut, as });
      out = narrow;
    }
    const logits = first(work.logits!);
    b.linear(logits, out, { ...this.#head!, as });
    if (c.logit_scale !== 1) b.scale(logits, c.logit_scale);
    if (c.final_logit_softcapping) b.softcap(logits, c.final_logit_softcapping);
    return logits;
  }

  /** x: [T, hidden_size]. */
  #embed(tokens: ArrayLike<number> | TokenPlace, work: Workspace, { at, as }: PassOptions): void {
    const { backend: b, config: c } = this;
    const { x, normed, narrow } = work;
    b.embed(this.#projectIn ? narrow! : x, this.#embedding!, tokens);
    if (this.#projectIn) b.linear(x, narrow!, { ...this.#projectIn, as });
    if (c.embedding_scale !== 1) b.scale(x, c.embedding_scale);
    if (!this.#positions) return;
    const { table, offset } = this.#positions;
    const positions = partsOf(at, x.rows).flatMap(({ position, tokens }) =>
      Array.from({ length: tokens }, (_, t) => position + t + offset)
    );
    b.embed(normed, table, positions);
    b.add(x, normed);
  }

  #normalize(out: Tensor, x: Tensor, { weight, bias }: Norm, add?: Tensor): void {
    const { norm, norm_eps: epsilon } = this.config;
    if (norm === "rms") this.backend.rmsNorm(out, x, { weight, epsilon, add });
    else this.backend.layerNorm(out, x, { weight, bias, epsilon, add });
  }

  /** The parts that Linears give of an input: each its own, or several cut out of what one gives. */
  #project<Part extends string>(
    inputs: readonly Projection<Part, Linear>[],
    input: Tensor,
    to: { parts: Readonly<Record<Part, Tensor | undefined>>; whole?: Tensor; as?: RowsAs },
  ): void {
    const { backend: b } = this;
    const products = inputs.map(({ linear, gives: [only] }) => (
      { ...linear, as: to.as, out: only!.columns ? to.whole! : to.parts[only!.part]! }
    ));
    if (b.linears) b.linears(input, products);
    else for (const product of products) b.linear(product.out, input, product);
    for (const { part, columns } of inputs.flatMap(({ gives }) => gives)) {
      if (columns) b.columns(to.parts[part]!, to.whole!, columns);
    }
  }

  async #attend(w: Attention, input: Tensor, run: Run): Promise<Tensor | typeof STOP> {
    const { backend: b, config: c } = this;
    const { work, layer, at, as, observe } = run;
    const { q, k, v, rawQ, rawK, attended, projected } = work; // [T, heads · head_dim], k and v [T, kv_heads · head_dim]
    if (await observe?.(namesOf(w.inputs), input) === "stop") return STOP;
    this.#project(w.inputs, input, { parts: { q: rawQ ?? q, k: rawK ?? k, v }, whole: work.qkv, as });
    if (w.qNorm) this.#normalize(q, rawQ!, w.qNorm);
    if (w.kNorm) this.#normalize(k, rawK!, w.kNorm);
    const slides = c.layer_types[layer] === "sliding_attention";
    const turns = c.rope_layers[layer] ?? true;
    const options = {
      layer,
      scale: c.attention_scale,
      softcap: c.attn_logit_softcapping ?? undefined,
      window: slides ? c.sliding_window ?? undefined : undefined,
    };
    let from = 0;
    for (const { cache, position, rotations, tokens: count } of partsOf(at, q.rows)) {
      const part = (x: Tensor) => count === x.rows ? x : b.rows!(x, { from, count });
      const rotation = turns ? (slides ? rotations.local : rotations.full) : undefined;
      const qkv = { q: part(q), k: part(k), v: part(v) };
      b.attention(part(attended), qkv, { cache, position, ...rotation, ...options });
      from += count;
    }
    if (await observe?.([w.output.name], attended) === "stop") return STOP;
    b.linear(projected, attended, { ...w.output, as });
    return projected;
  }

  /** What is to be added to x; nothing where experts have done so. */
  #feed(w: Mlp | Experts, input: Tensor, run: Run): Promise<Tensor | undefined | typeof STOP> {
    return hasExperts(w) ? this.#route(w, input, run) : this.#through(w, input, run);
  }

  /** What an MLP makes of its input, which may have fewer tokens than there are. */
  async #through(w: Mlp, input: Tensor, run: Run): Promise<Tensor | typeof STOP> {
    const { backend: b, config: c } = this;
    const { work, observe, as } = run;
    const part = (tensor: Tensor) => tensor.rows === input.rows ? tensor : b.first(tensor, input.rows);
    const maybe = (tensor: Tensor | undefined) => tensor && part(tensor);
    const other = w.output.weight.cols !== work.up.cols;
    const [gate, whole] = [maybe(other ? work.otherGate : work.gate), maybe(work.gateUp)];
    const up = part(other ? work.otherUp! : work.up);
    const activated = part(other ? work.otherActivated! : work.activated);
    const projected = part(work.projected);
    if (await observe?.(namesOf(w.inputs), input) === "stop") return STOP;
    this.#project(w.inputs, input, { parts: { gate, up }, whole, as }); // [T, intermediate_size]
    b.activate(activated, gate ?? up, { activation: c.hidden_act, up: gate && up });
    if (await observe?.([w.output.name], activated) === "stop") return STOP;
    b.linear(projected, activated, { ...w.output, as });
    return projected;
  }

  /** Adds to x what each token's experts make of it, weighted: an expert at a time, on just its tokens. */
  async #route(w: Experts, input: Tensor, run: Run): Promise<undefined | typeof STOP> {
    const { backend: b, config: c } = this;
    const { work, x } = run;
    if (run.observe && run.everyExpert) {
      for (const expert of w.experts) if (await this.#through(expert, input, run) === STOP) return STOP;
    }
    b.linear(work.router!, input, { ...w.router, as: run.as }); // [T, experts]
    const logits = await b.read(work.router!);
    const { num_local_experts: experts, num_experts_per_tok: k, norm_topk_prob: normalized } = c;
    const quiet = run.everyExpert ? { ...run, observe: undefined } : run;
    for (const [i, share] of assignExperts(logits, { experts, k, normalized }).entries()) {
      if (share.rows.length === 0) continue;
      const routed = b.first(work.routed!, share.rows.length);
      b.gather(routed, input, share.rows);
      const found = await this.#through(w.experts[i]!, routed, quiet);
      if (found === STOP) return STOP;
      b.scatterAdd(x, found, share);
    }
    return undefined;
  }
}
