/**
 * Prints the folders of caches, which are all that most tasks write, as `--allow-write` takes them; with --here also the folder
 * of tasks and the one that they are called from, for those that keep results.
 *
 * @module
 */
import { cacheFolder } from "../lib/cache_folder.ts";
import { hubSettings } from "../lib/hub/settings.ts";

const here = Deno.args.includes("--here") ? [".", Deno.env.get("INIT_CWD")] : [];
const paths = [...here, cacheFolder(), hubSettings({ token: "" }).cache];
// --allow-write takes no path with a comma in it.
console.log(paths.filter((path) => path !== undefined && !path.includes(",")).join());
