/**
 * Codebooks that rows share: how many a matrix has, and which row has which.
 *
 * @module
 */
import { OptionError } from "../errors.ts";
import type { LearnOptions, QuantizeSteps, ScaledMatrix } from "./quantize_steps.ts";

/**
 * A codebook for each row, one for the whole matrix, one for as many rows that follow one another ("8-rows"), or as many for the
 * matrix, of which each row picks one ("16-tables").
 */
export type CodebookSharing = "row" | "matrix" | `${number}-rows` | `${number}-tables`;

/** Indices of codebooks are bytes. */
const MOST_TABLES = 256;

/** The codebooks of a matrix: how many, and which each row has, where that does not follow from its place. */
export interface SharedCodebooks {
  /** How many. */
  readonly tables: number;
  /** [rows]. */
  readonly codebookRows?: Uint8Array;
}

/** @throws {OptionError} when codebooks cannot be shared so. */
export function checkSharing(sharing: string): asserts sharing is CodebookSharing {
  if (sharing === "row" || sharing === "matrix") return;
  const [, count, unit] = /^([1-9]\d*)-(rows|tables)$/.exec(sharing) ?? [];
  if (count === undefined || (unit === "tables" && Number(count) > MOST_TABLES)) {
    throw new OptionError(
      `Cannot share codebooks: expected "row", "matrix", a number of rows such as "8-rows", or of codebooks up to ` +
        `"${MOST_TABLES}-tables", current value is "${sharing}"`,
    );
  }
}

/** How many codebooks a matrix has. */
export function tablesOf(sharing: CodebookSharing, rows: number): number {
  if (sharing === "row") return rows;
  if (sharing === "matrix") return 1;
  const count = parseInt(sharing);
  return sharing.endsWith("rows") ? Math.ceil(rows / count) : Math.min(count, rows);
}

/** Decides which row has which codebook. */
export function shareCodebooks(
  sharing: CodebookSharing,
  { scaled, learning, steps }: {
    scaled: ScaledMatrix;
    learning: Omit<LearnOptions, "tables">;
    steps: QuantizeSteps;
  },
): SharedCodebooks {
  const { rows } = scaled.matrix;
  const tables = tablesOf(sharing, rows);
  if (!sharing.endsWith("tables")) return { tables };
  const own = steps.learn(scaled, { ...learning, tables: rows });
  return { tables, codebookRows: cluster(own, { rows, tables }) };
}

/** Rounds of clustering rows: few change after these. */
const ROUNDS = 10;

/** Puts rows with like codebooks together: k-means of the codebooks, from rows of like reach. */
function cluster(own: Float32Array, { rows, tables }: { rows: number; tables: number }): Uint8Array {
  const size = own.length / rows;
  const reach = Float64Array.from(
    { length: rows },
    (_, r) => own.subarray(r * size, (r + 1) * size).reduce((sum, value) => sum + value * value, 0),
  );
  const order = Uint32Array.from(reach, (_, r) => r).sort((a, b) => reach[a]! - reach[b]! || a - b);
  const found = new Uint8Array(rows);
  order.forEach((row, i) => found[row] = Math.floor(i * tables / rows));
  const centres = new Float64Array(tables * size);
  for (let round = 0; round < ROUNDS; round++) {
    const counts = new Float64Array(tables);
    const sums = new Float64Array(tables * size);
    for (let r = 0; r < rows; r++) {
      const table = found[r]!;
      counts[table]!++;
      for (let i = 0; i < size; i++) sums[table * size + i]! += own[r * size + i]!;
    }
    // One that no row has stays where it was.
    sums.forEach((sum, i) => {
      const count = counts[Math.floor(i / size)]!;
      if (count > 0) centres[i] = sum / count;
    });
    for (let r = 0; r < rows; r++) {
      let least = Infinity;
      for (let table = 0; table < tables; table++) {
        let distance = 0;
        for (let i = 0; i < size; i++) distance += (own[r * size + i]! - centres[table * size + i]!) ** 2;
        if (distance < least) [least, found[r]] = [distance, table];
      }
    }
  }
  return found;
}
