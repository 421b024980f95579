/**
 * Squared errors of a Linear's outputs on all threads.
 *
 * @module
 */
import type { SquaredErrors } from "../../learn/squared_errors.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import type { Pool } from "./pool.ts";
import { Slab } from "./slab.ts";

/** Columns of H that are multiplied at a time, and those of a panel: see squared_errors.ts of the kernels. */
const COLS = 256, PANEL = 8;

/** Panels of rows that a thread takes at a time at most. */
const MOST_PANELS = 16;

const panelsOf = (count: number) => Math.ceil(count / PANEL);

/** H in panels: of each group's columns up to the diagonal, which tell the others. */
export class WasmSquaredErrors implements SquaredErrors {
  readonly #pool: Pool;
  readonly #groups: number;
  readonly #panels: Slab;
  /** What the kernel asks of each block of columns. */
  readonly #blocks: number[][] = [];

  constructor(pool: Pool, hessian: Float32Array, groupSize: number) {
    this.#pool = pool;
    const cols = Math.sqrt(hessian.length);
    const groups = this.#groups = Math.ceil(cols / groupSize);
    const most = Math.min(groupSize, cols);
    // A block has at most a panel more than its columns times those up to its last.
    const values = cols * (most + Math.min(COLS, most) + 2 * PANEL) / 2;
    this.#panels = new Slab(pool, { panels: 4 * values, part: 4 * COLS * most });
    const { arena, at } = this.#panels;
    let place = at.panels!;
    for (let start = 0, stop; start < cols; start = stop) {
      const group = Math.floor(start / groupSize);
      const first = group * groupSize;
      stop = Math.min(start + COLS, first + groupSize, cols);
      const [rows, width] = [stop - first, stop - start];
      const part = new Float32Array(arena.memory.buffer, at.part, rows * width);
      for (let r = 0; r < rows; r++) {
        const row = (first + r) * cols;
        part.set(hessian.subarray(row + start, row + stop), r * width);
      }
      pool.run(arena, "packTurned", [place, at.part!, rows, width, width], panelsOf(rows));
      this.#blocks.push([place, cols, first, start, stop, groups, group]);
      place += 4 * PANEL * panelsOf(rows) * width;
    }
  }

  of({ rows, cols, data }: Matrix): Float64Array {
    const [pool, groups, panels] = [this.#pool, this.#groups, panelsOf(rows)];
    const parts = { data, d: 4 * PANEL * panels * cols, room: 128 * panels };
    using slab = new Slab(
      pool,
      { ...parts, sums: new Float64Array(PANEL * panels * groups) },
      this.#panels.arena,
    );
    const { at, arena } = slab;
    pool.run(arena, "packTurned", [at.d!, at.data!, rows, cols, cols], panels);
    const grain = Math.min(MOST_PANELS, panels / (2 * pool.threads));
    for (const block of this.#blocks) {
      pool.run(arena, "squaredErrors", [at.sums!, at.d!, at.room!, ...block], panels, grain);
    }
    return new Float64Array(arena.memory.buffer, at.sums, rows * groups).slice();
  }

  [Symbol.dispose](): void {
    this.#panels[Symbol.dispose]();
  }
}
