import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CheckpointError, HubError } from "any4";
import { openRows } from "../../../lib/measure/data/source.ts";
import { type HubRepo, TestHub, utf8 } from "../../hub/server.ts";
import { inFolder } from "../../in_folder.ts";

const parquet = Deno.readFileSync("tests/golden/rows.parquet");
const commit = "da".repeat(20);

function repo(files: Record<string, Uint8Array>): HubRepo {
  return {
    commit,
    branches: { main: commit, "refs/convert/parquet": commit },
    files: Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, { bytes, lfs: true }])),
  };
}

/** Opens splits of the data set org/data of a Hub. */
async function withHub(
  data: HubRepo,
  use: (open: (more: Record<string, string>, token?: string) => ReturnType<typeof openRows>) => Promise<void>,
): Promise<void> {
  await using hub = new TestHub();
  hub.repos.set("org/data", data);
  await inFolder((cache) =>
    use((more, token = "") =>
      openRows({ local: [], repo: "org/data", split: "test", ...more }, {
        endpoint: hub.endpoint,
        cache,
        token,
        retryDelay: 1,
      })
    )
  );
}

Deno.test("rows of a split come from all its Parquet files, of its config, whole or the beginning of it", async () => {
  const files = Object.fromEntries(
    [
      "default/test/0000",
      "default/test/0001",
      "default/train/0000",
      "large/partial-test/0000",
      "test/test/0000",
    ]
      .map((path) => [`${path}.parquet`, parquet]),
  );
  await withHub(repo(files), async (open) => {
    const { rows, files } = await open({});
    assertEquals(rows.map(({ text }) => text), ["first", "", "first", ""]);
    assertEquals(files.map((path) => path.slice(path.indexOf(commit) + 41)), [
      "default/test/0000.parquet",
      "default/test/0001.parquet",
    ]);
    assertEquals((await open({ config: "large" })).rows.length, 2);
    assertEquals((await open({ config: "default", split: "train" })).rows.length, 2);
  });
});

Deno.test("what a data set of the Hub lacks is named: itself, its Parquet form, a config, a split, a file", async () => {
  await withHub(repo({ "default/test/0000.parquet": parquet, "en/a.json.gz": parquet }), async (open) => {
    const said = async (more: Record<string, string>) =>
      (await assertRejects(() => open(more), HubError)).message;
    for (
      const [more, expected] of [
        [{ repo: "org/none" }, /org\/none: .* no such dataset/],
        [{ config: "none" }, /org\/data: .*none/],
        [{ split: "none" }, /org\/data: .*default\/\^\(partial-\)\?none/],
        [{ file: "en/b.json.gz" }, /org\/data: .*en\/\^b/],
      ] as const
    ) assertMatch(await said(more), expected);
  });
  await withHub({ ...repo({ "a.csv": parquet }), branches: { main: commit } }, async (open) => {
    const { message } = await assertRejects(() => open({}), HubError);
    assertMatch(message, /org\/data: .*refs\/convert\/parquet/);
  });
});

Deno.test("a gated data set says where its terms are; with a token it opens", async () => {
  await withHub({ ...repo({ "default/test/0000.parquet": parquet }), gated: true }, async (open) => {
    const { message } = await assertRejects(() => open({}), HubError);
    assertMatch(message, /org\/data.*\/datasets\/org\/data/s);
    assertEquals((await open({}, "hf_test")).rows.length, 2);
  });
});

Deno.test("a file of the Hub that is no Parquet, or is cut off, is refused by its name", async () => {
  const half = parquet.slice(0, parquet.length >> 1);
  const spoiled = parquet.map((byte, i) => i > 4 && i < parquet.length - 200 ? byte ^ 0x55 : byte);
  for (const bytes of [utf8("<html>not found</html>"), half, spoiled, new Uint8Array(0)]) {
    await withHub(repo({ "default/test/0000.parquet": bytes }), async (open) => {
      const { message } = await assertRejects(() => open({}), CheckpointError);
      assertMatch(message, /^Cannot read rows of .*default\/test\/0000\.parquet: ./);
    });
  }
});
