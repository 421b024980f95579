/**
 * Where a data set's rows come from: a local folder, or the Hub.
 *
 * @module
 */
import { CheckpointError } from "../../errors.ts";
import { exists } from "../../files/disk.ts";
import { downloadDataset } from "../../hub/download_dataset.ts";
import type { DownloadOptions } from "../../hub/download_model.ts";
import { readRows, type Row } from "./rows.ts";

/** A split of a data set. */
export interface DataSource {
  /** Names of local files, without their ending, the first that is there counts. */
  readonly local: readonly string[];
  /** "org/name" on the Hub. */
  readonly repo: string;
  /** The Hub's name of the subset; "default" when absent. */
  readonly config?: string;
  /** "test", "validation" … */
  readonly split: string;
  /** The path of one file on the branch main; the Hub's own Parquet form of the split when absent. */
  readonly file?: string;
}

/** Options of {@linkcode openRows}. */
export interface DataOptions extends DownloadOptions {
  /** A folder of local files, which are used instead of the Hub's. */
  dataDir?: string;
}

/** Rows, and the files that they were read from. */
export interface OpenedRows {
  readonly rows: Row[];
  readonly files: string[];
}

const ENDINGS = ["parquet", "jsonl", "json", "csv", "txt"].flatMap((kind) => [`.${kind}`, `.${kind}.gz`]);

/**
 * Reads the rows of a split.
 *
 * @throws {CheckpointError} when the local folder has no such file, or it cannot be read.
 * @throws {HubError} when the Hub's files cannot be had.
 */
export async function openRows(
  source: DataSource,
  options: DataOptions & { limit?: number } = {},
): Promise<OpenedRows> {
  const { dataDir, limit = Infinity, ...download } = options;
  const files = dataDir === undefined
    ? await downloadDataset(hubFiles(source), download)
    : [localFile(source, dataDir)];
  const rows: Row[] = [];
  for (const file of files) {
    if (rows.length < limit) rows.push(...await readRows(file, { limit: limit - rows.length }));
  }
  return { rows: dataDir === undefined ? rows : withLabels(rows, files[0]!), files };
}

/** The Hub converts every data set to Parquet, on a branch of its own; of large ones, the beginning. */
function hubFiles({ repo, config = "default", split, file }: DataSource) {
  if (file !== undefined) {
    const at = file.lastIndexOf("/");
    const pattern = new RegExp(`^${file.slice(at + 1).replaceAll(".", "\\.")}$`);
    return { repo, revision: "main", folder: file.slice(0, at), pattern };
  }
  return {
    repo,
    revision: "refs/convert/parquet",
    folder: config,
    pattern: new RegExp(`^(partial-)?${split}/\\d+\\.parquet$`),
  };
}

function localFile({ local }: DataSource, folder: string): string {
  for (const name of local) {
    for (const ending of ENDINGS) {
      const path = `${folder}/${name}${ending}`;
      if (exists(path)) return path;
    }
  }
  throw new CheckpointError(
    `Cannot find the data in ${folder}: expected ${
      local.join(" or ")
    } as .parquet, .jsonl, .json, .csv or .txt`,
  );
}

/** Rows without labels take them from a list beside their file, as PIQA is published: name-labels.lst. */
function withLabels(rows: Row[], file: string): Row[] {
  const list = file.replace(/(\.[a-z]+)+$/, "-labels.lst");
  if (rows[0] === undefined || "label" in rows[0] || !exists(list)) return rows;
  const labels = Deno.readTextFileSync(list).trim().split(/\s+/).map(Number);
  if (labels.length < rows.length) {
    throw new CheckpointError(`Cannot use ${list}: it has ${labels.length} labels for ${rows.length} rows`);
  }
  return rows.map((row, i) => ({ ...row, label: labels[i] }));
}
