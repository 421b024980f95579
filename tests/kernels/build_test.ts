import { assert, assertEquals } from "@std/assert";

// Not written as a literal: without npm the test is to be ignored, not the file to fail.
const path = ["..", "..", "kernels", "wasm", "build.ts"].join("/");
const build: typeof import("../../kernels/wasm/build.ts") | Error = await import(path).catch((error) =>
  error
);
const missing = build instanceof Error;

Deno.test(
  `the committed kernels are what their sources build${missing ? " (ignored: npm is not reachable)" : ""}`,
  { ignore: missing },
  async () => {
    assert(!(build instanceof Error));
    for (const target of build.targets.keys()) {
      const committed = Deno.readFileSync(new URL(`../../kernels/wasm/${target}`, import.meta.url));
      assertEquals(await build.compile(target) as Uint8Array, committed, target);
    }
  },
);

Deno.test("kernels import a memory and nothing else", () => {
  for (const target of ["any4_relaxed.wasm", "any4_simd.wasm"]) {
    const bytes = Deno.readFileSync(new URL(`../../kernels/wasm/${target}`, import.meta.url));
    assertEquals(WebAssembly.Module.imports(new WebAssembly.Module(bytes)), [
      { module: "env", name: "memory", kind: "memory" },
    ]);
  }
});
