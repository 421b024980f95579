import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { HubError } from "any4";
import { downloadDataset } from "any4/hub";
import { type HubRepo, interruptedRequests, TestHub, utf8 } from "./server.ts";

const commit = "da".repeat(20);
const wanted = {
  repo: "org/data",
  revision: "refs/convert/parquet",
  folder: "plain",
  pattern: /^test\/\d+\.parquet$/,
};

function repo(): HubRepo {
  const file = (text: string) => ({ bytes: utf8(text), lfs: true });
  return {
    commit,
    branches: { "refs/convert/parquet": commit },
    files: {
      "plain/test/0000.parquet": file("first"),
      "plain/test/0001.parquet": file("second"),
      "plain/train/0000.parquet": file("not wanted"),
      "other/test/0000.parquet": file("not wanted"),
    },
  };
}

Deno.test("a data set's files come in the order of their names, in a cache of their own, once", async () => {
  await using hub = new TestHub();
  hub.repos.set("org/data", repo());
  const cache = await Deno.makeTempDir();
  const options = { endpoint: hub.endpoint, cache, token: "", retryDelay: 1 };
  const paths = await downloadDataset(wanted, options);
  assertEquals(paths.map((path) => Deno.readTextFileSync(path)), ["first", "second"]);
  assertMatch(paths[0]!, /datasets--org--data\/snapshots\/da.*\/plain\/test\/0000\.parquet$/);
  const asked = hub.count("0000.parquet");
  assertEquals(await downloadDataset(wanted, options), paths);
  assertEquals(hub.count("0000.parquet"), asked);
  assertEquals(await downloadDataset(wanted, { ...options, offline: true }), paths);
  await Deno.remove(cache, { recursive: true });
});

Deno.test("the last of a data set's files comes first, so that the first says that all are there", async () => {
  await using hub = new TestHub();
  hub.repos.set("org/data", repo());
  hub.fail("0000.parquet", { status: 404 });
  const cache = await Deno.makeTempDir();
  const options = { endpoint: hub.endpoint, cache, token: "", retryDelay: 1 };
  await assertRejects(() => downloadDataset(wanted, options), HubError);
  assertEquals(
    [...Deno.readDirSync(`${cache}/datasets--org--data/snapshots/${commit}/plain/test`)].map((f) => f.name),
    [
      "0001.parquet",
    ],
  );
  await assertRejects(() => downloadDataset(wanted, { ...options, offline: true }), HubError, "offline");
  await Deno.remove(cache, { recursive: true });
});

Deno.test("a data set that is not there, or has no such files, is refused by its name", async () => {
  await using hub = new TestHub();
  hub.repos.set("org/data", repo());
  const cache = await Deno.makeTempDir();
  const options = { endpoint: hub.endpoint, cache, token: "", retryDelay: 1 };
  await assertRejects(
    () => downloadDataset({ ...wanted, repo: "org/none" }, options),
    HubError,
    "no such dataset",
  );
  await assertRejects(
    () => downloadDataset({ ...wanted, pattern: /csv$/ }, options),
    HubError,
    "no file like plain/csv$",
  );
  await Deno.remove(cache, { recursive: true });
});

Deno.test("downloadDataset() takes no interrupt for a Hub that cannot be reached", async () => {
  await using hub = new TestHub();
  hub.repos.set("org/data", repo());
  const cache = await Deno.makeTempDir();
  const notices: string[] = [];
  const onNotice = (notice: string) => notices.push(notice);
  const options = { endpoint: hub.endpoint, cache, token: "", retryDelay: 1, onNotice };
  await downloadDataset(wanted, options);
  const found = await interruptedRequests(() => downloadDataset(wanted, options));
  assertEquals([...found, notices], ["Uncaught undefined", 1, []]);
  await Deno.remove(cache, { recursive: true });
});
