import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Arena } from "../../../lib/compute/wasm/memory.ts";
import { Pool, sharedPool } from "../../../lib/compute/wasm/pool.ts";
import { KernelError, OptionError } from "../../../lib/errors.ts";
import { Random } from "../../../lib/random.ts";

const FOURS = 5000;
const random = new Random(11);

/** Adds random numbers on the pool's threads: an item done twice or never shows. */
function checkSums(pool: Pool, options: { arena?: Arena; grain?: number } = {}): void {
  const arena = options.arena ?? pool.arena();
  const [x, y] = [0, 0].map(() => {
    const address = arena.allocate(16 * FOURS); // first: the buffer of before does not reach what has grown
    const values = new Float32Array(arena.memory.buffer, address, 4 * FOURS);
    for (let i = 0; i < values.length; i++) values[i] = random.next();
    return values;
  }) as [Float32Array, Float32Array];
  const expected = x.map((value, i) => value + y[i]!);
  pool.run(arena, "add", [x.byteOffset, y.byteOffset], FOURS, options.grain);
  const wrong = x.findIndex((value, i) => value !== expected[i]);
  assertEquals(wrong, -1, `value ${wrong} is ${x[wrong]}, not ${expected[wrong]}`);
  for (const { byteOffset } of [x, y]) arena.free(byteOffset);
}

/** A pool whose workers are all up. */
async function readyPool(threads: number, options: { arenaBytes?: number } = {}): Promise<Pool> {
  const pool = new Pool({ threads, ...options });
  while (pool.ready < threads - 1) {
    checkSums(pool);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return pool;
}

/** Runs a script that has a running pool of 3 threads, from another folder, with no more permissions than the tasks have. */
async function script(body: string, signal?: Deno.Signal): Promise<{ code: number; stderr: string }> {
  const folder = await Deno.makeTempDir();
  const pool = JSON.stringify(new URL("../../../lib/compute/wasm/pool.ts", import.meta.url));
  await Deno.writeTextFile(
    `${folder}/main.ts`,
    `import { Pool } from ${pool};
    const pool = new Pool({ threads: 3 });
    const address = pool.arena().allocate(1 << 20);
    const run = () => pool.run(pool.arena(), "add", [address, address], 1 << 12, 64);
    while (pool.ready < 2) {
      run();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    console.log("ready");
    ${body}`,
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-read",
      "--allow-env",
      "--allow-sys=osRelease",
      "main.ts",
    ],
    cwd: folder,
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  // It is killed if it hangs, which is then the code that the test sees.
  const watchdog = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const reader = child.stdout.getReader();
  await reader.read();
  if (signal) child.kill(signal);
  while (!(await reader.read()).done);
  const stderr = await new Response(child.stderr).text();
  const { code } = await child.status;
  clearTimeout(watchdog);
  await Deno.remove(folder, { recursive: true });
  return { code, stderr };
}

Deno.test("run() does every item once, whatever the number of threads and the grain", async () => {
  for (const threads of [1, 2, 3]) {
    using pool = await readyPool(threads);
    for (const grain of [undefined, 0, 1, 7.5, 64, FOURS - 1, FOURS]) {
      for (let i = 0; i < 20; i++) checkSums(pool, { grain });
    }
  }
});

Deno.test("run() works before the workers are up, and starts none for what is too small to share", () => {
  using pool = new Pool({ threads: 3 });
  checkSums(pool, { grain: FOURS });
  assertEquals(pool.ready, 0);
  checkSums(pool);
});

Deno.test("run() works in arenas that are made or grow while the workers are up", async () => {
  using pool = await readyPool(3, { arenaBytes: 2 << 20 });
  const arenas = new Set(Array.from({ length: 5 }, () => {
    const arena = pool.arena(600_000);
    arena.allocate(600_000);
    return arena;
  }));
  assert(arenas.size > 1);
  for (let i = 0; i < 5; i++) for (const arena of arenas) checkSums(pool, { arena });

  using large = await readyPool(3);
  for (let i = 0; i < 10; i++) {
    large.arena().allocate(20 << 20);
    checkSums(large);
  }
});

Deno.test("run() computes at addresses above 2 GiB", async () => {
  using pool = await readyPool(2);
  pool.arena().allocate(3 * 2 ** 30);
  checkSums(pool);
});

Deno.test("a kernel that traps, here or on a worker, is a KernelError; the pool goes on", async () => {
  using pool = await readyPool(3);
  const beyond = pool.arena().memory.buffer.byteLength;
  for (const grain of [1, FOURS]) {
    for (let i = 0; i < 10; i++) {
      const trap = () => pool.run(pool.arena(), "add", [beyond, beyond], FOURS, grain);
      assertStringIncludes(assertThrows(trap, KernelError, "add failed").message, "out of bounds");
      checkSums(pool);
    }
  }
  // Only the last items lie outside: whichever thread takes them.
  for (let i = 0; i < 100; i++) {
    const near = beyond - 16 * FOURS + 16;
    assertThrows(() => pool.run(pool.arena(), "add", [near, near], FOURS, 10), KernelError, "out of bounds");
  }
  checkSums(pool);
});

Deno.test("wrong use is refused: unknown kernels, ended pools, numbers of threads", () => {
  const pool = new Pool({ threads: 2 });
  assertThrows(() => pool.run(pool.arena(), "sing", [], 1), KernelError, "sing");
  pool[Symbol.dispose]();
  assertThrows(() => pool.run(pool.arena(), "add", [64, 64], 1), KernelError, "have ended");
  for (const threads of [0, -1, 1.5, NaN]) {
    assertThrows(() => new Pool({ threads }), OptionError, `current value is ${threads}`);
  }
});

Deno.test("both builds of the kernels run", () => {
  for (const name of ["any4_relaxed.wasm", "any4_simd.wasm"]) {
    const bytes = Deno.readFileSync(new URL(`../../../kernels/wasm/${name}`, import.meta.url));
    using pool = new Pool({ threads: 1, module: new WebAssembly.Module(bytes) });
    checkSums(pool);
  }
});

Deno.test("the shared pool ends with its last user", () => {
  const [first, second] = [sharedPool(), sharedPool()];
  assertEquals(first, second);
  first[Symbol.dispose]();
  checkSums(second, { grain: FOURS });
  second[Symbol.dispose]();
  assertThrows(() => checkSums(second, { grain: FOURS }), KernelError);
  using third = sharedPool();
  checkSums(third, { grain: FOURS });
});

Deno.test("a pool that nobody disposed of does not keep the process, however it ends", async () => {
  const forever = "setInterval(run, 1);";
  const endings: [string, number, Deno.Signal?][] = [
    ["", 0],
    ["pool[Symbol.dispose]();", 0],
    ["run(); await new Promise((resolve) => setTimeout(resolve, 300)); run();", 0],
    ["Deno.exit(3);", 3],
    ["throw new Error('on purpose');", 1],
    ["pool.run(pool.arena(), 'add', [2 ** 31, 2 ** 31], 1 << 12, 64);", 1],
    [forever, 130, "SIGINT"],
    ["for (;;) run();", 130, "SIGINT"],
    [forever, 143, "SIGTERM"],
  ];
  await Promise.all(endings.map(async ([body, expected, signal]) => {
    const { code, stderr } = await script(body, signal);
    assertEquals(code, expected, `${body} ${stderr}`);
  }));
});

Deno.test("where no worker may start, the caller does it all and says so once", async () => {
  const pool = JSON.stringify(new URL("../../../lib/compute/wasm/pool.ts", import.meta.url));
  const code = `const { Pool } = await import(${pool});
    const pool = new Pool({ threads: 3 });
    const address = pool.arena().allocate(1 << 20);
    for (let i = 0; i < 5; i++) pool.run(pool.arena(), "add", [address, address], 1 << 12, 64);`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", `data:text/javascript,${encodeURIComponent(code)}`],
    env: { NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert(success, said);
  assertEquals(said.match(/any4 computes on 1 of 3 threads: NotCapable/g)?.length, 1, said);
});

Deno.test("a pool that nobody disposed of does not disturb the sanitizers of tests", async () => {
  checkSums(await readyPool(2));
});
