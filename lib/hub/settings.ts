/**
 * Which Hub, as whom, and where its files are kept: the environment variables of Python's huggingface_hub.
 *
 * @module
 */

/** How the Hugging Face Hub is used; what is absent comes from the environment. */
export interface HubOptions {
  /** The Hub's address; HF_ENDPOINT, or https://huggingface.co. */
  endpoint?: string;
  /** Who asks; HF_TOKEN, or what `hf auth login` left in HF_TOKEN_PATH or HF_HOME/token. "" asks as nobody. */
  token?: string;
  /** The folder of all downloads; HF_HUB_CACHE, or HF_HOME/hub, or ~/.cache/huggingface/hub. */
  cache?: string;
  /** Use only what has been downloaded already; HF_HUB_OFFLINE. */
  offline?: boolean;
  /** Milliseconds before the first retry, doubled for each further one; 500. */
  retryDelay?: number;
}

/** All of it, decided. */
export type HubSettings = Readonly<Required<HubOptions>>;

/**
 * Settings from options and, where these are silent, from the environment.
 *
 * @param options what was asked for.
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
  // An empty variable is as good as none.
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
  };
}

/** The token of a file; none where there is no such file. */
function readToken(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    return "";
  }
}
