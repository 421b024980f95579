import { assert, assertEquals, assertRejects } from "@std/assert";
import { pause } from "../lib/event_loop.ts";

Deno.test("pause() in long work lets timers fire", async () => {
  let fired = false;
  const timer = setTimeout(() => fired = true);
  // Work that ends only by a timer: a pause that never gives way would make it last for ever.
  while (!fired) await pause();
  clearTimeout(timer);
  assert(fired);
});

Deno.test("pause() throws the reason of a signal that has been given, and nothing before", async () => {
  const controller = new AbortController();
  await pause(controller.signal);
  setTimeout(() => controller.abort());
  const work = async () => {
    while (true) await pause(controller.signal);
  };
  const error = await assertRejects(work, DOMException);
  assertEquals(error.name, "AbortError");
  await assertRejects(() => pause(AbortSignal.abort(new Error("enough"))), Error, "enough");
});
