/**
 * Prints the folders of caches, which are all that most tasks write, as `--allow-write` takes them.
 *
 * @module
 */
import { cacheFolder } from "../lib/cache_folder.ts";
import { hubSettings } from "../lib/hub/settings.ts";

console.log([cacheFolder(), hubSettings({ token: "" }).cache].filter((path) => path !== undefined).join());
