/**
 * Requests to the Hub: temporary failures are retried, others are reported.
 *
 * @module
 */
import { HubError } from "../errors.ts";
import { beat, cutShort, waitFor } from "../event_loop.ts";
import { FileBlob } from "./file_blob.ts";
import { type RepoKind, repoPath } from "./repo_kind.ts";
import type { HubSettings } from "./settings.ts";

/** Tries of one request. */
export const ATTEMPTS = 6;
/** The longest pause between tries in milliseconds, even if the server asks for more. */
const LONGEST_PAUSE_MS = 60_000;
/** The largest number of redirects followed. */
export const MOST_HOPS = 5;
/** Larger answers are none of the Hub's API. */
const MOST_ANSWER_BYTES = 2 ** 25;
/** Of an error's page, more is not read. */
const MOST_ERROR_BYTES = 10_000;

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
  await waitFor(new Promise<void>((resolve) => setTimeout(resolve, pause)));
}

/** A text without what is secret in it: the token, and the queries of addresses, which may be signatures. */
export function withoutSecrets(text: string, { token }: HubSettings): string {
  const known = token === "" ? text : text.replaceAll(token, "[token]");
  return known.replace(/(https?:\/\/[^\s?)"']+)\?[^\s)"']*/g, "$1?…");
}

/** Checks what requests are made of. @throws {HubError} without the token. */
function checkSettings({ endpoint, token }: HubSettings, { verb, repo }: Purpose): void {
  const url = URL.parse(endpoint);
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new HubError(
      `Cannot ${verb} ${repo}: expected https://… without a name and password as the Hub's address (HF_ENDPOINT)`,
    );
  }
  // A header with a line break would be refused with a message that shows it.
  if (!/^[\x21-\x7e]*$/.test(token)) {
    throw new HubError(
      `Cannot ${verb} ${repo}: the token (HF_TOKEN) has characters that no token has, such as a line break or a space`,
    );
  }
}

/** Aborts where nothing happens for too long. */
export class Alarm implements Disposable {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer?: ReturnType<typeof setTimeout>;

  /** @param ms what is too long, in milliseconds. */
  constructor(ms: number) {
    this.#ms = ms;
    this.reset();
  }

  /** Aborts what waits. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something has happened. */
  reset(): void {
    clearTimeout(this.#timer);
    beat();
    const late = () => this.#controller.abort(new Error(`nothing came for ${this.#ms / 1000} s`));
    this.#timer = setTimeout(late, this.#ms);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** The first bytes of an answer, and whether that is all of them. */
async function firstBytes(
  response: Response,
  most: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; whole: boolean }> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    parts.push(part);
    length += part.length;
    // Leaving the loop cancels the rest.
    if (length > most) break;
  }
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return { bytes: bytes.subarray(0, most), whole: length <= most };
}

/**
 * Makes a `fetch` for one purpose. It sends the token to the Hub alone, retries temporary failures (no connection, 429, 5xx)
 * a few times, and throws if the Hub refuses. Answers are read whole, within limits of time and size, and redirects are
 * followed, but never from https to http; whoever asks with `redirect: "manual"` and a signal does both.
 *
 * @throws {HubError} with the remedy.
 */
export function hubFetch(settings: HubSettings, purpose: Purpose): typeof fetch {
  checkSettings(settings, purpose);
  const { origin } = new URL(settings.endpoint);
  return async (input, init = {}) => {
    const streamed = init.redirect === "manual";
    let url = new URL(input instanceof Request ? input.url : input);
    for (let attempt = 1, hops = 0;; attempt++) {
      let response: Response | undefined;
      using alarm = new Alarm(settings.timeout);
      try {
        const headers = new Headers(init.headers);
        // URLs of storage servers, for redirects and uploads, are signed; these servers must not see the token.
        headers.delete("authorization");
        if (url.origin === origin && settings.token) headers.set("authorization", `Bearer ${settings.token}`);
        const { body } = init;
        response = await waitFor(fetch(url, {
          ...init,
          headers,
          redirect: "manual",
          body: body instanceof FileBlob ? body.counted(() => alarm.reset()) : body,
          signal: streamed ? init.signal : alarm.signal,
        }));
        if (!streamed && response.status >= 300 && response.status < 400) {
          await response.body?.cancel();
          url = redirected(response, { url, purpose, hops: ++hops, method: init.method });
          attempt--;
          continue;
        }
        if (response.status >= 400) {
          const { bytes } = await waitFor(firstBytes(response, MOST_ERROR_BYTES));
          if (attempt === ATTEMPTS || !TRANSIENT.has(response.status)) {
            throw refusal(response, { body: new TextDecoder().decode(bytes), url, purpose, settings });
          }
        } else if (streamed) return response;
        else {
          const { bytes, whole } = await waitFor(firstBytes(response, MOST_ANSWER_BYTES));
          if (!whole) {
            const { verb, repo } = purpose;
            const most = `more than ${MOST_ANSWER_BYTES / 2 ** 20} MiB`;
            throw new HubError(
              `Cannot ${verb} ${repo}: ${url.host} answered with ${most}, which is not the Hub's`,
            );
          }
          const { status, headers } = response;
          return new Response([101, 204, 205, 304].includes(status) ? null : bytes, { status, headers });
        }
      } catch (cause) {
        if (cause instanceof HubError || cutShort(cause) || init.signal?.aborted) throw cause;
        if (cause instanceof Deno.errors.NotCapable) throw noPermission(url, purpose, cause);
        if (attempt === ATTEMPTS) {
          const reason = withoutSecrets((cause as Error).message, settings);
          throw new HubError(
            `Cannot ${purpose.verb} ${purpose.repo}: ${url.host} cannot be reached: ${reason}`,
            { cause: new TypeError(reason) },
          );
        }
      }
      await pauseBetween(attempt, settings, response);
    }
  };
}

/** The address that an answer redirects to. @throws {HubError} where it is none to follow. */
function redirected(
  { status, headers }: Response,
  asked: { url: URL; purpose: Purpose; hops: number; method?: string },
): URL {
  const { url, purpose: { verb, repo }, hops, method = "GET" } = asked;
  const fail = (what: string) => new HubError(`Cannot ${verb} ${repo}: ${url.host} ${what}`);
  const next = URL.parse(headers.get("location") ?? "", url);
  if (!next || !/^https?:$/.test(next.protocol)) throw fail(`redirects to no address (status ${status})`);
  if (url.protocol === "https:" && next.protocol !== "https:") {
    throw fail(`redirects to ${next.host}, which is not reached by https`);
  }
  if (hops > MOST_HOPS) throw fail(`redirects more than ${MOST_HOPS} times`);
  // The other statuses would turn what is sent into a question.
  if (!/^(GET|HEAD)$/i.test(method) && status !== 307 && status !== 308) {
    throw fail(`redirects what is sent, with status ${status}`);
  }
  return next;
}

function noPermission(url: URL, { verb, repo }: Purpose, cause: Error): HubError {
  return new HubError(
    `Cannot ${verb} ${repo}: this program may not connect to ${url.host}; allow it with --allow-net=${url.host}`,
    { cause },
  );
}

/** The Hub's explanation of a status: its error code is in a header, the message in another or in the body. */
function refusal(
  response: Response,
  asked: { body: string; url: URL; purpose: Purpose; settings: HubSettings },
): HubError {
  const { body, url, purpose: { verb, repo, kind = "model" }, settings } = asked;
  const { status } = response;
  const message = response.headers.get("x-error-message") ?? /"error":\s*"([^"]{1,300})"/.exec(body)?.[1];
  const said = message && withoutSecrets(message.slice(0, 300), settings);
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
      ? "if you have, its owners may not have approved the request yet, or the token may lack permission to read gated models"
      : `then make a token at ${tokens} and set HF_TOKEN to it`;
    return fail(`it is gated. Accept its terms at ${page} with your account; ${granted}`);
  }
  if (code === "RevisionNotFound") {
    const [, revision = ""] = /\/(?:revision|tree|resolve)\/([^/]+)/.exec(url.pathname) ?? [];
    return fail(
      `it has no such revision as ${decodeURIComponent(revision)}; ${page}/tree/main shows what it has`,
    );
  }
  if (code === "EntryNotFound") return fail(`it has no file ${url.pathname}`);
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
