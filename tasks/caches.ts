/**
 * Prints the folders of caches, which are all that most tasks write, as `--allow-write` takes them.
 *
 * @module
 */
import { cacheFolder } from "../lib/cache_folder.ts";
import { hubSettings } from "../lib/hub/settings.ts";

const paths = [cacheFolder(), hubSettings({ token: "" }).cache];
// --allow-write takes no path with a comma in it.
console.log(paths.filter((path) => path !== undefined && !path.includes(",")).join());
