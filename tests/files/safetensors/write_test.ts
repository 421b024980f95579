import { assertEquals, assertThrows } from "@std/assert";
import { Any4Error, CheckpointError } from "../../../lib/errors.ts";
import type { DType } from "../../../lib/matrix/dtype.ts";
import { SafetensorsFile } from "../../../lib/files/safetensors/read.ts";
import { writeBeside } from "../../../lib/files/disk.ts";
import { type TensorToWrite, writeSafetensors } from "../../../lib/files/safetensors/write.ts";
import { inFolder, list } from "../../in_folder.ts";
import golden from "../../golden/safetensors.json" with { type: "json" };

const dots = (name: string, changes: Partial<TensorToWrite> = {}): TensorToWrite => ({
  name,
  dtype: "U8",
  shape: [2],
  data: () => Uint8Array.of(1, 2),
  ...changes,
});

for (const { name, tensors, metadata, file } of golden.files) {
  Deno.test(`the bytes written are those that Python writes: ${name}`, () => {
    inFolder((folder) => {
      const shuffled = tensors.toReversed().map(({ name, dtype, shape, bytes }) => (
        { name, dtype: dtype as DType, shape: shape as number[], data: () => Uint8Array.fromBase64(bytes) }
      ));
      writeSafetensors(`${folder}/a`, shuffled, { ...metadata } as Record<string, string>);
      assertEquals(Deno.readFileSync(`${folder}/a`).toBase64(), file);
    });
  });
}

Deno.test("each tensor's data is asked for once, in the file's order, and names need not be plain", () => {
  inFolder((folder) => {
    const asked: string[] = [];
    const names = ["2", "10", "__proto__", "", '\u0000"\\', "😀", "constructor"];
    const tensors = names.map((name, i) =>
      dots(name, { data: () => (asked.push(name), Uint8Array.of(i, 0)) })
    );
    writeSafetensors(`${folder}/a`, tensors, { "7": "x", __proto__: "y" } as Record<string, string>);
    using file = SafetensorsFile.open(`${folder}/a`);
    assertEquals(asked, names.toSorted());
    assertEquals([...file.names()], asked);
    for (const [i, name] of names.entries()) assertEquals(file.read(name)[0], i, name);
  });
});

Deno.test("writing what could not be read again throws, and what was there before stays", () => {
  const wrong: [string, TensorToWrite[], Record<string, string>?][] = [
    ['its header has "a" twice', [dots("a"), dots("a")]],
    ["__metadata__", [dots("__metadata__")]],
    ['"__metadata__" twice', [dots("__metadata__")], { format: "pt" }],
    ["half a surrogate pair", [dots("\ud800")]],
    ["half a surrogate pair", [dots("a")], { x: "\udc00" }],
    ['__metadata__ "x" to be a string', [dots("a")], { x: 5 as unknown as string }],
    ["whole numbers below 2^53, found", [dots("a", { shape: [-2, -1] })]],
    ["whole numbers below 2^53, found", [dots("a", { shape: [1.5] })]],
    ["whole numbers below 2^53, found", [dots("a", { shape: [NaN] })]],
    ["whole numbers", [dots("a", { shape: [2 ** 53] })]],
    ["at most 64 dimensions", [dots("a", { shape: [2, ...Array<number>(64).fill(1)] })]],
    ['tensor "a", U8 of shape [3], takes 3 bytes, its data has 2', [dots("a", { shape: [3] })]],
  ];
  inFolder((folder) => {
    const path = `${folder}/a`;
    Deno.writeTextFileSync(path, "before");
    for (const [message, tensors, metadata] of wrong) {
      assertThrows(() => writeSafetensors(path, tensors, metadata), CheckpointError, message);
      assertEquals(Deno.readTextFileSync(path), "before");
      assertEquals(list(folder), ["a"], message);
    }
  });
});

Deno.test("data that cannot be had, or a folder that is not there, leaves everything as it was", () => {
  inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/a`, "before");
    const broken = dots("b", {
      data: () => {
        throw new Any4Error("the disk that it lies on is gone");
      },
    });
    assertThrows(() => writeSafetensors(`${folder}/a`, [dots("a"), broken]), Any4Error, "is gone");
    assertThrows(
      () => writeBeside(`${folder}/no/a`, () => []),
      CheckpointError,
      `Cannot write ${folder}/no/a: `,
    );
    assertEquals(Deno.readTextFileSync(`${folder}/a`), "before");
    assertEquals(list(folder), ["a"]);
  });
});
