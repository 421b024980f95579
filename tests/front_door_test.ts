import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import * as any4 from "any4";
import config from "../deno.json" with { type: "json" };

const root = new URL("../", import.meta.url);

/** Runs this Deno without its config in a folder of its own. */
async function outside(folder: string, env: Record<string, string>, ...args: string[]) {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: folder,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("each entry has the same name for users and inside of the project", () => {
  const entries = Object.entries(config.exports).map(([name, path]) => [name.replace(/^\./, "any4"), path]);
  const names = Object.entries(config.imports).filter(([name]) => /^any4(\/|$)/.test(name));
  assertEquals(names, entries);
});

Deno.test("the first entry has about 40 names, of which each is in an entry of its room", async () => {
  const names = Object.keys(any4);
  assertGreater(names.length, 30);
  assertLess(names.length, 46);
  const rooms = new Set<unknown>();
  for (const [name, path] of Object.entries(config.exports)) {
    if (name !== ".") {
      for (const value of Object.values(await import(new URL(path, root).href))) rooms.add(value);
    }
  }
  const errors = names.filter((name) => name.endsWith("Error"));
  const missing = names.filter((name) => !rooms.has(any4[name as keyof typeof any4]));
  assertEquals(missing.toSorted(), errors.toSorted());
});

Deno.test("a script in another folder, without a deno.json, imports every entry and runs", async () => {
  const folder = await Deno.makeTempDir();
  const imports = Object.values(config.exports).map((path, i) =>
    `import * as entry${i} from ${JSON.stringify(new URL(path, root).href)};\n`
  );
  const script = `const { loadModel, any4, generate } = entry0;
using model = await loadModel("tinyworld");
using small = await any4(model);
const { tokens } = await generate(small, "Once upon a time", { maxTokens: 3 });
console.log(JSON.stringify([tokens.length, ${imports.map((_, i) => `Object.keys(entry${i}).length`)}]));`;
  await Deno.writeTextFile(`${folder}/main.ts`, imports.join("") + script);
  const { success, stdout, stderr } = await outside(
    folder,
    {},
    "run",
    "--quiet",
    "--no-prompt",
    "--allow-read",
    "--allow-env",
    "--allow-sys=osRelease",
    "main.ts",
  );
  assert(success, stderr);
  const [tokens, ...counts] = JSON.parse(stdout) as number[];
  assertEquals(tokens, 3);
  for (const count of counts) assertGreater(count, 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a script that imports the library from a server runs, with the model and the text that come with it", async () => {
  const types: Record<string, string> = {
    ts: "application/typescript",
    js: "text/javascript",
    css: "text/css",
  };
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    try {
      const type = types[pathname.split(".").at(-1)!] ?? "application/octet-stream";
      return new Response(Deno.readFileSync(new URL(`.${pathname}`, root)), {
        headers: { "content-type": type },
      });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
  const folder = await Deno.makeTempDir();
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const host = new URL(origin).host;
  await Deno.writeTextFile(
    `${folder}/main.ts`,
    `import { loadModel, perplexity } from "${origin}/mod.ts";
using model = await loadModel("tinyworld", { threads: 2 });
console.log((await perplexity(model, { maxTokens: 100 })).tokens);`,
  );
  const words = [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-lock",
    `--allow-import=${host}`,
    `--allow-net=${host}`,
  ]
    .concat(["--allow-read", "--allow-env", "--allow-sys=osRelease", "--allow-write", "main.ts"]);
  const { stdout: info } = await outside(folder, {}, "info", "--json");
  const env = { XDG_CACHE_HOME: `${folder}/cache`, DENO_DIR: JSON.parse(info).denoDir };
  // The second time it is in the cache.
  for (const _ of [1, 2]) {
    const { success, stdout, stderr } = await outside(folder, env, ...words);
    assert(success, stderr);
    assertEquals(stdout.trim(), "100");
  }
  assertEquals([...Deno.readDirSync(`${folder}/cache/any4`)].map(({ name }) => name), [
    `tinyworld-${config.version}`,
  ]);
  await Deno.remove(`${env.DENO_DIR}/remote/http/${host.replace(":", "_PORT")}`, { recursive: true });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what is imported only when it is needed is found from another folder too", async () => {
  const folder = await Deno.makeTempDir();
  for (const path of Object.values(config.exports)) {
    const { stdout } = await outside(folder, {}, "info", "--json", new URL(path, root).href);
    const { modules } = JSON.parse(stdout) as {
      modules: { specifier: string; error?: string; dependencies?: { code?: { error?: string } }[] }[];
    };
    assertGreater(modules.length, 1);
    const errors = modules.flatMap(({ error, dependencies = [] }) =>
      [error, ...dependencies.map(({ code }) => code?.error)].filter((it) => it !== undefined)
    );
    assertEquals(errors, []);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what is published is the library alone: the modules of its entries, its model, and texts about it", async () => {
  const { success, stderr, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
  assert(success, text);
  assert(!/warning/i.test(text), text);
  const published = [...text.matchAll(/^ +(file:\S+) \(/gm)].map(([, url]) => url!.slice(root.href.length));
  // Each is a module of one idea that an entry imports, so fewer files would be longer ones, not less code.
  assert(published.length <= 480, `${published.length} files are published`);
  // Threads start workers by their URL, so that no module imports them; TypeScript reads declarations alone.
  const needed = new Set(
    [
      "deno.json",
      "lib/compute/wasm/worker.ts",
      "lib/compute/wasm/control.ts",
      "lib/measure/sandbox/worker.ts",
    ],
  );
  for (const path of Object.values(config.exports)) {
    for (const module of await modulesOf(path)) needed.add(module);
  }
  const others = published.filter((file) => !needed.has(file) && !/\.d\.ts$|\.wasm$/.test(file));
  // Kernels are published whole, also those that no backend chooses.
  assertEquals(
    others.filter((file) => !/^(models\/tinyworld|kernels\/wgsl)\//.test(file)),
    ["CHANGELOG.md", "LICENSE", "README.md"],
  );
  assertEquals([...needed].filter((file) => !published.includes(file)), []);
  for (const file of ["kernels/wasm/any4_relaxed.wasm", "kernels/wasm/any4_simd.wasm"]) {
    assert(published.includes(file), file);
  }
  assert(published.includes("models/tinyworld/model.safetensors"));
});

/** The paths of the project's modules that an entry imports, directly or not, at once or later. */
async function modulesOf(entry: string): Promise<string[]> {
  const { stdout } = await outside(decodeURIComponent(root.pathname), {}, "info", "--json", entry);
  const { modules } = JSON.parse(stdout) as { modules: { specifier: string }[] };
  return modules.map(({ specifier }) => specifier).filter((it) => it.startsWith(root.href))
    .map((it) => it.slice(root.href.length));
}

Deno.test("the changelog has a section for the version that deno.json names", () => {
  const headings = [...Deno.readTextFileSync(new URL("CHANGELOG.md", root)).matchAll(/^## (.+)$/gm)];
  assert(headings.some(([, heading]) => heading === config.version), `no section ${config.version}`);
});

Deno.test("the README's five minutes run as they are written", async () => {
  const readme = Deno.readTextFileSync(new URL("README.md", root));
  const [, code] = /## Five minutes[^]*?```ts\n([^]*?)```/.exec(readme)!;
  const [, words] = /```sh\nnpx -y deno@[\d.]+ (run [^\n]*) five\.ts\n```/.exec(readme)!;
  await Deno.mkdir(new URL("out", root), { recursive: true });
  const file = await Deno.makeTempFile({
    dir: decodeURIComponent(new URL("out", root).pathname),
    suffix: ".ts",
  });
  await Deno.writeTextFile(file, code!);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...words!.split(" "), "--no-prompt", "--quiet", file],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  await Deno.remove(file);
  const [printed, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert(success, errors);
  const [perplexity, text, table] = printed!.split("\n");
  assertEquals(errors, "");
  assert(Number(perplexity) > 1 && Number(perplexity) < 3, perplexity);
  assertGreater(text!.length, 50);
  assertEquals(table, "Float32Array(16) [");
});

Deno.test("the README names tasks that there are, and every task that a user runs", () => {
  const readme = Deno.readTextFileSync(new URL("README.md", root));
  const named = new Set([...readme.matchAll(/(?:deno|2\.9\.6) task ([\w:]+)/g)].map(([, name]) => name!));
  const tasks = Object.keys(config.tasks);
  assertEquals([...named].filter((name) => !tasks.includes(name)), []);
  assertEquals(tasks.filter((name) => !named.has(name) && !/^(test:.+|check)$/.test(name)), []);
});
