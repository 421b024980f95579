/**
 * The memory that the process has used.
 *
 * @module
 */

let largest = 0;

/**
 * The most memory that the process has had resident, in bytes: as the kernel counted it where that can be read (on Linux,
 * with all permissions), else the largest of the values seen at each call.
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
