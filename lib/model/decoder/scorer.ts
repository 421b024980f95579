/**
 * The likelihood of many continuations, several in each pass.
 *
 * @module
 */
import type { KvCache } from "../../compute/backend.ts";
import { DisposedError, TensorError } from "../../errors.ts";
import type { Abortable } from "../../event_loop.ts";
import { type Decoder, freeWorkspace, type Rotations, type SequencePart, type Workspace } from "./decoder.ts";
import { logProbabilities } from "./log_sum_exp.ts";
import { checkTokenIds, commonLength } from "./token_ids.ts";

/** Tokens that go through the decoder at a time. */
const PASS_TOKENS = 512;

/** Bytes of logits that are held at a time, if a token's are not more. */
const LOGITS_BYTES = 2 ** 25;

/** Ids whose end is to be judged. */
export interface Scored {
  /** The ids, at most one more than the model's context. */
  readonly ids: readonly number[];
  /** The number of the first id that is judged, of at least 1. */
  readonly from: number;
}

/** The likelihood of some ids after others. */
export interface Likelihood {
  /** ln of their probability. */
  readonly loglikelihood: number;
  /** Whether each is the likeliest. */
  readonly greedy: boolean;
}

/** Sums over the ids of a sequence. */
interface Sums {
  loglikelihood: number;
  greedy: boolean;
  /** Ids that are still to be judged. */
  left: number;
}

/** Tokens that go through the decoder together. */
class Pass {
  readonly ids: number[] = [];
  readonly parts: SequencePart[] = [];
  /** By token whose next is judged: which ids come next, and whose sums they go to. */
  readonly judged = new Map<number, { id: number; sums: Sums }[]>();

  judge(token: number, next: { id: number; sums: Sums }): void {
    const all = this.judged.get(token);
    if (all) all.push(next);
    else this.judged.set(token, [next]);
  }
}

/**
 * Judges sequences of one model. What a sequence has in common with the one before is computed once: choices of one question,
 * examples of a task. All pass through one cache, each overwriting what the one before it has for itself. Where the backend has
 * `rows`, tokens of many sequences go through the decoder together, and no bit depends on the others.
 */
export class Scorer implements Disposable {
  readonly #decoder: Decoder;
  readonly #cache: KvCache;
  readonly #work: Workspace;
  /** Tokens of a pass, and logits that are looked at together. */
  readonly #most: number;
  readonly #rows: number;
  /** Ids whose keys and values are in the cache, and how their heads turn. */
  #held: number[] = [];
  #rotations: Rotations | undefined;
  #disposed = false;

  /** Makes a scorer that has seen nothing; {@linkcode Model.scorer} is how to get one. */
  constructor(decoder: Decoder) {
    const { backend, config } = decoder;
    this.#decoder = decoder;
    const bytes = Math.min(LOGITS_BYTES, backend.mostBytes ?? Infinity);
    this.#most = Math.min(PASS_TOKENS, config.max_position_embeddings);
    this.#rows = Math.min(this.#most, Math.max(1, Math.floor(bytes / (4 * config.vocab_size))));
    this.#cache = backend.cache({
      layers: config.num_hidden_layers,
      kvHeads: config.num_key_value_heads,
      headDim: config.head_dim,
      capacity: config.max_position_embeddings,
    });
    this.#work = decoder.workspace(this.#most, this.#rows);
  }

  /**
   * Judges the ends of some sequences.
   *
   * @param options.onScored is called with the number of sequences that are done, and of tokens that have been computed.
   * @returns each one's likelihood.
   * @throws {OptionError} when an id is none of the vocabulary's.
   * @throws {TensorError} when logits are not finite.
   * @throws {DisposedError} when the scorer, its model or its backend has been disposed of.
   */
  async score(
    sequences: readonly Scored[],
    options: Abortable & { onScored?: (done: number, tokens: number) => void } = {},
  ): Promise<Likelihood[]> {
    if (this.#disposed) throw new DisposedError("Cannot score: the scorer has been disposed of");
    const { config, backend } = this.#decoder;
    for (const { ids } of sequences) checkTokenIds(ids, { size: config.vocab_size, purpose: "score" });
    const scores: Sums[] = [];
    let pass = new Pass();
    // By position of the ids that are held: their token of the pass.
    let tokenOf: number[] = [];
    let tokens = 0;
    const run = async () => {
      await this.#run(pass, options);
      tokens += pass.ids.length;
      [pass, tokenOf] = [new Pass(), []];
      options.onScored?.(scores.filter(({ left }) => left === 0).length, tokens);
    };
    for (const { ids, from: first } of sequences) {
      const end = ids.length - 1;
      const sums = { loglikelihood: 0, greedy: true, left: ids.length - first };
      scores.push(sums);
      const rotations = this.#decoder.rotations(end);
      let at = rotations === this.#rotations ? commonLength(ids, this.#held, { most: end }) : 0;
      // A token whose next is judged must be of this pass.
      for (let p = first - 1; p < at; p++) if (tokenOf[p] === undefined) at = p;
      for (let p = first - 1; p < at; p++) pass.judge(tokenOf[p]!, { id: ids[p + 1]!, sums });
      this.#held.length = at;
      tokenOf.length = at;
      this.#rotations = rotations;
      while (at < end) {
        const begin = pass.ids.length;
        const some = Math.min(end - at, this.#most - begin);
        pass.parts.push({ cache: this.#cache, position: at, rotations, tokens: some });
        for (let t = 0; t < some; t++, at++) {
          pass.ids.push(ids[at]!);
          this.#held.push(ids[at]!);
          tokenOf[at] = begin + t;
          if (at + 1 >= first) pass.judge(begin + t, { id: ids[at + 1]!, sums });
        }
        if (pass.ids.length === this.#most || !backend.rows) await run();
      }
    }
    if (pass.ids.length > 0) await run();
    return scores.map(({ loglikelihood, greedy }) => ({ loglikelihood, greedy }));
  }

  async #run({ ids, parts, judged }: Pass, { signal }: Abortable): Promise<void> {
    const { backend, config: { vocab_size: vocab } } = this.#decoder;
    const held = this.#held;
    this.#held = [];
    const as = backend.rows && "many";
    const work = ids.length === this.#most ? this.#work : this.#first(ids.length);
    const at = backend.rows ? parts : parts[0]!;
    await this.#decoder.forward(ids, work, { at, as, logits: "later", signal });
    const tokens = [...judged.keys()].sort((a, b) => a - b);
    for (let from = 0; from < tokens.length; from += this.#rows) {
      const rows = tokens.slice(from, from + this.#rows);
      const next = rows.flatMap((token, row) => judged.get(token)!.map((one) => ({ ...one, row })));
      const logits = this.#decoder.head(work, { rows, as });
      const found = backend.logProbabilities
        ? await backend.logProbabilities(logits, next)
        : logProbabilities(await backend.read(logits), { vocab, places: next });
      for (const [i, { sums }] of next.entries()) {
        const { logProbability, likeliest } = found[i]!;
        if (Number.isNaN(logProbability)) throw new TensorError("Cannot score: logits are not finite");
        sums.loglikelihood += logProbability;
        sums.greedy &&= likeliest;
        sums.left--;
      }
    }
    this.#held = held;
  }

  /** The workspace's first rows. */
  #first(tokens: number): Workspace {
    const { logits, ...work } = this.#work;
    const { backend } = this.#decoder;
    const parts = Object.entries(work).map((
      [name, tensor],
    ) => [name, tensor && backend.first(tensor, tokens)]);
    return { ...Object.fromEntries(parts), logits };
  }

  /** Frees what it holds on the backend. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    freeWorkspace(this.#decoder.backend, this.#work);
    this.#decoder.backend.free?.(this.#cache);
  }
}
