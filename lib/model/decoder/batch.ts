/**
 * Steps that sequences share.
 *
 * @module
 */
import { type Decoder, freeWorkspace, type Workspace } from "./decoder.ts";
import { Session } from "./session.ts";

/** Sequences that share a step at most: their logits are read at once. */
const MOST = 16;

/**
 * Continues sequences of one model together. Each has the same bits as when it is continued alone, whatever the others are:
 * linears of few tokens read the weights once for all of them. Where the backend cannot, they are continued one after another.
 */
export class Batch implements Disposable {
  readonly #decoder: Decoder;
  /** By their number of tokens. */
  readonly #work = new Map<number, Workspace>();

  /** Makes a batch of no sequences: each step says which. */
  constructor(decoder: Decoder) {
    this.#decoder = decoder;
  }

  /**
   * Continues each sequence by a token.
   *
   * @param sessions the sequences, each once.
   * @param tokens the new token of each.
   * @returns each one's logits, [vocab_size].
   * @throws {OptionError} when a sequence would outgrow its capacity, or an id is none of the vocabulary's.
   * @throws {DisposedError} when a sequence, its model or its backend has been disposed of.
   * @throws {BusyError} when another call is continuing one of them.
   */
  async step(sessions: readonly Session[], tokens: readonly number[]): Promise<Float32Array[]> {
    const { backend, config } = this.#decoder;
    const out: Float32Array[] = [];
    const most = backend.rows ? MOST : 1;
    for (let from = 0; from < sessions.length; from += most) {
      const some = sessions.slice(from, from + most);
      const ids = tokens.slice(from, from + most);
      const logits = some.length === 1
        ? await some[0]!.forward(ids)
        : await Session.together(some, ids, { work: this.#workspace(some.length) });
      for (const i of some.keys()) {
        out.push(logits.subarray(i * config.vocab_size, (i + 1) * config.vocab_size));
      }
    }
    return out;
  }

  #workspace(tokens: number): Workspace {
    let work = this.#work.get(tokens);
    if (!work) this.#work.set(tokens, work = this.#decoder.workspace(tokens));
    return work;
  }

  /** Frees what it holds on the backend; the sequences stay. */
  [Symbol.dispose](): void {
    for (const work of this.#work.values()) freeWorkspace(this.#decoder.backend, work);
    this.#work.clear();
  }
}
