/**
 * Tasks end well whatever happens to their output, and may do no more than they need.
 *
 * @module
 */
import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { inFolder, list } from "../in_folder.ts";

const root = new URL("../../", import.meta.url);
const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root))) as {
  tasks: Record<string, { command: string }>;
};
const linux = Deno.build.os === "linux";

/** Runs a line of sh in which `task` is `deno task --quiet`. */
async function sh(line: string, env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", `task() { "${Deno.execPath()}" task --quiet "$@"; }\n${line}`],
    cwd: root,
    env: { NO_COLOR: "", ...env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("every task runs with --no-prompt, may read few variables, and writes where it must", () => {
  const wide: string[] = [];
  for (const [name, { command }] of Object.entries(tasks)) {
    for (const part of command.split("&&")) {
      if (!/\bdeno (run|repl|test)\b/.test(part)) continue;
      assertMatch(part, /\bdeno (run|repl|test) --no-prompt/, name);
      const tests = /deno test|tests\//.test(part);
      if (!tests) assert(!/--allow-env(?!=)|--allow-all|\s-A\b|--allow-net(?!=)/.test(part), name);
      if (!tests && /--allow-write(?!=)/.test(part)) wide.push(name);
    }
  }
  // These write where they are told to.
  const writers = [
    "bench",
    "calibrate",
    "cluster",
    "compare",
    "grid",
    "lab",
    "quantize",
    "repl",
    "start",
  ];
  assertEquals(wide.sort(), writers);
});

/** What a task may do, called from a folder of its own. */
async function permissionsOf(name: string): Promise<Record<string, unknown>> {
  const command = tasks[name]!.command.replace(/ tasks\/\w+\.ts$/, "");
  const called = inFolder((folder) => folder);
  const program = inFolder((folder) => folder) + ".ts";
  Deno.writeTextFileSync(
    program,
    `const state = (name, more) => Deno.permissions.querySync({ name, ...more }).state;
    console.log(JSON.stringify({
      cache: state("write", { path: "/hf/hub/models--a" }),
      own: state("write", { path: "/xdg/any4/x" }),
      here: [".", ${JSON.stringify(called)}].map((path) => state("write", { path: path + "/x" })),
      elsewhere: ["/", "/tmp/x", "/hf/token", "/root/.ssh"].map((path) => state("write", { path })),
      env: ["PATH", "SSH_AUTH_SOCK", "AWS_SECRET_ACCESS_KEY"].map((variable) => state("env", { variable })),
      net: ["huggingface.co", "evil.test"].map((host) => state("net", { host })),
      run: state("run"), ffi: state("ffi"), sys: state("sys"),
    }));`,
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "--eval", `${command} ${program}`],
    cwd: root,
    env: { HF_HOME: "/hf", XDG_CACHE_HOME: "/xdg", HF_HUB_CACHE: "", INIT_CWD: called },
  }).output();
  Deno.removeSync(program);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const NARROW = {
  cache: "granted",
  own: "granted",
  here: ["prompt", "prompt"],
  elsewhere: Array(4).fill("prompt"),
  env: Array(3).fill("prompt"),
  net: ["granted", "prompt"],
  ...{ run: "prompt", ffi: "prompt", sys: "prompt" },
};

Deno.test("a task that only computes can write to caches, and nowhere else", async () => {
  assertEquals(await permissionsOf("generate"), NARROW);
});

Deno.test("tasks that keep results can write where they are and where they are called from, too", async () => {
  for (const name of ["eval", "tables"]) {
    assertEquals(await permissionsOf(name), { ...NARROW, here: ["granted", "granted"] });
  }
});

Deno.test("results begin before the first is measured, where the task was called from, or there is a sentence; what is there is not measured again", async () => {
  const measure = async (task: string, to: string, folder: string) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "--config", `${new URL("deno.json", root).pathname}`, ...task.split(" "), to],
      cwd: folder,
      // As Deno sets it, unless it runs in a task already.
      env: { NO_COLOR: "", INIT_CWD: folder },
    }).output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  };
  const data = new URL("tests/golden/tasks", root).pathname;
  await inFolder(async (folder) => {
    const evaluate = `eval --tasks boolq --data wikitext-2 --context 64 --data-dir ${data} --json --append`;
    const first = await measure(evaluate, "kept/results.jsonl", folder);
    assertEquals([first.code, first.stderr], [0, ""]);
    const lines = Deno.readTextFileSync(`${folder}/kept/results.jsonl`);
    assertEquals(lines.split("\n").length, 3);
    // A line that says something else than what would be measured is believed.
    Deno.writeTextFileSync(`${folder}/kept/results.jsonl`, lines.replaceAll('"n":3', '"n":300'));
    const again = await measure(evaluate, `${folder}/kept/results.jsonl`, folder);
    assertEquals(again.stdout, first.stdout.replaceAll('"n": 3', '"n": 300'));
    const elsewhere = await measure(evaluate, "/nowhere/results.jsonl", folder);
    assertEquals([elsewhere.code, elsewhere.stdout], [1, ""]);
    assertMatch(
      elsewhere.stderr,
      /^Cannot write \/nowhere\/results\.jsonl: this program may not write there/,
    );
    const tables = `tables --tasks boolq --formats original,int4 --data-dir ${data} --quiet --out`;
    assertEquals(await measure(tables, "a/b", folder), { code: 0, stdout: "", stderr: "" });
    assertEquals(list(`${folder}/a`), ["b.html", "b.jsonl", "b.md"]);
    assertStringIncludes(Deno.readTextFileSync(`${folder}/a/b.md`), "| int4, groups of 128 |");
  });
});

Deno.test("a Hub elsewhere is a sentence that names it, not a question", async () => {
  const args = ["--model", "org/name"];
  for (const name of ["generate", "eval", "start"]) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", name, ...args],
      cwd: root,
      env: { HF_ENDPOINT: "https://hub.example", HF_HOME: "/nowhere", HF_HUB_OFFLINE: "" },
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals([code, stdout.length], [1, 0], said);
    assertMatch(said, /^Cannot load org\/name: this program may not connect to hub\.example/m);
  }
});

Deno.test({
  name: "a reader that goes ends a task in silence; an output that is full is a sentence and status 1",
  ignore: Deno.build.os === "windows",
  async fn() {
    for (const line of ["generate -n 40", "analyze", "eval --tokens 20 --json", "generate --help"]) {
      const { stderr } = await sh(`task ${line} | head -c 5`);
      assert(!/rror| {4}at /.test(stderr), stderr);
    }
    const piped = await sh(
      `set -e; mkfifo "$TMP"; head -c 5 "$TMP" >/dev/null & task generate -n 40 >"$TMP"`,
      {
        TMP: inFolder((folder) => folder),
      },
    );
    assertEquals(piped.code, 0, piped.stderr);
    if (!linux) return;
    for (const line of ["generate -n 4", "analyze", "analyze --json", "doctor"]) {
      const { code, stderr } = await sh(`task ${line} >/dev/full`);
      assertEquals(code, 1, line);
      assertMatch(stderr, /^Cannot write the output: No space left on device/m);
      assert(!stderr.includes("    at "), stderr);
    }
  },
});

Deno.test({
  name: "Ctrl-C ends a task at once, while it computes too",
  ignore: Deno.build.os === "windows",
  async fn() {
    const model = await Deno.makeTempDir();
    for (const { name } of Deno.readDirSync(new URL("models/tinyworld", root))) {
      await Deno.copyFile(new URL(`models/tinyworld/${name}`, root), `${model}/${name}`);
    }
    await Deno.writeTextFile(
      `${model}/chat_template.jinja`,
      "{% for m in messages %}{{ m.content }} {% endfor %}",
    );
    for (
      const line of [
        "start --tokens 9000",
        `quantize --method lnq --out ${model}/out`,
        `chat -m ${model}`,
      ]
    ) {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["task", "--quiet", ...line.split(" ")],
        cwd: root,
        stdin: "piped",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const talks = line.startsWith("chat");
      if (talks) await child.stdin.getWriter().write(new TextEncoder().encode("hello\n"));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const started = performance.now();
      try {
        child.kill("SIGINT");
      } catch (cause) {
        throw new Error(`${line} ended too early`, { cause });
      }
      const { success } = await child.status;
      assert(!success);
      assertLess(performance.now() - started, 5000, line);
      if (!talks) await child.stdin.close();
    }
    await Deno.remove(model, { recursive: true });
  },
});

Deno.test("control characters of a model's name, a prompt or a file are shown, not obeyed", async () => {
  const folder = await Deno.makeTempDir();
  const name = `${folder}/a\x1b]0;title\x07\x9b31m`;
  await Deno.mkdir(name);
  for (const { name: file } of Deno.readDirSync(new URL("models/tinyworld", root))) {
    await Deno.copyFile(new URL(`models/tinyworld/${file}`, root), `${name}/${file}`);
  }
  const lines = [
    ["generate", "\x1b[2J", "-m", name, "-n", "2"],
    ["quantize", "-m", name, "--out", `${folder}/out`, "--format", "int4"],
    ["eval", "-m", `${folder}/no\x1b[2J`],
    ["analyze", "-m", name, "--json"],
  ];
  for (const args of lines) {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", ...args],
      cwd: root,
      env: { NO_COLOR: "" },
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(said), JSON.stringify(said));
    assertStringIncludes(said, args[0] === "analyze" ? "\\u001b" : "^[");
  }
  await Deno.remove(folder, { recursive: true });
});
