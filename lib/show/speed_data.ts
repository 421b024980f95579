/**
 * What a report on speed is made of: plain numbers and texts.
 *
 * @module
 */
import type { LinearSpeed } from "../measure/linear_speed.ts";
import type { ModelSpeed } from "../measure/model_speed.ts";

/** The speed of one format at one product; weights came from memory where it does not say that they did not. */
export type LinearSpeedRow = Readonly<
  & Pick<
    LinearSpeed,
    "format" | "rows" | "cols" | "tokens" | "seconds" | "bytesPerSecond" | "share" | "flops"
  >
  & Partial<Pick<LinearSpeed, "speedup" | "cold">>
>;

/** The speed and size of a model in one format, or in the original's type. */
export type ModelSpeedRow = Readonly<
  { format: string } & Omit<ModelSpeed, "promptTokens" | "newTokens" | "backendBytes" | "rounds">
>;

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
