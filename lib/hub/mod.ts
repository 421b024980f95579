/**
 * The Hugging Face Hub: models from it, through the cache that Python's huggingface_hub shares, and to it.
 *
 * ```ts
 * import { HubError } from "any4";
 * import { downloadModel, hubSettings } from "any4/hub";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const cache = await Deno.makeTempDir();
 * assertEquals(hubSettings({ cache, token: "" }).cache, cache);
 * await assertRejects(() => downloadModel("org/name@main", { cache, offline: true }), HubError);
 * ```
 *
 * @module
 */
export { type CachedModel, cachedModels } from "./cached_models.ts";
export { downloadModel, type DownloadOptions } from "./download_model.ts";
export { type Pushed, pushModel, type PushOptions } from "./push_model.ts";
export { type HubOptions, type HubSettings, hubSettings } from "./settings.ts";
export { type StarterModel, starterModels } from "./starter_models.ts";
