import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "../../../lib/errors.ts";
import { toFloat32 } from "../../../lib/matrix/dtype.ts";
import { GgufFile } from "../../../lib/files/gguf/file.ts";
import { GGML_TYPES } from "../../../lib/files/gguf/types.ts";

const folder = new URL("../../golden/gguf/", import.meta.url).pathname;
const path = `${folder}tensors.gguf`;
const golden: { tensors: Record<string, { shape: number[]; values: string }> } = JSON.parse(
  Deno.readTextFileSync(`${folder}tensors.json`),
);

const floats = (text: string) => new Float32Array(Uint8Array.fromBase64(text).buffer);

Deno.test("GgufFile reads every type as llama.cpp's own package does", () => {
  using file = GgufFile.open(path);
  assertEquals([...file.names()].sort(), Object.keys(GGML_TYPES).sort());
  for (const [name, { shape, values }] of Object.entries(golden.tensors)) {
    assertEquals(file.info(name).shape, shape);
    const expected = floats(values);
    const read = file.readFloat32(name);
    // Rounded once here, once an operation there.
    read.forEach((value, i) => {
      assertAlmostEquals(value, expected[i]!, 3e-7 * Math.abs(expected[i]!) + 2e-6, `${name} ${i}`);
    });
    const { dtype, bytes } = file.info(name);
    assertEquals(toFloat32(file.read(name), dtype), read, name);
    assertEquals(file.read(name).length, bytes);
  }
});

const utf8 = new TextEncoder();
const u32 = (n: number) => [...new Uint8Array(Uint32Array.of(n).buffer)];
const u64 = (n: bigint) => [...new Uint8Array(BigUint64Array.of(n).buffer)];
const text = (words: string) => [...u64(BigInt(utf8.encode(words).length)), ...utf8.encode(words)];
const list = (type: number, count: number) => [...text("x"), ...u32(9), ...u32(type), ...u64(BigInt(count))];

interface Parts {
  magic?: string;
  version?: number;
  type?: number;
  sizes?: bigint[];
  data?: number;
  /** The bytes of a second key, its value and its type. */
  keys?: number[][];
  /** Keys among them, and the tensor's name. */
  more?: number;
  name?: string;
}

/** A GGUF file of one tensor and one key, its parts to be broken. */
function build(parts: Parts = {}) {
  const { magic = "GGUF", version = 3, type = 0, sizes = [4n], data = 16, keys = [], name = "a" } = parts;
  const more = parts.more ?? (keys.length > 0 ? 1 : 0);
  const head = [
    ...[...utf8.encode(magic), ...u32(version), ...u64(1n), ...u64(1n + BigInt(more))],
    ...[...text("general.architecture"), ...u32(8), ...text("llama"), ...keys.flat()],
    ...[...text(name), ...u32(sizes.length), ...sizes.flatMap(u64), ...u32(type), ...u64(0n)],
  ];
  while (head.length % 32 !== 0) head.push(0);
  return Uint8Array.from([...head, ...new Uint8Array(data)]);
}

Deno.test("GgufFile says what is wrong with a file", async () => {
  const at = await Deno.makeTempFile({ suffix: ".gguf" });
  const open = (bytes: Uint8Array) => {
    Deno.writeFileSync(at, bytes);
    return GgufFile.open(at);
  };
  const rejects = (bytes: Uint8Array, says: string) => assertThrows(() => open(bytes), CheckpointError, says);
  {
    using file = open(build());
    assertEquals(file.readFloat32("a"), new Float32Array(4));
    assertThrows(() => file.info("b"), CheckpointError, "not among the 1 tensors there");
    Deno.truncateSync(at, 100);
    assertThrows(() => file.read("a"), CheckpointError, "the file has become shorter");
  }
  rejects(build({ magic: "GGML" }), 'does not begin with "GGUF"');
  rejects(build({ version: 1 }), "version must be 2 or 3");
  rejects(build({ data: 15 }), "is cut off");
  rejects(build({ sizes: [2n ** 31n, 2n ** 31n] }), "is cut off");
  rejects(build({ sizes: [2n ** 63n] }), "is cut off");
  rejects(build({ type: 2, sizes: [4n] }), "whose blocks have 32 values");
  rejects(build().subarray(0, 70), "cut off");
  rejects(new Uint8Array(0), "GGUF");
  const many = build();
  new DataView(many.buffer).setBigUint64(8, 10_000n, true);
  rejects(many, "are too few for 10000 tensors");
  rejects(build({ version: 3 * 2 ** 24 }), "big-endian");
  rejects(build({ sizes: [1n, 1n, 1n, 1n, 4n] }), "has 5 dimensions, at most 4 are read");
  rejects(build({ keys: [list(4, 2 ** 30)] }), "cut off");
  rejects(build({ keys: [text("x"), u32(13)] }), "unknown type 13");
  rejects(
    build({ keys: [text("x"), u32(8), u64(2n ** 40n)] }),
    "a text of its header has 1099511627776 bytes",
  );
  rejects(build({ keys: [text("general.architecture"), u32(0), [1]] }), "is there twice");
  rejects(build({ keys: [text("general.alignment"), u32(4), u32(24)] }), "must be a power of 2");
  // Lists in lists without end.
  rejects(
    build({ keys: [text("x"), u32(9), ...Array.from({ length: 9 }, () => [...u32(9), ...u64(1n)])] }),
    "unknown type 9",
  );
  {
    using file = open(build({ type: 16, sizes: [256n], data: 200 }));
    assertThrows(() => file.info("a"), CheckpointError, "IQ2_XXS is not supported, only F32");
  }
  assertThrows(() => GgufFile.open("/no/where.gguf"), CheckpointError, "Cannot open");
  assertThrows(() => GgufFile.open("/tmp"), CheckpointError, "not a file");
  await Deno.remove(at);
});

Deno.test("every way to cut a GGUF file off is an error", async () => {
  const at = await Deno.makeTempFile({ suffix: ".gguf" });
  const whole = Deno.readFileSync(path);
  // Behind the last tensor there are up to 31 bytes that nobody needs.
  for (let length = 0; length < whole.length - 31; length += 61) {
    Deno.writeFileSync(at, whole.subarray(0, length));
    const { message } = assertThrows(() => GgufFile.open(at), CheckpointError);
    assert(message.includes(at), message);
  }
  await Deno.remove(at);
});

Deno.test("parts of a tensor are what they are in the whole", () => {
  using file = GgufFile.open(path);
  for (const name of file.names()) {
    const whole = file.read(name);
    const width = file.info(name).dtype === "F32" ? 4 : 2;
    for (
      const [from, count] of [[0, 1], [1, 40], [31, 2], [20, 40], [whole.length / width - 3, 3]] as const
    ) {
      const part = new Uint8Array(count * width);
      file.readPart(name, from * width, part);
      assertEquals(part, whole.slice(from * width, (from + count) * width), `${name} from ${from}`);
    }
  }
});

Deno.test("tokens keep a byte order mark", async () => {
  const at = await Deno.makeTempFile({ suffix: ".gguf" });
  const keys = [list(8, 2), text("\ufeff#"), text("#")];
  Deno.writeFileSync(at, build({ keys }));
  using file = GgufFile.open(at);
  assertEquals(file.metadata.x, ["\ufeff#", "#"]);
  await Deno.remove(at);
});

Deno.test("a model in several files opens by any of them", async () => {
  const folder = await Deno.makeTempDir();
  const u16 = (n: number) => [n & 255, n >> 8];
  const split = (no: number, count = 2) => [
    ...[...text("split.no"), ...u32(2), ...u16(no)],
    ...[...text("split.count"), ...u32(2), ...u16(count)],
    ...[...text("split.tensors.count"), ...u32(5), ...u32(2)],
  ];
  const part = (i: number) => `${folder}/m-0000${i}-of-00002.gguf`;
  const write = (i: number, name: string, keys = split(i - 1)) =>
    Deno.writeFileSync(part(i), build({ keys: [keys], more: 3, name }));
  write(1, "a");
  write(2, "b");
  for (const i of [1, 2]) {
    using file = GgufFile.open(part(i));
    assertEquals([...file.names()], ["a", "b"]);
    assertEquals(file.metadata["split.no"], 0);
    assertEquals(file.readFloat32("b"), new Float32Array(4));
  }
  write(2, "a");
  assertThrows(() => GgufFile.open(part(1)), CheckpointError, 'tensor "a" is in another part');
  write(2, "b", split(0));
  assertThrows(() => GgufFile.open(part(1)), CheckpointError, "split.no must be 1, current value is 0");
  Deno.writeFileSync(part(2), build({ keys: [split(1)], more: 3, name: "c", data: 15 }));
  assertThrows(() => GgufFile.open(part(1)), CheckpointError, "m-00002-of-00002.gguf: tensor");
  Deno.removeSync(part(2));
  assertThrows(() => GgufFile.open(part(1)), CheckpointError, "m-00002-of-00002.gguf");
  write(1, "a", split(0, 3));
  assertThrows(
    () => GgufFile.open(part(1)),
    CheckpointError,
    "it is one of 3 parts, whose names must end with",
  );
  await Deno.remove(folder, { recursive: true });
});
