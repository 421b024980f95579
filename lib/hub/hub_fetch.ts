/**
 * Requests to the Hub: temporary failures are retried, others are reported.
 *
 * @module
 */
import { HubError } from "../errors.ts";
import { type RepoKind, repoPath } from "./repo_kind.ts";
import type { HubSettings } from "./settings.ts";

/** Tries of one request. */
export const ATTEMPTS = 6;
/** The longest pause between tries in milliseconds, even if the server asks for more. */
const LONGEST_PAUSE_MS = 60_000;
/** A connection without data for this time counts as cut, in milliseconds. */
export const STALLED_MS = 60_000;

const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The purpose of a request, for messages. */
export interface Purpose {
  /** "load" or "push to". */
  readonly verb: string;
  /** "org/name". */
  readonly repo: string;
  /** A model when absent. */
  readonly kind?: RepoKind;
}

/** Waits before try `attempt` + 1, which is 1 or more: as long as the server asks for, or twice as long each time. */
export async function pauseBetween(
  attempt: number,
  settings: HubSettings,
  response?: Response,
): Promise<void> {
  const asked = 1000 * Number(response?.headers.get("retry-after") ?? NaN);
  const own = settings.retryDelay * 2 ** (attempt - 1);
  const pause = Math.min(asked >= 0 ? asked : own, LONGEST_PAUSE_MS);
  await new Promise((resolve) => setTimeout(resolve, pause));
}

/**
 * Makes a `fetch` for one purpose. It sends the token to the Hub alone, retries temporary failures (no connection, 429, 5xx)
 * a few times, and throws if the Hub refuses.
 *
 * @throws {HubError} with the remedy.
 */
export function hubFetch(settings: HubSettings, purpose: Purpose): typeof fetch {
  const { origin } = new URL(settings.endpoint);
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init.headers);
    // URLs of storage servers, for redirects and uploads, are signed; these servers must not see the token.
    headers.delete("authorization");
    if (url.origin === origin && settings.token) headers.set("authorization", `Bearer ${settings.token}`);
    for (let attempt = 1;; attempt++) {
      let response: Response | undefined;
      try {
        response = await fetch(url, { ...init, headers });
      } catch (cause) {
        if (init.signal?.aborted) throw cause;
        if (cause instanceof Deno.errors.NotCapable) throw noPermission(url, purpose, cause);
        if (attempt === ATTEMPTS) {
          const reason = (cause as Error).message;
          throw new HubError(
            `Cannot ${purpose.verb} ${purpose.repo}: ${url.host} cannot be reached: ${reason}`,
            {
              cause,
            },
          );
        }
      }
      if (response && response.status < 400) return response;
      if (response && (attempt === ATTEMPTS || !TRANSIENT.has(response.status))) {
        throw await refusal(response, { url, purpose, settings });
      }
      await response?.body?.cancel();
      await pauseBetween(attempt, settings, response);
    }
  };
}

function noPermission(url: URL, { verb, repo }: Purpose, cause: Error): HubError {
  return new HubError(
    `Cannot ${verb} ${repo}: this program may not connect to ${url.host}; allow it with --allow-net=${url.host}`,
    { cause },
  );
}

/** The Hub's explanation of a status: its error code is in a header, the message in another or in the body. */
async function refusal(
  response: Response,
  asked: { url: URL; purpose: Purpose; settings: HubSettings },
): Promise<HubError> {
  const { url, purpose: { verb, repo, kind = "model" }, settings } = asked;
  const { status } = response;
  const body = (await response.text().catch(() => "")).slice(0, 10_000);
  const said = response.headers.get("x-error-message") ?? /"error":\s*"([^"]{1,300})"/.exec(body)?.[1];
  const code = response.headers.get("x-error-code");
  const start = `Cannot ${verb} ${repo}: `;
  const fail = (what: string) => new HubError(start + what, { status });
  const page = `${settings.endpoint}/${repoPath(repo, kind)}`;
  const tokens = `${settings.endpoint}/settings/tokens`;
  if (url.origin !== new URL(settings.endpoint).origin) {
    return fail(`the storage server ${url.host} answered ${status}`);
  }
  if (code === "GatedRepo") {
    const granted = settings.token
      ? "if you have, its owners may not have approved the request yet, or the token may lack permission to read gated repositories"
      : `then make a token at ${tokens} and set HF_TOKEN to it`;
    return fail(`it is gated. Accept its terms at ${page} with your account; ${granted}`);
  }
  if (code === "RevisionNotFound") {
    return fail(`it has no such revision; ${page}/tree/main shows what it has`);
  }
  if (code === "EntryNotFound") return fail(`it has no file ${decodeURIComponent(url.pathname)}`);
  if (verb === "load" && (status === 404 || status === 401 || status === 403)) {
    const who = settings.token
      ? "HF_TOKEN is wrong or has no permission to see it"
      : "it is private: set HF_TOKEN";
    return fail(
      `there is ${
        kind === "model" ? "no folder of that name here, and " : ""
      }no such ${kind} at ${settings.endpoint}, or ${who} (status ${status})`,
    );
  }
  if (status === 401 || status === 403) {
    return fail(
      `${url.host} answered ${status}${
        said ? `, ${said}` : ""
      }; make a token with permission to write at ${tokens} ` +
        "and set HF_TOKEN to it",
    );
  }
  return fail(`${url.host} answered ${status}${said ? `, ${said}` : ""}`);
}

/** Whether a failure is about the connection, not the repository. */
export function unreachable(error: HubError): boolean {
  return error.status === undefined ? error.cause instanceof TypeError : error.status >= 500;
}
