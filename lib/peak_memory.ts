/**
 * The memory of the process.
 *
 * @module
 */

let largest = 0;

/**
 * The largest resident memory of the process, in bytes: the kernel's count if it can be read (on Linux, with all
 * permissions), else the largest value seen by the calls so far.
 *
 * @example
 * ```ts
 * import { peakMemory } from "any4/measure";
 * import { assert } from "@std/assert";
 * assert(peakMemory() > 1e6);
 * ```
 */
export function peakMemory(): number {
  largest = Math.max(largest, Deno.memoryUsage().rss);
  try {
    const status = Deno.readTextFileSync("/proc/self/status");
    return Math.max(largest, 1024 * Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0));
  } catch {
    return largest;
  }
}
