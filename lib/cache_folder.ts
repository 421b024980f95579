/**
 * The library's own folder in the user's cache.
 *
 * @module
 */

/** any4 in the user's cache folder; undefined if the environment does not say where that is, or may not be read. */
export function cacheFolder(): string | undefined {
  const get = (variable: string) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted"
      ? Deno.env.get(variable)
      : undefined;
  const home = get("HOME") ?? get("USERPROFILE");
  const cache = get("XDG_CACHE_HOME") ?? get("LOCALAPPDATA") ?? (home && `${home}/.cache`);
  return cache && `${cache}/any4`;
}
