/**
 * The data of a report on speed: plain numbers and texts.
 *
 * @module
 */
import type { LinearSpeed } from "../measure/linear_speed.ts";
import type { ModelSpeed } from "../measure/model_speed.ts";

/** The speed of one format at one product; weights come from memory unless `cached` is set. */
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

/** The measurements on one backend. */
export interface SpeedPlace {
  /** Its name: "wasm". */
  readonly backend: string;
  /** Its device: "2 threads". */
  readonly description: string;
  /** The bandwidth of its memory, in bytes a second. */
  readonly bandwidth?: number;
  /** Linears, by shape, tokens and format. */
  readonly linears: readonly LinearSpeedRow[];
  /** A model, by format. */
  readonly models: readonly ModelSpeedRow[];
}

/** The content of a report on speed; parts without rows are left out. */
export interface SpeedReport {
  /** The page's title. */
  readonly title: string;
  /** The model, and the numbers of prompt tokens and generated tokens. */
  readonly model?: {
    readonly name: string;
    readonly parameters: number;
    readonly promptTokens: number;
    readonly newTokens: number;
  };
  /** One entry per backend. */
  readonly places: readonly SpeedPlace[];
  /** Settings of the measurement, by name. */
  readonly settings: Readonly<Record<string, string>>;
}
