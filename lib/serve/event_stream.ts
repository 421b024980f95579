/**
 * Server-sent events.
 *
 * @module
 */
import { refusalOf } from "./refusal.ts";

/**
 * Answers with events, until `run` ends. What it throws is an event too, since the status has been sent.
 *
 * @param run sends events; `left` is aborted when the client leaves.
 */
export function eventStream(
  run: (send: (event: unknown) => void, left: AbortSignal) => Promise<void>,
): Response {
  const left = new AbortController();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const send = (event: unknown) => {
        if (left.signal.aborted) return;
        const text = typeof event === "string" ? event : JSON.stringify(event);
        controller.enqueue(encoder.encode(`data: ${text}\n\n`));
      };
      try {
        await run(send, left.signal);
      } catch (error) {
        if (!left.signal.aborted) send(refusalOf(error).body);
        left.abort(error);
      }
      try {
        controller.close();
      } catch {
        // The client has left.
      }
    },
    cancel: (reason) => left.abort(reason ?? new Error("The client has left")),
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
  });
}
