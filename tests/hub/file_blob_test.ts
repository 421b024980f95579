import { assertEquals, assertRejects } from "@std/assert";
import { FileBlob } from "../../lib/hub/file_blob.ts";

/** More than is read at a time. */
const bytes = Uint8Array.from({ length: 600_000 }, (_, i) => i * 7 & 255);

async function withFile(use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("a part of a file, and a part of that, are its bytes", () =>
  withFile(async (path) => {
    const blob = FileBlob.of(path);
    assertEquals([blob.size, new Uint8Array(await blob.arrayBuffer())], [600_000, bytes]);
    const part = blob.slice(100, 500_000).slice(50, 399_000);
    assertEquals(new Uint8Array(await part.arrayBuffer()), bytes.subarray(150, 399_100));
    assertEquals([
      blob.slice(599_999, 9e9).size,
      blob.slice(9e9).size,
      (await blob.slice(5, 5).text()).length,
    ], [1, 0, 0]);
  }));

Deno.test("reading says how far it is, and ends with an error where the file has become shorter", () =>
  withFile(async (path) => {
    const seen: number[] = [];
    const blob = FileBlob.of(path).counted((done) => seen.push(done));
    await blob.arrayBuffer();
    assertEquals([seen.at(-1), seen.toSorted((a, b) => a - b)], [600_000, seen]);
    await Deno.truncate(path, 1000);
    await assertRejects(() => blob.arrayBuffer(), Error, "has become shorter");
  }));
