/**
 * A GGUF file may come from anywhere: seeded mutations of one each open or throw an Any4Error, and none costs much. ANY4_FUZZ
 * says how many mutations of each are tried.
 *
 * @module
 */
import { assert, assertGreaterOrEqual } from "@std/assert";
import { Any4Error } from "../lib/errors.ts";
import { parseConfig } from "../lib/model/architectures/parse_config.ts";
import { openGguf } from "../lib/model/gguf/open.ts";
import { Tokenizer } from "../lib/model/tokenizer/tokenizer.ts";
import { Lcg } from "./golden/lcg.ts";

const MUTATIONS = Number(Deno.env.get("ANY4_FUZZ") ?? 500);
const MOST_MS = 100;
const MOST_BYTES = 50e6;

/** Headers of these take about this much; what follows are weights. */
const FILES: readonly (readonly [file: string, header: number])[] = [
  ["llama.gguf", 13_000],
  ["models/mixtral.gguf", 11_000],
  ["models/phi3.gguf", 10_000],
  ["models/gpt2.gguf", 8_000],
];
const SIZES = [
  0n,
  1n,
  7n,
  255n,
  2n ** 16n,
  2n ** 20n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** Ways to break a file, in place or to another. */
const EDITS: readonly ((bytes: Uint8Array, at: number, next: (n: number) => number) => Uint8Array)[] = [
  (bytes, at, next) => (bytes[at]! ^= 1 << next(8), bytes),
  (bytes, at, next) => bytes.fill(next(256), at, at + next(16)),
  (bytes, at, next) => (new DataView(bytes.buffer).setBigUint64(at, SIZES[next(SIZES.length)]!, true), bytes),
  (bytes, at, next) => (new DataView(bytes.buffer).setUint32(at, next(42), true), bytes),
  (bytes, at) => bytes.slice(0, at),
  (bytes, at, next) => bytes.copyWithin(at, next(10_000), next(10_000)),
  (bytes, at, next) => new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + next(64))]),
];

function load(path: string): void {
  const gguf = openGguf(path);
  using weights = gguf.weights;
  parseConfig(gguf.config, path);
  Tokenizer.ofGguf(path, gguf.tokenizer).encode("a time");
  for (const name of weights.names()) weights.readFloat32(name);
}

function measure(path: string): { error: unknown; ms: number; bytes: number } {
  const memory = () => {
    const { rss, heapUsed, external } = Deno.memoryUsage();
    return [rss, heapUsed + external] as const;
  };
  const before = memory();
  const start = performance.now();
  let error: unknown;
  try {
    load(path);
  } catch (thrown) {
    error = thrown;
  }
  const ms = performance.now() - start;
  const after = memory();
  return { error, ms, bytes: Math.max(after[0] - before[0], after[1] - before[1]) };
}

for (const [file, header] of FILES) {
  Deno.test(`${MUTATIONS} mutations of ${file} open or throw an Any4Error, each within 100 ms and 50 MB`, () => {
    const original = Deno.readFileSync(new URL(`golden/gguf/${file}`, import.meta.url));
    const path = Deno.makeTempFileSync({ suffix: ".gguf" });
    try {
      Deno.writeFileSync(path, original);
      // The first time, libraries are loaded.
      load(path);
      let loaded = 0;
      for (let i = 0; i < MUTATIONS; i++) {
        Deno.writeFileSync(path, mutated(original, { i, header }));
        const { error, bytes: used, ...first } = measure(path);
        let { ms } = first;
        // The machine may have been busy; what is slow by itself stays so.
        for (let again = 0; again < 3 && ms > MOST_MS; again++) ({ ms } = measure(path));
        assert(
          error === undefined || error instanceof Any4Error,
          `mutation ${i} threw ${error instanceof Error ? error.stack : error}`,
        );
        assert(ms <= MOST_MS, `mutation ${i} took ${ms} ms`);
        assert(used <= MOST_BYTES, `mutation ${i} took ${used} bytes`);
        if (error === undefined) loaded++;
      }
      assertGreaterOrEqual(loaded, MUTATIONS / 50, "hardly any opens");
      assertGreaterOrEqual(MUTATIONS - loaded, MUTATIONS / 5, "hardly any fails");
    } finally {
      Deno.removeSync(path);
    }
  });
}

function mutated(original: Uint8Array, { i, header }: { i: number; header: number }): Uint8Array {
  const lcg = new Lcg(Math.imul(i, 0x9e3779b1) >>> 0);
  lcg.next();
  const next = (n: number) => Math.floor(lcg.next() * n);
  let bytes: Uint8Array = original.slice();
  for (let more = [1, 1, 2, 4][next(4)]!; more > 0 && bytes.length > header; more--) {
    // Half of them in the first keys, where they do most.
    bytes = EDITS[next(EDITS.length)]!(bytes, next(next(2) ? 900 : header), next);
  }
  return bytes;
}
