/**
 * POST /quantize: another form of the served model, for the page to compare with it.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import { ask } from "../files/disk.ts";
import { formatOf, formats } from "../formats/formats.ts";
import { methods } from "../learn/methods/mod.ts";
import type { Model } from "../model/model.ts";
import { quantizeModel } from "../quantize/quantize_model.ts";
import type { Fields } from "./fields.ts";
import { badField, RequestError } from "./request_error.ts";
import { eventStream } from "./event_stream.ts";

/** What the page may choose. */
export const CHOICES = {
  formats: [...formats.keys()],
  group_sizes: [32, 64, 128, "row"],
  methods: [...methods.keys()],
} as const;

/** Bytes that are left to everything else. */
const SPARE_BYTES = 128 << 20;

/** Bits of a weight that scales, zeros and tables take beside codes, at most, in groups of 32. */
const MORE_BITS = 2;

/** Makes one form of a model at a time. */
export class Maker {
  readonly #name: string;
  readonly #model: Model;
  readonly #freeBytes: () => number;
  #busy = false;

  /**
   * @param name the name that the model is served by.
   * @param freeBytes the memory that is left, as far as that is known.
   */
  constructor(name: string, model: Model, freeBytes: () => number) {
    this.#name = name;
    this.#model = model;
    this.#freeBytes = freeBytes;
  }

  /**
   * Quantizes the model and hands it over; answers with events of `{ done, total, linear }`, and `{ model }` in the end.
   *
   * @param options.serve takes the model under its name, "model:any4:64:lnq", and may dispose of the one before.
   * @throws {RequestError} 400 when there is no such format or method, 409 while another is made, 507 when memory lacks.
   */
  make(
    fields: Fields,
    { signal, serve }: { signal: AbortSignal; serve: (name: string, model: Model) => void },
  ): Response {
    const format = fields.text("format") ?? "any4";
    const method = fields.text("method") ?? "kmeans";
    const groupSize = fields.any("group_size") ?? 128;
    fields.end();
    if (!formats.has(format)) throw badField("format", `expected one of ${CHOICES.formats.join(", ")}`);
    if (!methods.has(method)) throw badField("method", `expected one of ${CHOICES.methods.join(", ")}`);
    if (!isGroupSize(groupSize)) {
      throw badField("group_size", 'expected a whole number of at least 16, or "row"');
    }
    if (this.#busy) {
      throw new RequestError("Cannot quantize: another model is being made", { status: 409, code: "busy" });
    }
    this.#assertRoom(formatOf(format).bits);
    const name = [this.#name, format, groupSize, ...method === "kmeans" ? [] : [method]].join(":");
    this.#busy = true;
    return eventStream(async (send, left) => {
      try {
        const model = await quantizeModel(this.#model, {
          format,
          groupSize,
          method,
          signal: AbortSignal.any([signal, left]),
          onProgress: (done, total, linear) => send({ done, total, linear }),
        });
        serve(name, model);
        send({ model: name });
      } catch (error) {
        throw error instanceof OptionError ? new RequestError(error.message, { status: 400 }) : error;
      } finally {
        this.#busy = false;
      }
    });
  }

  /** The packed weights are in memory twice while they are handed over to the backend. */
  #assertRoom(bits: number): void {
    const weights = this.#model.linears().reduce((sum, linear) => {
      const { rows, cols } = this.#model.weights(linear);
      return sum + rows * cols;
    }, 0);
    const needed = 2 * weights * (bits + MORE_BITS) / 8 + SPARE_BYTES;
    const free = this.#freeBytes();
    if (needed <= free) return;
    const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
    throw new RequestError(
      `Cannot quantize: it takes about ${megabytes(needed)} of memory, ${megabytes(free)} are left`,
      { status: 507, code: "out_of_memory" },
    );
  }
}

const isGroupSize = (value: unknown): value is number | "row" =>
  value === "row" || (Number.isSafeInteger(value) && (value as number) >= 16);

/** The memory that programs can still have; infinite where the system does not say. */
export function systemFreeBytes(): number {
  return ask(() => Deno.systemMemoryInfo().available) ?? Infinity;
}
