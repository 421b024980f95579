/**
 * Attention over a cache: which kernels, in how many pieces.
 *
 * @module
 */
import type { KvShape } from "../backend.ts";
import { Block } from "./block.ts";
import type { Arena } from "./memory.ts";
import type { Pool } from "./pool.ts";
import type { Scratch } from "./scratch.ts";

/** Keys of a block and of a segment, and queries of a tile: see attention.ts of the kernels. */
const BLOCK = 32, SEGMENT = 256, TILE = 4;

/** Pieces that may be computed at the same time, each with memory of its own. */
const PIECES = 64;

/** Bytes of what segments give, about, before they are added up: tokens are taken so many at a time. */
const STATES_BYTES = 1 << 22;

/** Features of a head, and what fills them up to whole eights. */
const widthOf = (headDim: number) => 8 * Math.ceil(headDim / 8);

/** A layer's keys and values, grown as tokens come, in whole blocks of each head: see attention.ts of the kernels. */
export class CachedLayer {
  readonly #shape: KvShape;
  readonly #arena: Arena;
  #blocks: readonly Block[] = [];
  #room = 0;

  /** Takes no memory yet. */
  constructor(arena: Arena, shape: KvShape) {
    this.#arena = arena;
    this.#shape = shape;
  }

  /** Finds space for the keys and values of `total` tokens; those before `position` are kept. */
  reserve({ total, position }: { total: number; position: number }): { k: number; v: number; room: number } {
    const { capacity, headDim, kvHeads } = this.#shape;
    if (this.#room < total) {
      const room = BLOCK * Math.ceil(Math.min(capacity, Math.max(total, 2 * position)) / BLOCK);
      const used = BLOCK * Math.ceil(position / BLOCK);
      const before = this.#blocks;
      this.#blocks = [headDim, widthOf(headDim)].map((cols, i) => {
        const larger = new Block(this.#arena, 4 * kvHeads * room * cols + 64);
        const floats = new Float32Array(this.#arena.memory.buffer);
        for (let head = 0; before[i] && head < kvHeads; head++) {
          const from = before[i].address / 4 + head * this.#room * cols;
          floats.copyWithin(larger.address / 4 + head * room * cols, from, from + used * cols);
        }
        return larger;
      });
      for (const block of before) block.free();
      this.#room = room;
    }
    const [k, v] = this.#blocks;
    return { k: k!.address, v: v!.address, room: this.#room };
  }

  /** Frees them. */
  free(): void {
    for (const block of this.#blocks) block.free();
  }
}

/** What is attended: addresses of [tokens, heads · headDim] and of keys and values, which have room for so many tokens. */
export type Attended = Readonly<
  & Record<"out" | "q" | "k" | "v" | "room" | "tokens" | "heads" | "kvHeads" | "headDim", number>
  & Record<"position" | "scale" | "softcap" | "window", number>
>;

/** Attends on a pool. */
export function attend(
  run: Attended,
  means: { pool: Pool; scratch: Scratch; grain: (work: number) => number },
): void {
  const { out, q, k, v, room, heads, kvHeads, headDim, scale, softcap, window } = run;
  const { pool, scratch, grain } = means;
  const arena = pool.arena();
  const stateBytes = 16 * widthOf(headDim) + 80;
  const cols = heads * headDim;
  const most = Math.ceil((run.position + run.tokens) / SEGMENT);
  const slice = Math.max(1, Math.floor(STATES_BYTES * TILE / (stateBytes * heads * most)));
  for (let from = 0; from < run.tokens; from += slice) {
    const tokens = Math.min(slice, run.tokens - from);
    const position = run.position + from;
    const first = Math.floor(Math.max(0, position + 1 - window) / SEGMENT);
    const segments = Math.ceil((position + tokens) / SEGMENT) - first;
    const items = Math.ceil(tokens * heads / kvHeads / TILE) * kvHeads * segments;
    const part = Math.ceil(Math.max(items / PIECES, grain(2 * TILE * headDim * SEGMENT)));
    const states = scratch.take(arena, "states", stateBytes * items);
    const work = scratch.take(arena, "scores", (16 * headDim + 1024) * Math.ceil(items / part));
    const shape = [heads, kvHeads, headDim];
    const args = [states, work, q + 4 * from * cols, k, v, tokens, ...shape, room, position]
      .concat([scale, softcap, window, first, segments, part]);
    pool.run(arena, "attend", args, items, part);
    const sum = [out + 4 * from * cols, states, ...shape, position, window, first, segments];
    pool.run(arena, "addSegments", sum, tokens * heads, grain(headDim * segments));
  }
}
