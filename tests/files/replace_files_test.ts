import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CheckpointError, OptionError } from "../../lib/errors.ts";
import { isFile, isSameFile, leadsOut } from "../../lib/files/disk.ts";
import { currentFolder, replaceFiles, type Replacement } from "../../lib/files/replace_files.ts";
import { inFolder, list } from "../in_folder.ts";

const options: Replacement = {
  belongs: (name) => ["config", "weights", "tokenizer"].includes(name),
  last: "config",
  beside: ["unfinished"],
};
type Files = Record<string, string>;
const OLD: Files = { config: "old", weights: "old", tokenizer: "old" };
const NEW: Files = { config: "new", weights: "new", card: "new" };

function write(folder: string, files: Files, more: Partial<Replacement> = {}): void {
  replaceFiles(folder, { ...options, ...more }, (into) => {
    for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(`${into}/${name}`, text);
  });
}

/** What a reader finds, without the library's own list. */
function read(folder: string): Files {
  const at = currentFolder(folder);
  const names = list(at).filter((name) => !name.startsWith("."));
  return Object.fromEntries(names.map((name) => [name, Deno.readTextFileSync(`${at}/${name}`)]));
}

const sorted = (files: Files) => Object.fromEntries(Object.entries(files).sort(([a], [b]) => a < b ? -1 : 1));

/** The functions that change a disk. */
const CALLS = [
  ...["renameSync", "linkSync", "removeSync", "mkdirSync", "openSync", "writeTextFileSync"] as const,
];

/** Makes those calls fail from the n-th on, `times` of them, while something runs; says how many calls there were. */
function failing(
  run: () => void,
  { calls, at, times = 1 }: { calls: readonly (typeof CALLS)[number][]; at: number; times?: number },
): { calls: number; error?: unknown } {
  let n = 0;
  const real = calls.map((name) => Deno[name]);
  for (const [i, name] of calls.entries()) {
    // deno-lint-ignore no-explicit-any
    (Deno as any)[name] = (...args: unknown[]) => {
      n++;
      if (n >= at && n < at + times) throw new Deno.errors.Busy(`Resource busy (os error 16): ${name}`);
      // deno-lint-ignore no-explicit-any
      return (real[i] as any)(...args);
    };
  }
  try {
    run();
    return { calls: n };
  } catch (error) {
    return { calls: n, error };
  } finally {
    // deno-lint-ignore no-explicit-any
    for (const [i, name] of calls.entries()) (Deno as any)[name] = real[i];
  }
}

for (const [what, times] of [["one call", 1], ["every call from one on", Infinity]] as const) {
  for (const kind of [["renameSync"], ["linkSync"], CALLS] as (typeof CALLS)[number][][]) {
    Deno.test(`when ${what} of ${kind.join(", ")} fails, the old files or the new ones are whole`, () => {
      let failed = 0;
      for (let at = 1; at < 1000; at++) {
        const done = inFolder((folder) => {
          write(folder, OLD);
          const { calls, error } = failing(() => write(folder, NEW), { calls: kind, at, times });
          const found = read(folder);
          if (error === undefined) assertEquals(found, sorted(NEW));
          else {
            assert(error instanceof CheckpointError, `${error}`);
            failed++;
            const kept = error.message.includes("The new files are whole");
            assertEquals(found, sorted(kept ? NEW : OLD), `call ${at}: ${error.message}`);
          }
          // The next one works, and leaves nothing behind.
          write(folder, NEW);
          assertEquals(list(folder), ["card", "config", "weights"]);
          return calls < at;
        });
        if (done) break;
      }
      assert(failed > 3 || kind[0] === "linkSync", `${failed} failures`);
    });
  }
}

Deno.test("the file without which the others are nothing goes first and comes last", () => {
  inFolder((folder) => {
    write(folder, OLD);
    const seen: string[] = [];
    const real = Deno.linkSync;
    Deno.linkSync = (from, to) => {
      seen.push(list(folder).filter((name) => name !== ".saving").join());
      real(from, to);
    };
    try {
      write(folder, NEW);
    } finally {
      Deno.linkSync = real;
    }
    assertEquals(seen, ["", "card", "card,weights", "card,weights"]);
  });
});

Deno.test("a save that died after it was decided is what is read, and is finished by the next one", () => {
  inFolder((folder) => {
    write(folder, OLD);
    write(`${folder}/other`, NEW);
    // As it is at that moment: all new files aside, half of the old ones away.
    Deno.mkdirSync(`${folder}/.saving`);
    Deno.renameSync(`${folder}/other`, `${folder}/.saving/whole`);
    const moves = {
      take: ["config", "weights", "tokenizer", ".any4-files.json"],
      put: ["card", "weights", ".any4-files.json", "config"],
    };
    Deno.writeTextFileSync(`${folder}/.saving/moves.json`, JSON.stringify(moves));
    Deno.removeSync(`${folder}/config`);
    assertEquals(read(folder), sorted(NEW));
    const fail = () => {
      throw new Error("no space left");
    };
    assertThrows(() => replaceFiles(folder, options, fail), CheckpointError, "no space left");
    assertEquals([currentFolder(folder), read(folder)], [folder, sorted(NEW)]);
  });
});

Deno.test("what a folder has of other origin is neither overwritten nor removed without force", () => {
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/notes`, "mine");
    assertThrows(() => write(folder, NEW), OptionError, "it has notes, which this library has not written");
    assertEquals(list(folder), ["notes"]);
    Deno.writeTextFileSync(`${folder}/tokenizer`, "mine");
    write(folder, NEW, { force: true });
    // Another's tokenizer beside the new model would be taken for its own.
    assertEquals(read(folder), { ...sorted(NEW), notes: "mine" });
    // Now it is ours; files that are nobody's concern stay.
    write(folder, OLD);
    assertEquals(read(folder), sorted({ ...OLD, notes: "mine" }));
    Deno.writeTextFileSync(`${folder}/card`, "mine");
    assertThrows(() => write(folder, NEW), OptionError, "it has card");
    assertEquals(read(folder).card, "mine");
  });
});

Deno.test("what may be there beforehand is no reason to refuse, and stays", () => {
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/unfinished`);
    write(folder, NEW);
    assertEquals(list(folder), ["card", "config", "unfinished", "weights"]);
  });
});

Deno.test("a folder in the place of a file is refused before anything changes, with force too", () => {
  inFolder((folder) => {
    write(folder, OLD);
    Deno.mkdirSync(`${folder}/card/full`, { recursive: true });
    assertThrows(
      () => write(folder, NEW, { force: true }),
      CheckpointError,
      "a folder is in the place of its file card",
    );
    assertEquals(Deno.readTextFileSync(`${folder}/weights`), "old");
    assert(!isFile(`${folder}/.saving/lock`));
  });
});

Deno.test("of two writers at once one is refused, and the other's files arrive", () => {
  inFolder((folder) => {
    write(folder, OLD);
    replaceFiles(folder, options, (into) => {
      assertThrows(() => write(folder, OLD), CheckpointError, "another process is writing into it");
      for (const [name, text] of Object.entries(NEW)) Deno.writeTextFileSync(`${into}/${name}`, text);
    });
    assertEquals(read(folder), sorted(NEW));
  });
});

Deno.test("a folder that did not exist is not left behind when writing fails", () => {
  inFolder((folder) => {
    const fail = () => {
      throw new Error("no space left");
    };
    assertThrows(() => replaceFiles(`${folder}/a`, options, fail), CheckpointError, "no space left");
    assertEquals(list(folder), []);
  });
});

Deno.test("a list of files that leads out of the folder vouches for none", () => {
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/out`);
    Deno.writeTextFileSync(`${folder}/precious`, "mine");
    Deno.writeTextFileSync(`${folder}/out/.any4-files.json`, JSON.stringify({ files: ["../precious"] }));
    Deno.writeTextFileSync(`${folder}/out/config`, "mine");
    const { message } = assertThrows(() => write(`${folder}/out`, NEW), OptionError);
    assertStringIncludes(message, "it has config");
    assertEquals(Deno.readTextFileSync(`${folder}/precious`), "mine");
  });
});

Deno.test("files are the same by device and inode; links that leave a folder are known, but for the Hub's cache", () => {
  inFolder((folder) => {
    for (const name of ["a", "repo/snapshots/c", "repo/blobs"]) {
      Deno.mkdirSync(`${folder}/${name}`, { recursive: true });
    }
    Deno.symlinkSync(`${folder}/a`, `${folder}/link`);
    Deno.writeTextFileSync(`${folder}/a/file`, "");
    Deno.linkSync(`${folder}/a/file`, `${folder}/a/second`);
    assert(isSameFile(`${folder}/a`, `${folder}/link`));
    assert(isSameFile(`${folder}/a/file`, `${folder}/a/second`));
    assert(!isSameFile(`${folder}/a`, folder) && !isSameFile(`${folder}/no`, `${folder}/no`));
    Deno.writeTextFileSync(`${folder}/secret`, "");
    Deno.writeTextFileSync(`${folder}/repo/blobs/b`, "");
    Deno.symlinkSync("../secret", `${folder}/a/out`);
    Deno.symlinkSync("file", `${folder}/a/in`);
    Deno.symlinkSync("../../blobs/b", `${folder}/repo/snapshots/c/cached`);
    Deno.symlinkSync("../../../secret", `${folder}/repo/snapshots/c/stolen`);
    const out = (at: string, name: string) => leadsOut(`${folder}/${at}`, name);
    const secret = Deno.realPathSync(`${folder}/secret`);
    assertEquals([out("a", "out"), out("a", "in"), out("a", "file"), out("a", "no")], [
      secret,
      ...[undefined, undefined, undefined],
    ]);
    assertEquals(["cached", "stolen"].map((name) => out("repo/snapshots/c", name)), [undefined, secret]);
  });
});
