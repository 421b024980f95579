/**
 * The Llama decoder, written once against the Backend interface.
 *
 * @module
 */
import type { Backend, KvCache, Largest, Tensor, TokenIds, TokenPlace, Weight } from "../compute/backend.ts";
import { OptionError } from "../errors.ts";
import type { LlamaConfig } from "./config.ts";
import { ropeFrequencies } from "./rope.ts";
import { largest } from "./sampling.ts";

/** Finds a tensor's weights on the backend by its checkpoint name; undefined where the checkpoint has none. */
export type WeightLookup = (name: string) => Weight | undefined;

interface Linear {
  /** The module's name: "model.layers.0.mlp.up_proj". */
  readonly name: string;
  readonly weight: Weight;
  readonly bias?: Weight;
}

interface Layer {
  readonly inputNorm: Weight;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly o: Linear;
  readonly postNorm: Weight;
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;
}

/**
 * Is shown the input of Linears as a decoder runs: their module names, and the input they share, [tokens, in]. When it
 * says "stop", the rest of the pass is left out.
 */
export type Observer = (
  linears: readonly string[],
  input: Tensor,
) => void | "stop" | Promise<void | "stop">;

/** Which tokens' logits a forward pass computes. */
export type Logits = "all" | "last" | "none";

/** A part of a decoder: its embedding, one of its layers. */
export type DecoderPart = "embedding" | number;

/** Activations for a number of tokens, kept so that a decode step allocates nothing. */
export interface Workspace {
  readonly x: Tensor;
  readonly normed: Tensor;
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly attended: Tensor;
  readonly projected: Tensor;
  readonly gate: Tensor;
  readonly up: Tensor;
  readonly activated: Tensor;
  readonly logits: Tensor;
}

/** The weights of a Llama in their places, shared by any number of sessions. */
export class Decoder {
  /** The config. */
  readonly config: LlamaConfig;
  /** Where it runs. */
  readonly backend: Backend;
  /** [head_dim / 2] radians a token. */
  readonly frequencies: Float32Array;
  readonly #embedding?: Weight;
  /** By their numbers; of a part, one or none. */
  readonly #layers: ReadonlyMap<number, Layer>;
  readonly #norm?: Weight;
  readonly #head?: Weight;

  /**
   * @param options.find finds weights by checkpoint name; all that the config asks for must be there.
   * @param options.part makes only this part, and so looks for no other weights; all of the decoder when absent.
   */
  constructor(
    config: LlamaConfig,
    options: { backend: Backend; find: WeightLookup; part?: DecoderPart },
  ) {
    const { part } = options;
    this.config = config;
    this.backend = options.backend;
    this.frequencies = ropeFrequencies(config);
    const need = (name: string) => {
      const weight = options.find(name);
      if (!weight) throw new OptionError(`Cannot build the decoder: tensor ${name} is missing`);
      return weight;
    };
    const linear = (name: string): Linear => ({
      name,
      weight: need(`${name}.weight`),
      bias: options.find(`${name}.bias`),
    });
    const layer = (i: number): Layer => {
      const at = `model.layers.${i}`;
      return {
        inputNorm: need(`${at}.input_layernorm.weight`),
        q: linear(`${at}.self_attn.q_proj`),
        k: linear(`${at}.self_attn.k_proj`),
        v: linear(`${at}.self_attn.v_proj`),
        o: linear(`${at}.self_attn.o_proj`),
        postNorm: need(`${at}.post_attention_layernorm.weight`),
        gate: linear(`${at}.mlp.gate_proj`),
        up: linear(`${at}.mlp.up_proj`),
        down: linear(`${at}.mlp.down_proj`),
      };
    };
    if (part === undefined || part === "embedding") this.#embedding = need("model.embed_tokens.weight");
    const layers = part === undefined
      ? Array.from({ length: config.num_hidden_layers }, (_, i) => i)
      : [part];
    this.#layers = new Map(layers.filter((i) => i !== "embedding").map((i) => [i, layer(i)]));
    if (part !== undefined) return;
    this.#norm = need("model.norm.weight");
    this.#head = config.tie_word_embeddings ? this.#embedding : need("lm_head.weight");
  }

  /** Activations for `tokens` tokens. */
  workspace(tokens: number): Workspace {
    const { hidden_size, intermediate_size, num_attention_heads, num_key_value_heads, head_dim, vocab_size } =
      this.config;
    const tensor = (cols: number) => this.backend.tensor(tokens, cols);
    return {
      x: tensor(hidden_size),
      normed: tensor(hidden_size),
      q: tensor(num_attention_heads * head_dim),
      k: tensor(num_key_value_heads * head_dim),
      v: tensor(num_key_value_heads * head_dim),
      attended: tensor(num_attention_heads * head_dim),
      projected: tensor(hidden_size),
      gate: tensor(intermediate_size),
      up: tensor(intermediate_size),
      activated: tensor(intermediate_size),
      logits: tensor(vocab_size),
    };
  }

  /**
   * Runs tokens through the decoder. A part of one takes `work.x` from the part before, and leaves its own there; the
   * embedding takes the tokens.
   *
   * @param tokens ids, or where the one id is; the first at `position` of the sequence whose earlier tokens are in
   * `cache`.
   * @param work a workspace for exactly as many tokens.
   * @returns the logits' tensor, [tokens, vocab_size]; undefined when none were asked for.
   */
  async forward(
    tokens: ArrayLike<number> | TokenPlace,
    work: Workspace,
    options: { cache: KvCache; position: number; logits: boolean; observe?: Observer },
  ): Promise<Tensor | undefined> {
    const { backend: b, frequencies } = this;
    const epsilon = this.config.rms_norm_eps;
    const { cache, position, observe } = options;
    const { x, normed, q, k, v, attended, projected, gate, up, activated } = work; // each [T, its features]
    if (this.#embedding) b.embed(x, this.#embedding, tokens); // x: [T, hidden_size]
    let add: Tensor | undefined; // what the last block adds to x
    for (const [layer, w] of this.#layers) {
      b.rmsNorm(normed, x, { weight: w.inputNorm, epsilon, add });
      if (await observe?.([w.q.name, w.k.name, w.v.name], normed) === "stop") return undefined;
      b.linear(q, normed, w.q); // [T, heads · head_dim]
      b.linear(k, normed, w.k); // [T, kv_heads · head_dim]
      b.linear(v, normed, w.v);
      b.attention(attended, { q, k, v }, { cache, layer, position, frequencies });
      if (await observe?.([w.o.name], attended) === "stop") return undefined;
      b.linear(add = projected, attended, w.o);

      b.rmsNorm(normed, x, { weight: w.postNorm, epsilon, add });
      if (await observe?.([w.gate.name, w.up.name], normed) === "stop") return undefined;
      b.linear(gate, normed, w.gate); // [T, intermediate_size]
      b.linear(up, normed, w.up);
      b.swiglu(activated, gate, up);
      if (await observe?.([w.down.name], activated) === "stop") return undefined;
      b.linear(projected, activated, w.down);
    }
    if (!this.#norm || !this.#head) {
      if (add) b.add(x, add);
      return undefined;
    }
    if (!options.logits) return undefined;
    b.rmsNorm(normed, x, { weight: this.#norm, epsilon, add });
    b.linear(work.logits, normed, { weight: this.#head }); // [T, vocab_size]
    return work.logits;
  }
}

/** Tokens that go through the decoder at a time; longer inputs are cut, which changes nothing but memory. */
const CHUNK = 256;

/** A sequence in the pieces that go through a decoder at a time. */
export function* chunks(
  tokens: ArrayLike<number>,
  { backend, config }: { backend: Backend; config: LlamaConfig },
): Iterable<{ from: number; chunk: number[] }> {
  const most = Math.max(1, Math.floor((backend.mostBytes ?? Infinity) / (4 * config.vocab_size)));
  const size = Math.min(CHUNK, most);
  for (let from = 0; from < tokens.length; from += size) {
    yield { from, chunk: Array.prototype.slice.call(tokens, from, from + size) as number[] };
  }
}

/** Token ids that are chosen where the model runs before they are read. */
const AHEAD = 64;

/** How a pass goes on. */
interface RunOptions {
  readonly logits: boolean;
  readonly observe?: Observer;
}

/** One sequence in progress: its KV cache and position. Disposing of it gives back what it holds on the backend. */
export class Session implements Disposable {
  /** Tokens seen so far. */
  position = 0;
  /** Tokens that fit. */
  readonly capacity: number;
  readonly #decoder: Decoder;
  readonly #cache: KvCache;
  readonly #work = new Map<number, Workspace>();
  #ids: TokenIds | undefined;

  /**
   * Starts an empty sequence.
   *
   * @param capacity tokens that it may have in all.
   */
  constructor(decoder: Decoder, capacity: number) {
    const { num_hidden_layers, num_key_value_heads, head_dim } = decoder.config;
    this.#decoder = decoder;
    this.capacity = capacity;
    this.#cache = decoder.backend.cache({
      layers: num_hidden_layers,
      kvHeads: num_key_value_heads,
      headDim: head_dim,
      capacity,
    });
  }

  /**
   * Continues the sequence by some tokens.
   *
   * @param tokens ids of the new tokens.
   * @returns the logits: [tokens, vocab_size] for "all", [vocab_size] for "last", empty for "none".
   * @throws {OptionError} when the sequence would outgrow its capacity.
   */
  async forward(
    tokens: ArrayLike<number>,
    options: { logits?: Logits; observe?: Observer } = {},
  ): Promise<Float32Array> {
    const { backend } = this.#decoder;
    const logits = options.logits ?? "last";
    if (logits === "last") {
      const last = await this.#last(tokens, options.observe);
      return last ? await backend.read(last) : new Float32Array(0);
    }
    this.#checkRoom(tokens.length);
    const vocab = this.#decoder.config.vocab_size;
    const out = new Float32Array(logits === "all" ? tokens.length * vocab : 0);
    for (const { from, chunk } of chunks(tokens, this.#decoder)) {
      const part = await this.#run(chunk, { logits: logits === "all", observe: options.observe });
      if (part) out.set(await backend.read(part), from * vocab);
    }
    return out;
  }

  /**
   * Continues the sequence by some tokens, as {@linkcode Session.forward}, and finds the likeliest next tokens.
   *
   * @param count how many.
   * @returns their ids and logits, the likeliest first.
   */
  async likeliest(tokens: ArrayLike<number>, count: number): Promise<Largest> {
    const { backend } = this.#decoder;
    const last = await this.#last(tokens);
    if (!last) throw new OptionError("Cannot continue by no tokens");
    const few = count <= Math.min(AHEAD, this.#decoder.config.vocab_size);
    return few && backend.largest
      ? await backend.largest(last, count)
      : largest(await backend.read(last), count);
  }

  /**
   * Continues the sequence by some tokens and then by the likeliest next ones. Where the backend can choose them itself,
   * all of them take one reading.
   *
   * @param count how many next tokens are wanted; the last of them is not part of the sequence yet.
   * @returns their ids: fewer than wanted where the backend cannot choose, or there is no room for more.
   */
  async greedy(tokens: ArrayLike<number>, count: number): Promise<number[]> {
    const { backend } = this.#decoder;
    const { argmax, readIds, tokenIds } = backend;
    if (!argmax || !readIds || !tokenIds) return [...(await this.likeliest(tokens, 1)).ids];
    const room = this.capacity - this.position - tokens.length + 1;
    const ids = this.#ids ??= tokenIds.call(backend, AHEAD);
    const many = Math.max(1, Math.min(count, room, AHEAD));
    for (let at = 0; at < many; at++) {
      const logits = at === 0
        ? await this.#last(tokens)
        : await this.#run({ ids, at: at - 1 }, { logits: true });
      if (!logits) throw new OptionError("Cannot continue by no tokens");
      argmax.call(backend, { ids, at }, logits);
    }
    return await readIds.call(backend, ids, many);
  }

  /** The logits of the last token: it goes alone, so that no others are computed. */
  async #last(tokens: ArrayLike<number>, observe?: Observer): Promise<Tensor | undefined> {
    this.#checkRoom(tokens.length);
    const before = Array.prototype.slice.call(tokens, 0, -1) as number[];
    for (const { chunk } of chunks(before, this.#decoder)) await this.#run(chunk, { logits: false, observe });
    if (tokens.length === 0) return undefined;
    return await this.#run([tokens[tokens.length - 1]!], { logits: true, observe });
  }

  #checkRoom(tokens: number): void {
    if (this.position + tokens > this.capacity) {
      throw new OptionError(
        `Cannot continue by ${tokens} tokens: ${this.position} of ${this.capacity} are used`,
      );
    }
  }

  async #run(chunk: number[] | TokenPlace, options: RunOptions): Promise<Tensor | undefined> {
    const length = "ids" in chunk ? 1 : chunk.length;
    let work = this.#work.get(length);
    if (!work) {
      // Two sizes are kept: the prefill's, used once or again and again, and the single token's.
      if (this.#work.size > 2) this.#forgetWork();
      this.#work.set(length, work = this.#decoder.workspace(length));
    }
    const place = { cache: this.#cache, position: this.position };
    const logits = await this.#decoder.forward(chunk, work, { ...place, ...options });
    this.position += length;
    return logits;
  }

  #forgetWork(): void {
    const { backend } = this.#decoder;
    for (const work of this.#work.values()) {
      for (const tensor of Object.values(work) as Tensor[]) backend.free?.(tensor);
    }
    this.#work.clear();
  }

  /** Gives back what the sequence holds; it cannot be continued. */
  [Symbol.dispose](): void {
    this.#forgetWork();
    this.#decoder.backend.free?.(this.#cache);
  }
}
