import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CheckpointError, InterruptedError } from "../../lib/errors.ts";
import { ask, exists, isFile, tryTo } from "../../lib/files/disk.ts";
import { inFolder, list } from "../in_folder.ts";

Deno.test("a link that leads nowhere exists and is no file; a folder is none either", () => {
  inFolder((folder) => {
    Deno.symlinkSync(`${folder}/nowhere`, `${folder}/link`);
    Deno.writeTextFileSync(`${folder}/a`, "");
    const paths = [`${folder}/nowhere`, `${folder}/link`, folder, `${folder}/a`];
    assertEquals(paths.map(exists), [false, true, true, true]);
    assertEquals(paths.map(isFile), [false, false, false, true]);
  });
});

Deno.test("an interrupt is no answer of the disk: what it makes of an error ends the work, and so does what comes from it", () => {
  assertEquals(ask(() => Deno.statSync("/nowhere/at/all")), undefined);
  // Deno 2.9.6 throws the error's text where an interrupt comes while it makes the error.
  const text = "No such file or directory (os error 2): stat '/nowhere'";
  const damaged = new CheckpointError("Cannot open /nowhere: undefined", { cause: text });
  for (const thrown of [text, undefined, damaged, new CheckpointError("it is damaged", { cause: damaged })]) {
    const question = () => {
      throw thrown;
    };
    assertThrows(() => ask(question), InterruptedError, "Interrupted");
    assertThrows(() => tryTo(question), InterruptedError);
  }
});

/** Runs a program that has `writeBeside`, `path` and every permission. */
function runBeside(path: string, program: string): { success: boolean; text: string } {
  const module = new URL("../../lib/files/disk.ts", import.meta.url);
  const code = `import { writeBeside } from ${JSON.stringify(module)};
    const path = ${JSON.stringify(path)};
    ${program}`;
  const args = ["eval", "--no-check", code];
  const { success, stdout } = new Deno.Command(Deno.execPath(), { args, stderr: "null" }).outputSync();
  return { success, text: new TextDecoder().decode(stdout) };
}

Deno.test({
  name: "a full disk loses nothing",
  ignore: Deno.build.os !== "linux",
  fn() {
    inFolder((folder) => {
      Deno.writeTextFileSync(`${folder}/a`, "before");
      // Whatever is written to /dev/full finds no space.
      const { text } = runBeside(
        `${folder}/a`,
        `crypto.randomUUID = () => "0-0-0-0-0";
        Deno.symlinkSync("/dev/full", path + ".0-0-0-0-0.part");
        try {
          writeBeside(path, () => [new Uint8Array(1e6)]);
        } catch (error) {
          console.log(error.name, error.message);
        }`,
      );
      assertStringIncludes(text, `CheckpointError Cannot write ${folder}/a: No space left`);
      assertEquals(Deno.readTextFileSync(`${folder}/a`), "before");
      assertEquals(list(folder), ["a"]);
    });
  },
});

Deno.test({
  name: "a killed process loses nothing",
  ignore: Deno.build.os === "windows",
  fn() {
    inFolder((folder) => {
      Deno.writeTextFileSync(`${folder}/a`, "before");
      const { success } = runBeside(
        `${folder}/a`,
        `writeBeside(path, function* () {
          yield new Uint8Array(1e6);
          Deno.kill(Deno.pid, "SIGKILL");
          for (;;);
        });`,
      );
      assertEquals(success, false);
      assertEquals(Deno.readTextFileSync(`${folder}/a`), "before");
      assertEquals(list(folder).length, 2);
    });
  },
});
