/**
 * What a report on speed is made of: plain numbers and texts.
 *
 * @module
 */

/** The speed of one format at one product of x, [tokens, cols], and a weight, [rows, cols]. */
export interface LinearSpeedRow {
  /** The format's name: "any4". */
  readonly format: string;
  /** out_features. */
  readonly rows: number;
  /** in_features. */
  readonly cols: number;
  /** Rows of x. */
  readonly tokens: number;
  /** Seconds a product. */
  readonly seconds: number;
  /** Bytes a second that it reads and writes at least. */
  readonly bytesPerSecond: number;
  /** Part of the memory's bandwidth, 0 to 1; more where a cache helps. */
  readonly share?: number;
  /** Multiplications and additions a second. */
  readonly flops: number;
  /** f16's time divided by this one. */
  readonly speedup?: number;
  /** Whether weights came from memory, and not from a cache; true when absent. */
  readonly cold?: boolean;
}

/** The speed and size of a model in one format. */
export interface ModelSpeedRow {
  /** The format's name, or that of the original's type. */
  readonly format: string;
  /** Stored bits per weight of the Linears. */
  readonly bitsPerWeight: number;
  /** Bytes of all weights. */
  readonly weightBytes: number;
  /** Tokens a second of the prompt. */
  readonly prefill: number;
  /** Seconds to the first new token. */
  readonly firstToken: number;
  /** Tokens a second after it. */
  readonly decode: number;
  /** The same where each token's logits are read. */
  readonly stepwise: number;
  /** Bytes of keys and values. */
  readonly cacheBytes: number;
  /** Bytes of the process that are in memory. */
  readonly processBytes: number;
}

/** What was measured on one backend. */
export interface SpeedPlace {
  /** Its name: "wasm". */
  readonly backend: string;
  /** What it runs on: "2 threads". */
  readonly description: string;
  /** Bytes a second that its memory gives at most. */
  readonly bandwidth?: number;
  /** Linears, by shape, tokens and format. */
  readonly linears: readonly LinearSpeedRow[];
  /** A model, by format. */
  readonly models: readonly ModelSpeedRow[];
}

/** All that a report on speed shows; what has no rows is left out. */
export interface SpeedReport {
  /** The page's title. */
  readonly title: string;
  /** The model, and how many tokens it was given and gave. */
  readonly model?: {
    readonly name: string;
    readonly parameters: number;
    readonly promptTokens: number;
    readonly newTokens: number;
  };
  /** A backend each. */
  readonly places: readonly SpeedPlace[];
  /** How it was measured, by name. */
  readonly settings: Readonly<Record<string, string>>;
}
