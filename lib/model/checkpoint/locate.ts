/**
 * From a model's name to its files.
 *
 * @module
 */
import { visible } from "../../terminal/visible.ts";
import { CheckpointError, HubError } from "../../errors.ts";
import { exists, isFolder, leadsOut } from "../../files/disk.ts";
import { currentFolder } from "../../files/replace_files.ts";
import { downloadModel } from "../../hub/download_model.ts";
import { parseModelId } from "../../hub/model_id.ts";
import { type HubOptions, hubSettings } from "../../hub/settings.ts";
import { progress } from "../../terminal/progress.ts";
import { embeddedFolder } from "./embedded.ts";
import { isModelFile } from "./file_names.ts";
import { size } from "../../terminal/units.ts";

/** Where models come from and what is shown meanwhile. */
export interface LocateOptions extends HubOptions {
  /** Show no progress of a download. */
  quiet?: boolean;
}

/**
 * The folder or .gguf file of a model: an embedded one, else what is there under that path, else what the Hub has under
 * that name, downloaded where need be.
 *
 * @throws {CheckpointError} when it is neither a path that is there nor a name that the Hub could have, or a file of the folder
 * is a link that leads out of it.
 * @throws {HubError} when the Hub has no such model, or it cannot be had.
 */
export async function locateModel(name: string, options: LocateOptions = {}): Promise<string> {
  const embedded = await embeddedFolder(name);
  if (embedded !== undefined) return embedded;
  const path = withoutSlash(name);
  if (exists(path)) {
    const folder = currentFolder(path);
    refuseLinks(folder);
    return folder;
  }
  if (!parseModelId(name)) {
    throw new CheckpointError(
      `Cannot open the model ${name}: there is no such folder or .gguf file, ` +
        "and a model on the Hub has a name such as org/name or org/name@revision",
    );
  }
  let bar: ReturnType<typeof progress> | undefined;
  try {
    return await downloadModel(name, {
      ...options,
      onProgress(bytes, total, file) {
        // Nothing is shown where all is there.
        if (bytes < total && !bar) {
          const { cache } = hubSettings(options);
          if (!options.quiet) console.error(visible(`Downloading ${name}: ${size(total)} to ${cache}`));
          bar = progress(`downloading ${name}`, 1, options);
        }
        bar?.update(bytes / total, `${size(bytes)} of ${size(total)}, ${file}`);
      },
      onNotice: (notice) => options.quiet || console.error(visible(notice)),
    });
  } catch (error) {
    // Where the Hub did not even answer, a folder was perhaps meant, and mistyped.
    if (!(error instanceof HubError) || error.status !== undefined) throw error;
    throw new HubError(`${error.message}; there is no folder or file of that name here either`, {
      cause: error,
    });
  } finally {
    bar?.[Symbol.dispose]();
  }
}

/** A folder may come from anywhere: its links must not make another file, a key perhaps, part of a model. */
function refuseLinks(folder: string): void {
  if (!isFolder(folder)) return;
  for (const { name, isSymlink } of Deno.readDirSync(folder)) {
    if (!isSymlink || !(isModelFile(name) || name.endsWith(".safetensors"))) continue;
    const elsewhere = leadsOut(folder, name);
    if (elsewhere === undefined) continue;
    throw new CheckpointError(
      `Cannot open the model ${folder}: ${name} is a link to ${elsewhere}, outside of the folder; put a copy in its place`,
    );
  }
}

/** A path as it is without the slashes that shells complete it with. */
function withoutSlash(path: string): string {
  return path.replace(/(?<=.)\/+$/, "");
}

/** What to call a model: the last part of its name. */
export function shortName(name: string): string {
  return withoutSlash(name).split("/").at(-1)!;
}

/** What to call a model where it is linked to: on the Hub all of its repository's name, elsewhere the short one. */
export function linkedName(name: string): string {
  const id = exists(withoutSlash(name)) ? undefined : parseModelId(name);
  return id?.repo ?? shortName(name);
}
