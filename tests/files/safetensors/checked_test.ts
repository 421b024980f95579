import { assert, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "any4";
import { CheckedFile, writeChecked } from "../../../lib/files/safetensors/checked.ts";
import { SafetensorsFile } from "../../../lib/files/safetensors/read.ts";
import { writeSafetensors } from "../../../lib/files/safetensors/write.ts";

const tensors = [
  { name: "a", dtype: "U8", shape: [3], data: () => Uint8Array.of(1, 2, 3) },
  { name: "b", dtype: "U8", shape: [4], data: () => [Uint8Array.of(4, 5), Uint8Array.of(6, 7)] },
] as const;

/** Reads all of a file. */
function readAll(path: string): unknown {
  using file = CheckedFile.open(path);
  return [file.metadata.of, ...Array.from(file.names(), (name) => [name, ...file.read(name)])];
}

Deno.test("a checked file is a safetensors file, and any flipped bit of its tensors or metadata is noticed", async () => {
  const path = await Deno.makeTempFile();
  writeChecked(path, tensors, { of: "two" });
  const all = ["two", ["a", 1, 2, 3], ["b", 4, 5, 6, 7]];
  assertEquals(readAll(path), all);
  using plain = SafetensorsFile.open(path);
  assertEquals(plain.read("a"), Uint8Array.of(1, 2, 3));

  const whole = Deno.readFileSync(path);
  let noticed = 0;
  for (let at = 0; at < whole.length; at++) {
    const damaged = whole.slice();
    damaged[at]! ^= 1 << at % 8;
    Deno.writeFileSync(path, damaged);
    let found: unknown;
    try {
      found = readAll(path);
    } catch (error) {
      assert(error instanceof CheckpointError, `byte ${at}: ${error}`);
      noticed++;
      continue;
    }
    // Spaces behind the header's JSON may be others.
    assertEquals(found, all, `byte ${at}`);
  }
  assert(noticed > whole.length - 10, `${noticed} of ${whole.length}`);
  await Deno.remove(path);
});

Deno.test("a safetensors file without checksums is none", async () => {
  const path = await Deno.makeTempFile();
  writeSafetensors(path, tensors, { of: "two" });
  assertThrows(() => CheckedFile.open(path), CheckpointError, "its header does not have its checksum");
  await Deno.remove(path);
});
