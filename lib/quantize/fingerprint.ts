/**
 * The fingerprint of a quantization from disk to disk, which detects changed options.
 *
 * @module
 */
import { basename } from "node:path";
import { sha256 } from "../files/sha256.ts";
import { formatOf, formats } from "../formats/formats.ts";
import { methodOf } from "../learn/methods/mod.ts";
import type { ModelOnDisk } from "../model/model_on_disk.ts";
import type { Calibration } from "./calibrate.ts";
import { sampleText } from "./calibration_sample.ts";
import type { OutputForm, QuantizeOnDiskOptions } from "./options.ts";
import { textOf } from "./pipeline.ts";

/** The options, by their names in messages. */
export type Asked = Readonly<Record<string, unknown>>;

/**
 * The options that change no bit of a quantized Linear: how the model is found and written, how fast, and what is shown
 * meanwhile. Every other one is part of the fingerprint.
 */
const WITHOUT_EFFECT = [
  ...["onProgress", "signal", "quiet", "measure", "restart", "force"],
  ...["dequantized", "reference", "maxShardBytes"],
  ...["endpoint", "token", "cache", "offline", "retryDelay"],
  ...["threads", "tune", "tunedFile"],
] as const satisfies (keyof QuantizeOnDiskOptions)[];

/** The defaults of absent options, if the explicit default gives the same result. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  format: "any4",
  method: "kmeans",
  weighting: "mean-square",
  codebook: "row",
  sequential: false,
  skip: [],
  override: {},
  parts: 1,
  tokenWeights: "none",
  awq: false,
  tuneBlocks: false,
  tuneModel: false,
};

/** The recorded form of options whose value itself is irrelevant. */
const TOLD: Readonly<Record<string, (value: never) => unknown>> = {
  calibration: calibrationName,
  format: (format: string) => {
    const found = formatOf(format);
    return formats.get(found.name) === found ? found.name : found;
  },
  method: (method: string) => {
    const { name, options } = methodOf(method);
    return Object.keys(options ?? {}).length > 0 ? { name, options } : name;
  },
  skip: (skip: string | string[]) => [skip].flat(),
};

/** The first 16 hexadecimal digits of a SHA-256 of JSON. */
const digest = (value: unknown) => sha256([JSON.stringify(value)]).slice(0, 16);

/** The data on which quantized Linears depend: the model, and all options except those without effect on them. */
export function fingerprint(
  model: ModelOnDisk,
  options: QuantizeOnDiskOptions,
  gram = options.awq || methodOf(options.method).needs === "gram",
): Asked {
  const { checkpoint, backend, tokenizer } = model;
  const files = checkpoint.files().map((path) => {
    const { size, mtime } = Deno.statSync(path);
    return [basename(path), size, mtime?.getTime() ?? null];
  });
  const sample = sampleText({ text: textOf(options.calibration), gram });
  const header = checkpoint.names().map((name) => checkpoint.info(name));
  const ignored: readonly string[] = WITHOUT_EFFECT;
  const given = Object.entries(options).filter(([key, value]) =>
    value !== undefined && !ignored.includes(key)
  );
  const asked = { ...DEFAULTS, calibration: undefined, ...Object.fromEntries(given), backend: backend.name };
  return {
    "the model's config.json": digest(checkpoint.rawConfig),
    "the tokens of the sample": digest(
      typeof sample === "string" ? tokenizer.encode(sample) : sample.map((text) => tokenizer.encode(text)),
    ),
    "the model's weights": digest([files, header]),
    ...Object.fromEntries(
      Object.entries(asked).map(([key, value]) => {
        const told = TOLD[key] ? TOLD[key](value as never) : value;
        return [words(key), plain(told)];
      }),
    ),
  };
}

/** The options that a Linear's weights are quantized by, which change no statistics. */
const LEARNING = [
  ...["format", "groupSize", "skip", "override", "head", "embedding", "targetBits", "candidates"],
  ...["codebook", "codebookType", "method", "outliers", "weighting", "scaleType", "sequential"],
  ...["tuneBlocks", "tuneModel"],
] as const satisfies (keyof QuantizeOnDiskOptions)[];

/** The data on which statistics of a sample depend, whatever they are for. */
export function statsFingerprint(model: ModelOnDisk, options: QuantizeOnDiskOptions): Asked {
  const learning: readonly string[] = LEARNING;
  const rest = Object.entries(options).filter(([key]) => !learning.includes(key));
  const gram = methodOf(options.method).needs === "gram";
  return { ...fingerprint(model, Object.fromEntries(rest), gram), gram };
}

/** A short name of data. */
export const nameOf = (asked: Asked): string => digest(Object.entries(asked).sort());

/** How the model is written: of one that is written already, it cannot change. */
export function formOf({ dequantized, reference, maxShardBytes }: OutputForm): OutputForm {
  return { dequantized, reference, maxShardBytes };
}

/** "groupSize" → "group size". */
const words = (key: string) => key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** A value as JSON has it, functions by their source: rules of one's own count too. */
function plain(value: unknown): unknown {
  if (typeof value === "function") return `a function (${digest(String(value))})`;
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value)) return `numbers (${sha256([value]).slice(0, 16)})`;
  if (value instanceof Map || value instanceof Set) return plain([...value]);
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

/** The source of a model's calibration, in words. */
export function calibrationName(calibration: QuantizeOnDiskOptions["calibration"]): string {
  if (calibration === undefined) return "the library's own sample";
  const text = textOf(calibration);
  if (typeof text === "string") return `a text (${digest(text)})`;
  if (text) return `${text.length} texts (${digest(text)})`;
  const parts = [...calibration as Calibration].flatMap(([linear, entry]) => {
    const { tokens, mean, meanAbs, meanSquare, gram } = entry;
    return [`${linear} ${tokens}`, mean, meanAbs, meanSquare, ...(gram ? [gram] : [])];
  });
  return `statistics (${sha256(parts).slice(0, 16)})`;
}
