/**
 * Builds the kernels: AssemblyScript to any4_relaxed.wasm, and to any4_simd.wasm for engines without relaxed SIMD.
 *
 * @module
 */
import asc from "assemblyscript/asc";

const here = new URL(".", import.meta.url);

/** The files that are built, and the features that each needs beyond SIMD and shared memory. */
export const targets: ReadonlyMap<string, readonly string[]> = new Map([
  ["any4_relaxed.wasm", ["--enable", "relaxed-simd"]],
  ["any4_simd.wasm", []],
]);

const OPTIONS = ["--runtime", "stub", "-O3", "--noAssert", "--disableWarning", "112"]
  .concat(["--importMemory", "--noExportMemory", "--sharedMemory"])
  .concat(["--initialMemory", "1", "--maximumMemory", "65536"])
  .concat(["--enable", "simd", "--enable", "threads"]);

/**
 * Compiles the kernels.
 *
 * @param target a key of {@linkcode targets}.
 * @throws {Error} with the compiler's messages.
 */
export async function compile(target: string): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    ["index.ts", "--outFile", target, ...OPTIONS, ...targets.get(target)!],
    {
      stderr,
      readFile: (name) => {
        try {
          return Deno.readTextFileSync(new URL(name, here));
        } catch {
          return null; // one of the places where the compiler looks
        }
      },
      writeFile: (_, contents) => {
        wasm = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`Cannot build ${target}: ${error.message}\n${stderr.toString()}`);
  return wasm!;
}

if (import.meta.main) {
  const check = Deno.args.includes("--check");
  for (const target of targets.keys()) {
    const built = await compile(target);
    if (check) {
      const committed = Deno.readFileSync(new URL(target, here));
      if (built.length !== committed.length || built.some((byte, i) => byte !== committed[i])) {
        console.error(`${target} is not what its sources build: run kernels/wasm/build.ts`);
        Deno.exit(1);
      }
    } else {
      Deno.writeFileSync(new URL(target, here), built);
    }
    console.log(`${target}: ${built.length} bytes`);
  }
}
