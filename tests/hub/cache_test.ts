import { assertEquals, assertThrows } from "@std/assert";
import { HubError } from "../../lib/errors.ts";
import { isCommit, RepoCache } from "../../lib/hub/cache.ts";
import { inFolder } from "../in_folder.ts";

const [first, second] = ["ab".repeat(20), "cd".repeat(20)] as const;

Deno.test("a branch is at the commit that it was last seen at; a commit is itself and is not kept", () => {
  inFolder((folder) => {
    const cache = new RepoCache(folder, { repo: "org/name" });
    assertEquals(cache.commit("refs/pr/1"), undefined);
    for (const commit of [first, second]) {
      cache.keep("refs/pr/1", commit);
      assertEquals(cache.commit("refs/pr/1"), commit);
    }
    cache.keep(first, first);
    assertEquals(cache.commit(first), first);
    assertEquals([...Deno.readDirSync(`${cache.folder}/refs`)].map(({ name }) => name), ["refs"]);
  });
});

Deno.test("a file of a commit, in folders too, is a relative link to its blob; a new one takes its place", () => {
  inFolder((folder) => {
    const cache = new RepoCache(folder, { repo: "org/name" });
    Deno.mkdirSync(`${cache.folder}/blobs`, { recursive: true });
    for (const checksum of ["one", "two"]) {
      Deno.writeTextFileSync(cache.blob(checksum), checksum);
      cache.link("a/b.json", { commit: first, checksum });
      const path = `${cache.snapshot(first)}/a/b.json`;
      assertEquals(Deno.readLinkSync(path), `../../../blobs/${checksum}`);
      assertEquals(Deno.readTextFileSync(path), checksum);
    }
    Deno.writeTextFileSync(`${cache.folder}/refs`, "");
    assertThrows(() => cache.keep("main", first), HubError, "Cannot write");
  });
});

Deno.test("a commit is a whole hash", () => {
  assertEquals([first, first.slice(1), `${first}a`, "main", first.toUpperCase()].map(isCommit), [
    true,
    false,
    false,
    false,
    false,
  ]);
});
