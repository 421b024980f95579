/**
 * What a GGUF file says of its architecture, each value checked.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import type { GgufFile } from "../../files/gguf/file.ts";
import type { Metadata } from "./metadata.ts";

/** More experts are none of a model's, and would only exhaust memory. */
const MOST_EXPERTS = 4096;

/** Reads the keys that begin with the architecture's name, and shapes of tensors. */
export class GgufReader {
  /** The architecture, as GGUF calls it. */
  readonly architecture: string;

  /**
   * @param file the open file.
   * @param metadata its metadata.
   */
  constructor(readonly file: GgufFile, readonly metadata: Metadata) {
    this.architecture = metadata.text("general.architecture") ?? "";
  }

  /** The whole name of a key. */
  key(suffix: string): string {
    return `${this.architecture}.${suffix}`;
  }

  /** An error about a key. */
  fail(suffix: string, what: string): CheckpointError {
    return this.metadata.fail(this.key(suffix), what);
  }

  /** A number, or undefined where it is absent. Of a number for each layer, all must be alike. */
  number(suffix: string): number | undefined {
    return this.metadata.numberForAll(this.key(suffix));
  }

  /** A number that has to be there. */
  needed(suffix: string): number {
    const value = this.number(suffix);
    if (value === undefined) throw this.fail(suffix, "is missing");
    return value;
  }

  /** Features of a head. */
  headDim(): number {
    const dim = this.number("attention.key_length") ??
      this.needed("embedding_length") / this.needed("attention.head_count");
    const values = this.number("attention.value_length") ?? dim;
    if (values === dim) return dim;
    throw this.fail("attention.value_length", `must be ${dim}, as attention.key_length`);
  }

  /** Experts of a layer; 0 where there are none. */
  experts(): number {
    const count = this.number("expert_count") ?? 0;
    if (Number.isSafeInteger(count) && count >= 0 && count <= MOST_EXPERTS) return count;
    throw this.fail(
      "expert_count",
      `must be a whole number up to ${MOST_EXPERTS}, current value is ${count}`,
    );
  }

  /** A number that was rounded to float32 once: 1e-5 shall not come back as 0.000009999999747. */
  decimal(suffix: string): number | undefined {
    const value = this.number(suffix);
    return value === undefined ? undefined : shortest(value);
  }

  /** Rows of the embedding. */
  vocabulary(): number {
    const { shape } = this.file.info("token_embd.weight");
    if (shape.length === 2) return shape[0]!;
    throw new CheckpointError(`Cannot use ${this.file.path}: token_embd.weight must have two dimensions`);
  }
}

/** The shortest decimal of a float32. */
export function shortest(value: number): number {
  return Number(value.toPrecision(7));
}
