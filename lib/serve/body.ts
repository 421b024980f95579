/**
 * Reading what a client sends.
 *
 * @module
 */
import { Fields, isObject } from "./fields.ts";
import { RequestError } from "./request_error.ts";

/** Milliseconds that a client may take to send its body. */
const SLOWEST_MS = 30_000;

/**
 * Reads a JSON object.
 *
 * @param mostBytes what is larger is refused, unread where the client says how large it is.
 * @throws {RequestError} 413 when it is too large, 408 when it does not come, 400 when it is no JSON object.
 */
export async function readFields(request: Request, { mostBytes }: { mostBytes: number }): Promise<Fields> {
  const text = new TextDecoder("utf-8", { fatal: true });
  try {
    const value: unknown = JSON.parse(text.decode(await readBytes(request, mostBytes)));
    if (isObject(value)) return new Fields(value);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError(`Cannot read the body: it is no JSON (${(error as Error).message})`, {
      status: 400,
      code: "invalid_json",
    });
  }
  throw new RequestError("Cannot read the body: expected a JSON object", {
    status: 400,
    code: "invalid_json",
  });
}

async function readBytes(request: Request, mostBytes: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new RequestError(`Cannot read the body: it has more than ${mostBytes} bytes`, {
      status: 413,
      code: "body_too_large",
    });
  if (Number(request.headers.get("content-length") ?? 0) > mostBytes) {
    request.body?.cancel().catch(() => {});
    throw tooLarge();
  }
  const reader = request.body?.getReader();
  if (!reader) return new Uint8Array(0);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new RequestError("Cannot read the body: it does not come", { status: 408, code: "slow_body" }),
    );
  }, SLOWEST_MS);
  try {
    const parts: Uint8Array[] = [];
    for (let bytes = 0;;) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) break;
      bytes += value.length;
      if (bytes > mostBytes) throw tooLarge();
      parts.push(value);
    }
    return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
}
