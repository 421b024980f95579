/**
 * Changes one place of the library at a time for the worse, in a copy, and runs the tests that should notice. Prints each change
 * that none of them notices; ends with status 1 if there is one. `deno run -A tests/mutants.ts [WORD…]` tries those whose
 * description or file has one of the words.
 *
 * @module
 */

/** A change for the worse: of a text that the file has once, and the tests that must fail then. */
interface Mutant {
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly tests: string;
}

const mutants: readonly Mutant[] = JSON.parse(
  Deno.readTextFileSync(new URL("mutants.json", import.meta.url)),
);

/** A copy of the files that git knows, in a folder of its own. */
async function copyTree(root: string): Promise<string> {
  const copy = await Deno.makeTempDir();
  const listed = await new Deno.Command("git", {
    cwd: root,
    args: ["ls-files", "-z", "-co", "--exclude-standard"],
  }).output();
  for (const name of new TextDecoder().decode(listed.stdout).split("\0").filter(Boolean)) {
    await Deno.mkdir(`${copy}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(`${root}/${name}`, `${copy}/${name}`);
  }
  return copy;
}

/** Whether tests pass. */
async function pass(folder: string, tests: string): Promise<boolean> {
  const args = ["test", "--no-check", "--allow-all", "--fail-fast", ...tests.split(" ")];
  const { success } = await new Deno.Command(Deno.execPath(), {
    cwd: folder,
    args,
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}

const root = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const copy = await copyTree(root);
let survivors = 0;
try {
  const asked = mutants.filter(({ what, file }) =>
    Deno.args.length === 0 || Deno.args.some((word) => what.includes(word) || file.includes(word))
  );
  for (const tests of new Set(asked.map(({ tests }) => tests))) {
    if (!await pass(copy, tests)) throw new Error(`${tests} fail on the library as it is`);
  }
  for (const { what, file, from, to, tests } of asked) {
    const path = `${copy}/${file}`;
    const text = await Deno.readTextFile(path);
    if (text.split(from).length !== 2) {
      throw new Error(`${file} does not have exactly one ${JSON.stringify(from)}`);
    }
    await Deno.writeTextFile(path, text.replace(from, () => to));
    const survived = await pass(copy, tests);
    await Deno.writeTextFile(path, text);
    if (survived) survivors++;
    console.log(`${survived ? "SURVIVED" : "killed  "} ${file}: ${what}`);
  }
} finally {
  await Deno.remove(copy, { recursive: true });
}
if (survivors > 0) Deno.exit(1);
