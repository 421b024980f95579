import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
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

Deno.test("GgufFile reads every type as llama.cpp's own package does", async () => {
  using file = await GgufFile.open(path);
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

/** A GGUF file of one tensor and one key, its parts to be broken. */
function build(
  parts: { magic?: string; version?: number; type?: number; sizes?: bigint[]; data?: number } = {},
) {
  const { magic = "GGUF", version = 3, type = 0, sizes = [4n], data = 16 } = parts;
  const utf8 = new TextEncoder();
  const u32 = (n: number) => [...new Uint8Array(Uint32Array.of(n).buffer)];
  const u64 = (n: bigint) => [...new Uint8Array(BigUint64Array.of(n).buffer)];
  const text = (words: string) => [...u64(BigInt(words.length)), ...utf8.encode(words)];
  const head = [
    ...[...utf8.encode(magic), ...u32(version), ...u64(1n), ...u64(1n)],
    ...[...text("general.architecture"), ...u32(8), ...text("llama")],
    ...[...text("a"), ...u32(sizes.length), ...sizes.flatMap(u64), ...u32(type), ...u64(0n)],
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
  const rejects = (bytes: Uint8Array, says: string) =>
    assertRejects(() => open(bytes), CheckpointError, says);
  {
    using file = await open(build());
    assertEquals(file.readFloat32("a"), new Float32Array(4));
    assertThrows(() => file.info("b"), CheckpointError, "not among the 1 tensors there");
    Deno.truncateSync(at, 100);
    assertThrows(() => file.read("a"), CheckpointError, "the file has become shorter");
  }
  await rejects(build({ magic: "GGML" }), 'does not begin with "GGUF"');
  await rejects(build({ version: 1 }), "version must be 2 or 3");
  await rejects(build({ data: 15 }), "is cut off");
  await rejects(build({ sizes: [2n ** 31n, 2n ** 31n] }), "is cut off");
  await rejects(build({ sizes: [2n ** 63n] }), "exceeds the maximum");
  await rejects(build({ type: 2, sizes: [4n] }), "whose blocks have 32 values");
  await rejects(build().subarray(0, 70), "cut off");
  await rejects(new Uint8Array(0), "GGUF");
  const many = build();
  new DataView(many.buffer).setBigUint64(8, 10_000n, true);
  await rejects(many, "have no room for 10000 tensors");
  {
    using file = await open(build({ type: 16, sizes: [256n], data: 200 }));
    assertThrows(() => file.info("a"), CheckpointError, "IQ2_XXS is not supported, only F32");
  }
  await assertRejects(() => GgufFile.open("/no/where.gguf"), CheckpointError, "Cannot open");
  await assertRejects(() => GgufFile.open("/tmp"), CheckpointError, "not a file");
  await Deno.remove(at);
});

Deno.test("every way to cut a GGUF file off is an error", async () => {
  const at = await Deno.makeTempFile({ suffix: ".gguf" });
  const whole = Deno.readFileSync(path);
  // Behind the last tensor there are up to 31 bytes that nobody needs.
  for (let length = 0; length < whole.length - 31; length += 61) {
    Deno.writeFileSync(at, whole.subarray(0, length));
    const { message } = await assertRejects(() => GgufFile.open(at), CheckpointError);
    assert(message.includes(at), message);
  }
  await Deno.remove(at);
});
