import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { isFile } from "../../lib/files/disk.ts";

const root = new URL("../../", import.meta.url);

/** Runs a task as deno.json has it, with its own permissions. */
async function task(name: string, ...args: string[]): Promise<Ended> {
  return await taskWith({}, name, ...args);
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a task with further environment variables. */
async function taskWith(env: Record<string, string>, name: string, ...args: string[]): Promise<Ended> {
  const command = new Deno.Command(Deno.execPath(), {
    // --quiet: no word of what Deno has to fetch first.
    args: ["task", "--quiet", name, ...args],
    cwd: root,
    stdin: "null",
    // Set but empty, it takes Deno's colours and leaves other programs to ask the terminal, as users' do.
    env: { NO_COLOR: "", ...env },
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs the task repl on lines. */
async function repl(lines: string): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "repl"],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(lines + "\n"));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs a task with --json: it must print one document, and nothing beside it. */
async function json(name: string, ...args: string[]) {
  const { code, stdout, stderr } = await task(name, ...args, "--json");
  assertEquals([code, stderr], [0, ""], `${name} ${args.join(" ")}`);
  return JSON.parse(stdout);
}

const tasks = [
  "start",
  "models",
  "quantize",
  "grid",
  "cluster",
  "eval",
  "tables",
  "calibrate",
  "analyze",
  "diff",
  "generate",
  "chat",
  "bench",
  "push",
  "doctor",
];

Deno.test("every task explains itself with --help and refuses an unknown option with status 2", async () => {
  await Promise.all(tasks.map(async (name) => {
    const help = await task(name, "--help");
    assertEquals(help.code, 0, help.stderr);
    assertStringIncludes(help.stdout, `deno task ${name}`);
    assertStringIncludes(help.stdout, "--json");
    const wrong = await task(name, "--no-such-option");
    assertEquals(wrong.code, 2);
    assertEquals(wrong.stdout, "");
  }));
});

Deno.test("start --json prints one document with the promised keys and writes the report", async () => {
  const folder = await Deno.makeTempDir();
  const out = `${folder}/report.html`;
  const result = await json("start", "--formats", "any4,int2,mx4", "--tokens", "100", "--out", out);
  assertEquals(result.model, "tinyworld");
  assert(result.tokens > 50 && result.seconds > 0);
  assert(result.baseline.perplexity > 1);
  assertEquals(result.baseline.bitsPerWeight, 16);
  assertEquals(result.rows.map((row: { format: string }) => row.format), ["any4", "int2", "mx4"]);
  for (const row of result.rows) {
    for (const key of ["bits", "groupSize", "bitsPerWeight", "perplexity", "kl", "top1", "seconds"]) {
      assert(Number.isFinite(row[key]), `${row.format} ${key}`);
    }
  }
  assertEquals(result.rows[2].groupSize, 32);
  assertLess(result.rows[0].kl, result.rows[1].kl);
  const html = Deno.readTextFileSync(out);
  assertStringIncludes(html, "any4");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("start prints a table, three continuations and how to see the same on a real model", async () => {
  const folder = await Deno.makeTempDir();
  const { code, stdout, stderr } = await task(
    "start",
    ...["--formats", "any4", "--tokens", "60", "--out", `${folder}/r.html`],
  );
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /original \(BF16\)\s+16\.00/);
  for (const name of ["original", "any4", "any2"]) assertMatch(stdout, new RegExp(`^${name} +…`, "m"));
  assertStringIncludes(stdout, "\n  deno task start --model HuggingFaceTB/SmolLM2-135M\n");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("quantize, eval, diff and generate work on one another's folders", async () => {
  const folder = await Deno.makeTempDir();
  // Long enough that progress would say so, were it not for --json.
  const saved = await json("quantize", "--format", "any3", "--out", folder);
  const [measured, compared, spoken] = await Promise.all([
    json("eval", "--model", folder, "--original", "tinyworld", "--tokens", "1500"),
    json("diff", "--with", folder, "--tokens", "16"),
    json("generate", "The king", "--model", folder, "--max-tokens", "5"),
  ]);
  assertEquals(measured.bitsPerWeight, saved.bitsPerWeight);
  assert(measured.kl > 0 && measured.top1 > 0.5);
  assertEquals(compared.layers.length, 28);
  assertEquals(spoken.tokens.length, 5);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("quantize and eval take methods, layouts and text that the model writes itself", async () => {
  const folder = await Deno.makeTempDir();
  const layout = [
    "--method",
    "lnq",
    "--codebook",
    "4-tables",
    "--codebook-type",
    "int8",
    "--scale-type",
    "int8",
  ];
  // Deno's own cache stays where it is.
  const { DENO_DIR, XDG_CACHE_HOME, HOME } = Deno.env.toObject();
  const env = {
    XDG_CACHE_HOME: `${folder}/cache`,
    DENO_DIR: DENO_DIR ?? `${XDG_CACHE_HOME ?? `${HOME}/.cache`}/deno`,
  };
  const wishes = ["--out", `${folder}/model`, "--format", "any3sym", "--written", "60", ...layout];
  const { code, stdout, stderr } = await taskWith(env, "quantize", ...wishes, "--json");
  assertEquals([code, stderr], [0, ""]);
  const saved = JSON.parse(stdout);
  // Codes, a scale of 8 bits and its power of two, indices and tables.
  assertLess(saved.bitsPerWeight, 3.3);
  assertMatch(saved.calibration, /texts? \(/);
  assertStringIncludes(Deno.readTextFileSync(`${folder}/model/README.md`), "codebooks by `4-tables`");
  const measured = await json("eval", "--format", "any3sym", "--tokens", "60", ...layout);
  assertEquals(measured.bitsPerWeight, saved.bitsPerWeight);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("quantize takes patterns and a target, says what came of it, and goes on where it was", async () => {
  const folder = await Deno.makeTempDir();
  const wishes = ["--out", folder, "--override", "model.layers.0.*=int8", "--override", "*.v_proj=any2:64"];
  const { code, stdout, stderr } = await task("quantize", ...wishes, "--skip", "lm_head", "--measure", "50");
  assertEquals(code, 0, stderr);
  for (const shown of ["int8, groups of 128", "any2, groups of 64", "bits per weight", "of memory at most"]) {
    assertStringIncludes(stdout, shown);
  }
  assertMatch(stdout, /Perplexity \d/);
  assertStringIncludes(Deno.readTextFileSync(`${folder}/README.md`), "the original's");
  const { bitsPerWeight } = await json("quantize", "--out", folder, "--target-bits", "4", "--jobs", "1");
  assert(bitsPerWeight > 3.96 && bitsPerWeight <= 4);
  const far = await task("quantize", "--out", folder, "--target-bits", "1");
  assertMatch(far.stderr, /^Cannot reach 1 bits/m);
  const quiet = await task("quantize", "--out", folder, "--format", "int4", "--quiet");
  assertEquals([quiet.code, quiet.stdout, quiet.stderr], [0, "", ""]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("compare measures rows in which some Linears have another format", async () => {
  const folder = await Deno.makeTempDir();
  const compare = (...more: string[]) =>
    json("compare", "--methods", "kmeans", "--tokens", "60", "--out", `${folder}/of.html`, ...more);
  const { rows: [mixed] } = await compare("--formats", "int2:64", "--override", "*.layers.0.*=int8:64");
  const patterns = `${folder}/patterns.json`;
  Deno.writeTextFileSync(patterns, '{"*.layers.0.*": "int8:64"}');
  // The same was asked, so nothing is measured again.
  const { rows: [again] } = await compare("--formats", "int2:64", "--override", patterns);
  assertEquals(again, mixed);
  Deno.writeTextFileSync(patterns, '{"*.layers.0.*": 8}');
  const wrong = await task("compare", "--override", patterns);
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, `${patterns} has no format for "*.layers.0.*"`);
  const { rows: [low, high] } = await compare("--formats", "int2:64,int8:64", "--restart");
  // All four layers have as many weights.
  assertAlmostEquals(mixed.bitsPerWeight, (3 * low.bitsPerWeight + high.bitsPerWeight) / 4, 1e-6);
  assert(mixed.kl < low.kl && mixed.kl > high.kl);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("calibrate and analyze show a row for every Linear", async () => {
  for (const name of ["calibrate", "analyze"]) {
    const { code, stdout, stderr } = await task(name);
    assertEquals(code, 0, stderr);
    for (const linear of ["0.self_attn.q_proj", "3.mlp.down_proj"]) assertStringIncludes(stdout, linear);
    assertEquals((await json(name)).layers.length, 28);
  }
});

Deno.test("analyze shows the codes of a format, some Linears, one row, and draws them", async () => {
  const some = ["--layers", "2,*.3.*.down_proj"];
  const [{ layers }, whole, drawn, wrong] = await Promise.all([
    json("analyze", "--format", "any3", ...some, "--row", "5"),
    json("analyze", "--layers", "2"),
    task("analyze", "--quantize", "anyq", ...some, "--html"),
    task("analyze", "--layers", "9"),
  ]);
  assertEquals(layers.length, 8);
  for (const [i, { count, cols, packed, codes, weightError }] of layers.entries()) {
    assertEquals([count, packed], [cols, "any3"]);
    assert(codes.entropy > 2 && codes.entropy <= 3 && codes.rowEntropy === codes.entropy);
    assert(weightError > 0.05 && weightError < 0.4);
    if (i < 7) assert(whole.layers[i].count > count && whole.layers[i].codes === undefined);
  }
  assertEquals(drawn.stderr, "--quantize anyq is --format any4 here\n");
  assert(drawn.stdout.startsWith("<!doctype html>") && drawn.stdout.includes("row 0"));
  assertEquals(wrong.code, 2);
  assertMatch(wrong.stderr, /^Cannot select "9": it fits no Linear/m);
});

Deno.test("diff follows errors through the model, and prints them as CSV", async () => {
  const { code, stdout, stderr } = await task("diff", "--through", "--csv", "-f", "int3", "--tokens", "16");
  assertEquals(code, 0, stderr);
  const [title, ...lines] = stdout.trim().split("\n");
  assertEquals(title, "layer,meanSquareError,cosineSimilarity,outputError");
  assertEquals(lines.length, 28);
  const error = (line: string) => Number(line.split(",")[3]);
  assert(error(lines.at(-1)!) > error(lines[0]!) && error(lines[0]!) > 0.01);
});

Deno.test("calibrate draws samples of a data set, the same by the same seed", async () => {
  const folder = await Deno.makeTempDir();
  const rows = Array.from({ length: 20 }, (_, i) => ({ content: `Once upon a time ${i} kings lived.`, i }));
  await Deno.writeTextFile(
    `${folder}/codeparrot-ds-train.jsonl`,
    rows.map((row) => JSON.stringify(row)).join("\n"),
  );
  const options = ["--data", "codeparrot", "--data-dir", folder, "--samples", "3", "--length", "50"];
  const [one, same, other] = await Promise.all([
    json("calibrate", ...options),
    json("calibrate", ...options),
    json("calibrate", ...options, "--seed", "1"),
  ]);
  assertEquals(one.layers[0].tokens, 150);
  assertEquals(one, same);
  assert(one.layers[0].rms !== other.layers[0].rms);
  const learned = (...more: string[]) =>
    json(
      "compare",
      "-f",
      "any2",
      "--methods",
      "kmeans",
      "--out",
      `${folder}/c.html`,
      "--tokens",
      "60",
      ...more,
    );
  const [seed0, seed1, own] = [
    await learned(...options),
    await learned(...options, "--seed", "1", "--restart"),
    await learned("--restart"),
  ].map(({ rows }) => rows[0].kl);
  assertEquals(new Set([seed0, seed1, own]).size, 3);
  const lacking = await task("calibrate", "--data", `${folder}/codeparrot-ds-train.jsonl`);
  assertEquals(lacking.code, 2);
  assertMatch(lacking.stderr, /no row has a text in its column text; the columns are content, i/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what calibrate has saved is what quantize learns from, and another model's is refused", async () => {
  const folder = await Deno.makeTempDir();
  const stats = `${folder}/stats.safetensors`;
  const text = "Once upon a time there was a fox.";
  const { code, stdout, stderr } = await task("calibrate", "--text", text, "--out", stats);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, `--calibration ${stats}`);
  const weights = async (...options: string[]) => {
    await json("quantize", "--format", "any2", "--out", `${folder}/out`, "--backend", "wasm", ...options);
    return Deno.readFileSync(`${folder}/out/model.safetensors`);
  };
  assertEquals(await weights("--calibration", stats), await weights("--text", text));

  const other = ["--model", "tests/golden/models/qwen2", "--out", `${folder}/other`];
  const refused = await task("quantize", ...other, "--calibration", stats);
  assertEquals(refused.code, 2);
  assertMatch(refused.stderr, /^Cannot .*it is of another model, tinyworld/m);
  const both = await task("quantize", "--out", `${folder}/both`, "--calibration", stats, "--text", text);
  assertEquals(both.code, 2);
  assertStringIncludes(both.stderr, "--calibration");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("bench --json prints one document with every format, and writes the page", async () => {
  const folder = await Deno.makeTempDir();
  const html = `${folder}/speed.html`;
  const result = await json(
    "bench",
    ...[
      "--model",
      "tests/golden/models/qwen2",
      "--group-size",
      "row",
      "--sizes",
      "64,32x96",
      "--tokens",
      "1,9",
      "--formats",
      "f16,any4,int3",
      "--backends",
      "wasm,plain",
    ],
    ...["--seconds", "0", "--prompt-tokens", "5", "--new-tokens", "3", "--rounds", "1", "--html", html],
  );
  assertEquals(result.places.map(({ backend }: { backend: string }) => backend), ["wasm", "plain"]);
  for (const { linears, models } of result.places) {
    assertEquals(
      linears.map(({ rows, cols, tokens, format }: Record<string, unknown>) =>
        [rows, cols, tokens, format].join()
      ),
      ["64,64,1", "64,64,9", "32,96,1", "32,96,9"].flatMap((shape) =>
        ["f16", "any4", "int3"].map((format) => `${shape},${format}`)
      ),
    );
    assertEquals(models.map(({ format }: { format: string }) => format), ["bf16", "any4", "int3"]);
    assert(models.every(({ decode }: { decode: number }) => decode > 0));
  }
  assertStringIncludes(Deno.readTextFileSync(html), "Tokens a second: qwen2, plain");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("bench measures linears or the model alone, and takes a model that is quantized already", async () => {
  const folder = await Deno.makeTempDir();
  await json("quantize", "--format", "int2", "--out", folder);
  const quick = ["--seconds", "0", "--prompt-tokens", "2", "--new-tokens", "2", "--rounds", "1"];
  const [linears, model] = await Promise.all([
    task("bench", "linears", "--sizes", "32", ...quick),
    task("bench", "model", "--model", folder, "--no-tune", ...quick),
  ]);
  assertEquals([linears.code, model.code], [0, 0], linears.stderr + model.stderr);
  assertMatch(linears.stdout, /^32×32 \(cached\) +1 +f16 /m);
  assert(!linears.stdout.includes("tinyworld"));
  assertMatch(model.stdout, /^int2 .*1\.00×/m);
  assert(!model.stdout.includes("any4"));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what makes no sense ends with status 2, what fails with status 1, and one plain sentence", async () => {
  const cases = [
    [1, "start", "--model", "/nowhere"],
    [1, "eval", "--model", "/nowhere"],
    [1, "bench", "model", "--model", "/nowhere"],
    [1, "generate", "--model", "tests"],
    [1, "quantize", "--out", "/proc/nowhere"],
    [2, "start", "--formats", "any5"],
    [2, "generate", "--format", "any5"],
    [2, "quantize", "--out", "tests"],
    [2, "quantize", "--out", "models/tinyworld"],
    [2, "eval", "--text", "/nowhere.txt"],
    [2, "eval", "--text", "/no such file here.txt"],
    [2, "calibrate", "--text", "my notes.md"],
    [2, "calibrate", "--text", ""],
    [2, "quantize", "--out", "/tmp/no", "--target-bits", "1"],
    [2, "start", "--out", "/nowhere/report.html"],
    [2, "start", "--out", "tests"],
    [2, "bench", "linears", "--html", "/nowhere/speed.html"],
    [2, "calibrate", "--out", "/nowhere/stats.safetensors"],
    [2, "diff", "--format", "any5"],
    [2, "bench", "nothing"],
    [2, "bench", "--sizes", "12x"],
    [2, "bench", "--sizes", "1x2x3"],
    [2, "bench", "--tokens", "0"],
    [2, "bench", "--formats", "any5"],
    [2, "bench", "--backends", "cuda"],
    [2, "bench", "--backends", ","],
  ] as const;
  for (const [status, name, ...args] of cases) {
    const started = performance.now();
    const { code, stdout, stderr } = await task(name, ...args);
    assertEquals([code, stdout], [status, ""], `${name} ${args}: ${stderr}`);
    assert(!/ {4}at |^\w*Error|This is a bug/m.test(stderr), stderr);
    // All of it is known before anything is computed.
    assertLess(performance.now() - started, 20_000, `${name} ${args}`);
  }
  assertEquals(isFile("tests/README.md"), false);
});

Deno.test("lab --check says what is there and changes nothing", async () => {
  const { code, stdout } = await task("lab", "--check");
  assert(code === 0 || stdout.includes("deno task lab installs what is missing"), stdout);
  assertMatch(stdout, /^JupyterLab: (with .+|missing)$/m);
  assertMatch(stdout, /^kernel: {5}(starts .+|missing.*)$/m);
});

Deno.test("lab hands what stands behind -- to JupyterLab, and refuses an unknown option before it", async () => {
  const { code, stdout } = await task("lab", "--check", "--", "--no-browser", "--port", "9000");
  assertLess(code, 2);
  assertMatch(stdout, /^starts: .+ -m jupyterlab .*--ServerApp\.root_dir=\S+ .*--no-browser --port 9000$/m);
  const wrong = await task("lab", "--no-browser");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "--no-browser");
});

Deno.test("the lines of repl's hint run in repl", async () => {
  const { stdout: hint } = await repl("");
  const lines = hint.split("\n").filter((line) => line.startsWith("  ")).map((line) => line.trim());
  assertEquals(lines.length, 4);
  const { code, stdout, stderr } = await repl(lines.join("\n"));
  assertEquals([code, stderr], [0, ""]);
  const [perplexity, text] = stdout.slice(hint.length).trim().split("\n").slice(-2);
  assert(Number(perplexity) > 1 && Number(perplexity) < 3, stdout);
  assertMatch(text!, /^["'`].{20,}["'`]$/);
});

Deno.test("repl has the functions of every entry", async () => {
  const names = ["any4", "quantize", "formatOf", "ExactKMeans", "createBackend", "Tokenizer", "calibrate"]
    .concat(["perplexity", "show", "downloadModel"]);
  const { stdout } = await repl(names.map((name) => `typeof ${name}`).join("\n"));
  assertEquals(stdout.trim().split("\n").slice(-names.length), names.map(() => '"function"'));
});

Deno.test("doctor reports versions, devices and caches, and a way to get each thing that is missing", async () => {
  const found = await json("doctor");
  const { version } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));
  assertEquals([found.any4, found.deno.deno], [version, Deno.version.deno]);
  assertEquals([found.system.os, found.system.cores], [Deno.build.os, navigator.hardwareConcurrency]);
  assert(found.memory.available <= found.memory.total);
  assert(found.cpu.bytesPerSecond > 1e8);
  assertMatch(found.cpu.description, /^\d+ threads?, (relaxed )?SIMD$/);
  for (const { name, use, get } of found.missing) assert(name && use && get, JSON.stringify(found.missing));
  const { code, stdout, stderr } = await task("doctor");
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, `any4         ${version}\n`);
  for (const { get } of found.missing) assertStringIncludes(stdout, `To get it: ${get}.`);
});

Deno.test("doctor ends well where nothing is there, counts what is, and keeps a token to itself", async () => {
  const folder = await Deno.makeTempDir();
  const env = { HF_TOKEN: "hf_secret" };
  // No Vulkan driver is found in a file that is not there.
  const drivers = { VK_ICD_FILENAMES: `${folder}/none.json`, VK_DRIVER_FILES: `${folder}/none.json` };
  const blobs = `${folder}/models--org--name/blobs`;
  await Deno.mkdir(blobs, { recursive: true });
  await Deno.writeFile(`${blobs}/a`, new Uint8Array(1000));
  await Deno.symlink(`${blobs}/a`, `${blobs}/link`);
  const runs = await Promise.all([
    taskWith({ ...env, ...drivers, HF_HUB_CACHE: folder }, "doctor", "--json"),
    taskWith({ ...env, HF_HUB_CACHE: "/dev/null/none" }, "doctor"),
  ]);
  for (const { code, stdout, stderr } of runs) {
    assertEquals([code, stderr], [0, ""]);
    assert(!stdout.includes("hf_secret"), stdout);
  }
  const found = JSON.parse(runs[0].stdout);
  assertEquals([found.caches.hub.files, found.caches.hub.bytes, found.hub.token], [1, 1000, true]);
  assertStringIncludes(runs[1].stdout, "/dev/null/none, empty");
  if (Deno.build.os === "linux") {
    assertMatch(found.gpu.error, /no adapter/);
    assertEquals(found.missing[0].name, "GPU");
  }
  await Deno.remove(folder, { recursive: true });
});
