import { assertEquals, assertRejects } from "@std/assert";
import { HubError } from "../../lib/errors.ts";
import { RepoCache } from "../../lib/hub/cache.ts";
import { downloadFile } from "../../lib/hub/download_file.ts";
import { hubSettings } from "../../lib/hub/settings.ts";
import { inKernel } from "../in_kernel.ts";
import { checksumOf, utf8 } from "./server.ts";

const bytes = utf8("weights");
const file = { path: "a", size: bytes.length, checksum: checksumOf({ bytes }) };

/** Downloads a file from an endpoint whose storage is elsewhere; the addresses that were asked. */
async function download(endpoint: string, storage: string): Promise<string[]> {
  const cache = await Deno.makeTempDir();
  const asked: string[] = [];
  try {
    await downloadFile(file, {
      repo: "org/name",
      commit: "ab".repeat(20),
      cache: new RepoCache(cache, { repo: "org/name" }),
      settings: hubSettings({ endpoint, cache, token: "", offline: false, retryDelay: 1 }),
      fetch(input) {
        const url = new URL(String(input));
        asked.push(url.origin);
        const { origin } = new URL(endpoint);
        return Promise.resolve(
          url.origin === origin
            ? new Response(null, { status: 302, headers: { location: storage } })
            : new Response("weights"),
        );
      },
    });
    return asked;
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

Deno.test("a redirect from https to http is not followed", async () => {
  await assertRejects(
    () => download("https://hub.test", "http://storage.test/a"),
    HubError,
    "a is stored at storage.test, which is not reached by https",
  );
  assertEquals(await download("https://hub.test", "https://storage.test/a"), [
    "https://hub.test",
    "https://storage.test",
  ]);
  assertEquals(await download("http://hub.test", "http://storage.test/a"), [
    "http://hub.test",
    "http://storage.test",
  ]);
});

Deno.test("redirects without end are an error", async () => {
  await assertRejects(() => download("https://hub.test", "https://hub.test/again"), HubError, "redirect");
});

Deno.test("in a kernel, a disk that takes long to write or to read what came before is no interrupt", async () => {
  const { prototype } = Deno.FsFile;
  const { sync, stat } = prototype;
  const late = <T>(work: () => Promise<T>) => new Promise<void>((done) => setTimeout(done, 1500)).then(work);
  prototype.sync = function () {
    return late(() => sync.call(this));
  };
  prototype.stat = function () {
    return late(() => stat.call(this));
  };
  try {
    await inKernel(async () => {
      assertEquals((await download("https://hub.test", "https://storage.test/a")).length, 2);
    });
  } finally {
    Object.assign(prototype, { sync, stat });
  }
});
