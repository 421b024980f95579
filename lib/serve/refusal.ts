/**
 * Errors as answers.
 *
 * @module
 */
import { Any4Error } from "../errors.ts";
import { RequestError } from "./request_error.ts";

/** An error as it is answered: a bug's message is not shown. */
export function refusalOf(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof Any4Error) return new RequestError(error.message, { status: 500, code: error.name });
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new RequestError("Cannot answer: it takes longer than the server allows", {
      status: 504,
      code: "timeout",
    });
  }
  console.error(error);
  return new RequestError("Cannot answer: the server has failed", { status: 500, code: "internal_error" });
}
