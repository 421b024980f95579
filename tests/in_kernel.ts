/**
 * A notebook's kernel, for tests outside of one.
 *
 * @module
 */

/** Runs as in a notebook's kernel. */
export async function inKernel(run: () => Promise<void>): Promise<void> {
  const deno = Deno;
  const jupyter = { broadcast() {} };
  Object.defineProperty(globalThis, "Deno", {
    value: Object.create(deno, { jupyter: { value: jupyter } }),
    configurable: true,
  });
  try {
    await run();
  } finally {
    Object.defineProperty(globalThis, "Deno", { value: deno, configurable: true });
  }
}
