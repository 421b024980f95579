/**
 * What a quantization from disk to disk was asked for, to notice when it has changed.
 *
 * @module
 */
import { basename } from "node:path";
import { methodOf } from "../../learn/methods/mod.ts";
import { weightingOf } from "../../learn/weighting.ts";
import type { Calibration } from "../calibrate.ts";
import { CALIBRATION_SAMPLE } from "../calibration_sample.ts";
import type { ModelOnDisk } from "./model_on_disk.ts";
import type { QuantizeOnDiskOptions } from "./quantize_on_disk.ts";

/** What was asked for, by what it is called in messages. */
export type Asked = Readonly<Record<string, unknown>>;

/** The first 16 hexadecimal digits of a SHA-256. */
async function digest(data: string): Promise<string> {
  const bytes = new TextEncoder().encode(data);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 16);
}

/** What the quantized Linears depend on. How they are written in the end is not part of it. */
export async function fingerprint(model: ModelOnDisk, options: QuantizeOnDiskOptions): Promise<Asked> {
  const { checkpoint, backend } = model;
  const format = options.format ?? "any4";
  const method = methodOf(options.method);
  const files = checkpoint.files().map((path) => {
    const { size, mtime } = Deno.statSync(path);
    return [basename(path), size, mtime?.getTime() ?? null];
  });
  const sample = typeof options.calibration === "string" ? options.calibration : CALIBRATION_SAMPLE;
  const tokens = model.tokenizer.encode(sample);
  const header = checkpoint.names().map((name) => checkpoint.info(name));
  return {
    "the journal's version": 1,
    "the model's config.json": await digest(JSON.stringify(checkpoint.rawConfig)),
    "the tokens of the sample": await digest(JSON.stringify(tokens)),
    "the model's weights": await digest(JSON.stringify([files, header])),
    "calibration": await calibrationName(options.calibration),
    "backend": backend.name,
    "format": typeof format === "string" ? format : format.name,
    "group size": options.groupSize,
    "method": [method.name, method.options ?? {}],
    "weighting": weightingOf(options.weighting).name,
    "codebook": options.codebook ?? "row",
    "scale type": options.scaleType,
    "sequential": options.sequential ?? false,
    "skip": [options.skip ?? []].flat(),
    "override": options.override ?? {},
    "target bits": options.targetBits,
    "candidates": options.candidates,
  };
}

async function calibrationName(calibration: string | Calibration | undefined): Promise<string> {
  if (calibration === undefined) return "the library's own sample";
  if (typeof calibration === "string") return `a text (${await digest(calibration)})`;
  const numbers = [...calibration].map(([linear, entry]) => [
    ...[linear, entry.tokens],
    ...[entry.mean, entry.meanAbs, entry.meanSquare].map((values) => [...values]),
  ]);
  return `statistics (${await digest(JSON.stringify(numbers))})`;
}
