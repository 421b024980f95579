/**
 * What a server answers instead of what it was asked for.
 *
 * @module
 */
import { Any4Error } from "../errors.ts";

/** What is said of a request that is refused. */
export interface Refusal {
  /** The HTTP status. */
  readonly status: number;
  /** A word that programs look at, such as "context_length_exceeded". */
  readonly code?: string;
  /** The field of the body that is at fault. */
  readonly param?: string;
  /** Seconds after which it may be tried again. */
  readonly retryAfter?: number;
}

/** OpenAI's names for kinds of errors. */
const TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  429: "rate_limit_error",
  500: "server_error",
  503: "overloaded_error",
  504: "timeout_error",
};

/** A request that is refused. */
export class RequestError extends Any4Error implements Refusal {
  readonly status: number;
  readonly code?: string;
  readonly param?: string;
  readonly retryAfter?: number;

  /** Creates an error. */
  constructor(message: string, refusal: Refusal) {
    super(message);
    this.status = refusal.status;
    this.code = refusal.code;
    this.param = refusal.param;
    this.retryAfter = refusal.retryAfter;
  }

  /** The body of its answer. */
  get body(): { error: { message: string; type: string; code: string | null; param: string | null } } {
    const { message, status, code = null, param = null } = this;
    return { error: { message, type: TYPES[status] ?? "invalid_request_error", code, param } };
  }

  /** Its answer. */
  response(): Response {
    const headers: HeadersInit = this.retryAfter ? { "retry-after": String(this.retryAfter) } : {};
    return Response.json(this.body, { status: this.status, headers });
  }
}

/** The error of a field. */
export function badField(param: string, message: string): RequestError {
  return new RequestError(`Cannot use ${param}: ${message}`, { status: 400, param, code: "invalid_value" });
}
