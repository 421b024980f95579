/**
 * A name for a model that its weights give.
 *
 * @module
 */
import { sha256 } from "../files/sha256.ts";
import { tensorsOf } from "./decoder/layout.ts";
import type { Source } from "./source.ts";

/**
 * A hash of a model's config and of three rows of each of its tensors, the first, the middle and the last, as float32: models
 * of other weights, or of the same ones put together otherwise, have others, and it takes little time however large they are.
 * In memory and on disk it is the same.
 *
 * @returns 16 hexadecimal digits.
 */
export function modelHash(source: Source): string {
  const { quantization_config: _, ...config } = source.config as
    & typeof source.config
    & Record<string, unknown>;
  const parts: (string | Float32Array)[] = [JSON.stringify(config)];
  for (const { name, rows, cols, optional } of tensorsOf(source.layout)) {
    if (optional && !source.has(name)) continue;
    const some = [...new Set([0, Math.floor(rows / 2), rows - 1])];
    parts.push(`${name} ${rows} ${cols}`, source.rows(name, some).data);
  }
  return sha256(parts).slice(0, 16);
}
