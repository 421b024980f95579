/**
 * Talking with models whose templates are hostile.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const root = new URL("../../", import.meta.url);
const tinyworld = new URL("models/tinyworld/", root);

/** Runs `task chat` on tinyworld with a template; what is said comes line by line. */
async function chat(template: string, said: string[], ...args: string[]) {
  const folder = await Deno.makeTempDir();
  try {
    for (const { name, isFile } of Deno.readDirSync(tinyworld)) {
      if (isFile) await Deno.copyFile(new URL(name, tinyworld), `${folder}/${name}`);
    }
    await Deno.writeTextFile(`${folder}/chat_template.jinja`, template);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "-A", "tasks/chat.ts", "--model", folder, "-n", "4", ...args],
      cwd: root,
      env: { NO_COLOR: "" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(said.map((line) => `${line}\n`).join("")));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("chat ends with an error, soon, where the model's template loops", async () => {
  const start = performance.now();
  const endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
  const { code, stderr } = await chat(endless, ["Hello"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "may never end");
  assert(performance.now() - start < 20_000);
});

Deno.test("what a template says in errors is shown, not obeyed", async () => {
  const { code, stderr } = await chat("{{ raise_exception('no \x1b[31m\x1b]0;title\x07\\r way') }}", [
    "Hello",
  ]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "no ^[[31m^[]0;title^G^M way");
});

Deno.test("--json prints the text as it is, the terminal what there is to see", async () => {
  const template = "{% for m in messages %}{{ m.content }}\n{% endfor %}";
  const shown = await chat(template, ["Once upon a time"]);
  assertEquals(shown.code, 0, shown.stderr);
  const { code, stdout } = await chat(template, ["Once upon a time"], "--json");
  assertEquals(code, 0);
  const { text, tokens, stoppedBy } = JSON.parse(stdout);
  assertEquals([tokens.length, stoppedBy, shown.stdout.startsWith(text)], [4, "length", true]);
});
