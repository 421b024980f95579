/**
 * The Hugging Face Hub: models from it, through the cache that Python's huggingface_hub shares, and to it.
 *
 * ```ts ignore
 * import { downloadModel, pushModel } from "any4/hub";
 *
 * const folder = await downloadModel("org/name@main");
 * await pushModel("out/any4", { repo: "me/name-any4", private: true });
 * ```
 *
 * @module
 */
export { downloadModel, type DownloadOptions } from "./download_model.ts";
export { type Pushed, pushModel, type PushOptions } from "./push_model.ts";
export { type HubOptions, type HubSettings, hubSettings } from "./settings.ts";
