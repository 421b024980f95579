/**
 * The model that comes with the library, as a folder.
 *
 * @module
 */
import { isFolder } from "../../files/disk.ts";
import { cacheFolder } from "../../cache_folder.ts";
import { CheckpointError } from "../../errors.ts";
import package_ from "../../../deno.json" with { type: "json" };

const FILES = [
  "config.json",
  "generation_config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];

/**
 * The folder of the embedded model: the library's own, or, if the library was imported from a server, a copy of it in the
 * user's cache, fetched once from there.
 *
 * @param name a model's name.
 * @returns undefined if the library has no model of that name.
 * @throws {CheckpointError} when the copy cannot be fetched or written.
 */
export async function embeddedFolder(name: string): Promise<string | undefined> {
  if (name !== "tinyworld") return undefined;
  const url = new URL("../../../models/tinyworld", import.meta.url);
  if (url.protocol === "file:") return decodeURIComponent(url.pathname);
  const cache = cacheFolder();
  if (!cache) {
    throw new CheckpointError(
      "Cannot fetch tinyworld: HOME and XDG_CACHE_HOME do not say where (--allow-env allows to read them)",
    );
  }
  const folder = `${cache}/tinyworld-${package_.version}`;
  if (!isFolder(folder)) await fetchInto(folder, url);
  return folder;
}

/** Fetches the files beside their place and moves them there, whole. */
async function fetchInto(folder: string, from: URL): Promise<void> {
  const part = `${folder}.${Deno.pid}.part`;
  try {
    Deno.mkdirSync(part, { recursive: true });
    for (const name of FILES) {
      const response = await fetch(`${from}/${name}`, { signal: AbortSignal.timeout(120_000) });
      if (!response.ok) throw new Error(`${response.url} answers ${response.status}`);
      Deno.writeFileSync(`${part}/${name}`, await response.bytes());
    }
    Deno.renameSync(part, folder);
  } catch (cause) {
    // Another process may have been faster.
    if (isFolder(folder)) return Deno.removeSync(part, { recursive: true });
    throw new CheckpointError(`Cannot fetch tinyworld into ${folder}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
