/**
 * Room for the activations of one sequence at a time.
 *
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { type Decoder, freeWorkspace, type Workspace } from "../model/decoder/decoder.ts";

/** The workspace of the last sequence: one of another length takes its place, since texts have hundreds of lengths. */
export class OneWorkspace implements Disposable {
  readonly #backend: Backend;
  #tokens = 0;
  #work: Workspace | undefined;

  /** @param backend what it is on. */
  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** That for so many tokens. */
  of(decoder: Decoder, tokens: number): Workspace {
    if (this.#work && tokens === this.#tokens) return this.#work;
    this[Symbol.dispose]();
    this.#tokens = tokens;
    return this.#work = decoder.workspace(tokens);
  }

  /** Frees what it has on the backend. */
  [Symbol.dispose](): void {
    if (this.#work) freeWorkspace(this.#backend, this.#work);
    this.#work = undefined;
  }
}
