/**
 * Settings of the Hub: its address, the token and the cache, by the environment variables of Python's huggingface_hub.
 *
 * @module
 */
import { ask } from "../files/disk.ts";

/** Settings of the Hugging Face Hub; absent ones come from the environment. */
export interface HubOptions {
  /** The Hub's address; HF_ENDPOINT, or https://huggingface.co. */
  endpoint?: string;
  /** The access token; HF_TOKEN, or the file HF_TOKEN_PATH or HF_HOME/token of `hf auth login`. "" sends no token. */
  token?: string;
  /** The folder of all downloads; HF_HUB_CACHE, or HF_HOME/hub, or ~/.cache/huggingface/hub. */
  cache?: string;
  /** Use only previous downloads; HF_HUB_OFFLINE. */
  offline?: boolean;
  /** Milliseconds before the first retry, doubled for each further one; 500. */
  retryDelay?: number;
  /** Milliseconds without data after which a connection counts as cut; 60,000. */
  timeout?: number;
}

/** All settings, with defaults filled in. */
export type HubSettings = Readonly<Required<HubOptions>>;

/**
 * Takes settings from options, and absent ones from the environment.
 *
 * @param options settings that come before the environment's.
 * @param env reads an environment variable; Deno.env.get when absent.
 *
 * @example
 * ```ts
 * import { hubSettings } from "any4/hub";
 * import { assertEquals } from "@std/assert";
 * const { cache, endpoint } = hubSettings({ token: "" }, (name) => name === "HF_HOME" ? "/data/hf" : undefined);
 * assertEquals([cache, endpoint], ["/data/hf/hub", "https://huggingface.co"]);
 * ```
 */
export function hubSettings(
  options: HubOptions = {},
  env: (name: string) => string | undefined = (name) => Deno.env.get(name),
): HubSettings {
  // An empty variable counts as absent.
  const get = (name: string) => env(name) || undefined;
  const path = (text: string) => text.replace(/^~(?=\/|$)/, env("HOME") ?? env("USERPROFILE") ?? "~");
  const home = path(get("HF_HOME") ?? `${get("XDG_CACHE_HOME") ?? "~/.cache"}/huggingface`);
  return {
    endpoint: (options.endpoint ?? get("HF_ENDPOINT") ?? "https://huggingface.co").replace(/\/+$/, ""),
    token: options.token ?? get("HF_TOKEN") ?? get("HUGGING_FACE_HUB_TOKEN") ??
      readToken(path(get("HF_TOKEN_PATH") ?? `${home}/token`)),
    cache: path(options.cache ?? get("HF_HUB_CACHE") ?? get("HUGGINGFACE_HUB_CACHE") ?? `${home}/hub`),
    offline: options.offline ??
      /^(1|on|yes|true)$/i.test(get("HF_HUB_OFFLINE") ?? get("TRANSFORMERS_OFFLINE") ?? ""),
    retryDelay: options.retryDelay ?? 500,
    timeout: options.timeout ?? 60_000,
  };
}

/** The token in a file; "" if there is no such file. */
function readToken(path: string): string {
  return ask(() => Deno.readTextFileSync(path).trim()) ?? "";
}
