import { assert, assertEquals, assertRejects } from "@std/assert";
import { InterruptedError } from "../lib/errors.ts";
import { interruptible, pause, waitFor, waitForGpu } from "../lib/event_loop.ts";
import { inKernel } from "./in_kernel.ts";

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

const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

Deno.test("in a kernel, work without a sign of life is interrupted", () =>
  inKernel(async () => {
    await assertRejects(() => interruptible(() => new Promise<void>(() => {})), InterruptedError);
  }));

Deno.test("in a kernel, what waits for interrupted work gives back what it uses before it is interrupted itself", () =>
  inKernel(async () => {
    let freed = false;
    const work = async () => {
      using _ = { [Symbol.dispose]: () => freed = true };
      await interruptible(() => new Promise<void>(() => {}));
    };
    await assertRejects(() => interruptible(work), InterruptedError);
    assert(freed);
  }));

Deno.test("in a kernel, an error that an interrupt kept Deno from making is an interrupt, any other is itself", () =>
  inKernel(async () => {
    const fails = (cause: unknown) =>
      interruptible(() => Promise.reject(new Error("Cannot read", { cause })));
    await assertRejects(() => fails({}), InterruptedError);
    await assertRejects(() => fails(new Error("no such file")), Error, "Cannot read");
    await assertRejects(() => fails(undefined), Error, "Cannot read");
  }));

Deno.test("in a kernel, work that keeps the thread busy, pauses, or waits for something outside is let be", () =>
  inKernel(async () => {
    const busy = async () => {
      for (let i = 0; i < 4; i++) {
        for (const start = performance.now(); performance.now() - start < 700;);
        await wait(0);
      }
      return "busy";
    };
    const pausing = async () => {
      for (const start = performance.now(); performance.now() - start < 1500;) {
        await pause();
        await wait(20);
      }
      return "pausing";
    };
    const waiting = async () => {
      await waitFor(wait(1500));
      return "waiting";
    };
    const onGpu = async () => {
      await waitForGpu(wait(1500));
      return "onGpu";
    };
    for (const work of [busy, pausing, waiting, onGpu]) {
      assertEquals(await interruptible<string>(work), work.name);
    }
  }));
