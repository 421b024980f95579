/**
 * What a backend makes and only it can read: to all others a handle has sizes and nothing else.
 *
 * @module
 */
import { TensorError } from "../errors.ts";

/** A backend, as far as its handles know it. */
export interface Owner {
  /** "plain", "wasm" or "webgpu". */
  readonly name: string;
}

/** A handle. Each backend has a class of its own for each kind, with what it keeps inside. */
export abstract class Handle {
  /** What it stands for, in messages. */
  abstract readonly kind: string;
  /** The backend that made it. */
  readonly owner: Owner;

  /** Only backends make handles. */
  constructor(owner: Owner) {
    this.owner = owner;
  }
}

/** Activations where the backend keeps them: [rows, cols] float32, a row a token. */
export abstract class Tensor extends Handle {
  /** What it stands for, in messages. */
  override readonly kind = "tensor";
  /** Tokens. */
  readonly rows: number;
  /** Features. */
  readonly cols: number;

  /** See `Backend.tensor`. */
  constructor(owner: Owner, { rows, cols }: { rows: number; cols: number }) {
    super(owner);
    this.rows = rows;
    this.cols = cols;
  }
}

/** Weights where the backend keeps them, dense or packed: [rows, cols] = [out_features, in_features]. */
export abstract class Weight extends Handle {
  /** What it stands for, in messages. */
  override readonly kind = "weight";
  /** out_features. */
  readonly rows: number;
  /** in_features. */
  readonly cols: number;

  /** See `Backend.weight`. */
  constructor(owner: Owner, { rows, cols }: { rows: number; cols: number }) {
    super(owner);
    this.rows = rows;
    this.cols = cols;
  }
}

/** Keys and values of the tokens seen so far, of all layers. */
export abstract class KvCache extends Handle {
  /** What it stands for, in messages. */
  override readonly kind = "KV cache";
  /** Tokens that it can hold. */
  readonly capacity: number;

  /** See `Backend.cache`. */
  constructor(owner: Owner, capacity: number) {
    super(owner);
    this.capacity = capacity;
  }
}

/** Token ids where the backend keeps them. */
export abstract class TokenIds extends Handle {
  /** What it stands for, in messages. */
  override readonly kind = "list of token ids";
  /** How many. */
  readonly length: number;

  /** See `Backend.tokenIds`. */
  constructor(owner: Owner, length: number) {
    super(owner);
    this.length = length;
  }
}

/**
 * A handle as the class that its backend made it of.
 *
 * @throws {TensorError} when another backend made it, or it is no handle of that kind at all.
 */
export function own<Own extends Handle>(
  owner: Owner,
  handle: unknown,
  made: abstract new (...args: never[]) => Own,
): Own {
  if (handle instanceof made && handle.owner === owner) return handle;
  throw new TensorError(
    `Cannot use ${described(handle)} on the ${owner.name} backend: expected a handle that it made itself`,
  );
}

function described(value: unknown): string {
  if (value instanceof Handle) return `a ${value.kind} of another ${value.owner.name} backend`;
  if (typeof value !== "object" || value === null) return String(value);
  if ("codes" in value) return "a packed matrix, which weight() takes there,";
  return "data" in value ? "a matrix, which weight() takes there," : "an object";
}
