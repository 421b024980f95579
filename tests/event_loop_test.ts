import { assert } from "@std/assert";
import { pause } from "../lib/event_loop.ts";

Deno.test("pause() in long work lets timers fire", async () => {
  let fired = false;
  const timer = setTimeout(() => fired = true);
  // Work that ends only by a timer: a pause that never gives way would make it last for ever.
  while (!fired) await pause();
  clearTimeout(timer);
  assert(fired);
});
