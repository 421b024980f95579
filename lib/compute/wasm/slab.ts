/**
 * Arrays in shared memory for a moment.
 *
 * @module
 */
import type { Arena } from "./memory.ts";
import type { Pool } from "./pool.ts";

/** Arrays in shared memory for a moment. */
export class Slab implements Disposable {
  readonly arena: Arena;
  /** Addresses by name. */
  readonly at: Record<string, number> = {};
  readonly #pool: Pool;

  /** Places copies of arrays, and room of that many bytes where a number is given, in an arena, or where there is room. */
  constructor(
    pool: Pool,
    parts: Record<string, Float32Array | Float64Array | Uint32Array | number>,
    arena?: Arena,
  ) {
    this.#pool = pool;
    const sizes = Object.values(parts).map((part) => typeof part === "number" ? part : part.byteLength);
    this.arena = arena ?? pool.arena(sizes.reduce((sum, bytes) => sum + bytes + 64, 0));
    for (const [name, part] of Object.entries(parts)) {
      const bytes = typeof part === "number" ? part : part.byteLength;
      const address = this.at[name] = this.arena.allocate(bytes);
      if (typeof part === "number") continue;
      const own = new Uint8Array(part.buffer, part.byteOffset, bytes);
      new Uint8Array(this.arena.memory.buffer, address, bytes).set(own);
    }
  }

  /**
   * Runs a kernel on rows, whose last arguments are a slot of scratch for each thread.
   *
   * @param work.grain weights that a thread takes at a time.
   * @param work.more bytes of a slot beyond those that most kernels need.
   */
  run(
    name: string,
    args: number[],
    work: { rows: number; cols: number; grain: number; more?: number },
  ): void {
    const { rows, cols, grain, more = 0 } = work;
    // As kernels/wasm/kmeans_workspace.ts asks.
    const slotBytes = 65536 + 128 * cols + Math.ceil(more / 64) * 64;
    const slots = this.at.slots = this.arena.allocate(this.#pool.threads * slotBytes);
    const { buffer } = this.arena.memory;
    for (let t = 0; t < this.#pool.threads; t++) new Int32Array(buffer, slots + t * slotBytes, 1)[0] = 0;
    this.#pool.run(this.arena, name, [...args, slots, slotBytes], rows, Math.ceil(grain / cols));
  }

  [Symbol.dispose](): void {
    for (const address of Object.values(this.at)) this.arena.free(address);
  }
}
