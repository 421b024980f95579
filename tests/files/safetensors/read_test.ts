import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { CheckpointError } from "../../../lib/errors.ts";
import { SafetensorsFile } from "../../../lib/files/safetensors/read.ts";
import golden from "../../golden/safetensors.json" with { type: "json" };

/** Runs with the path of a file of these bytes, which may become longer by zeros. */
function withFile<T>(bytes: Uint8Array, use: (path: string) => T, length = bytes.length): T {
  const path = Deno.makeTempFileSync({ suffix: ".safetensors" });
  try {
    Deno.writeFileSync(path, bytes);
    Deno.truncateSync(path, length);
    return use(path);
  } finally {
    Deno.removeSync(path);
  }
}

/** The length and the text of a header. */
function headerOf(header: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(8 + text.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  return out;
}

const cases = new Map(golden.cases.map(({ name, file }) => [name, Uint8Array.fromBase64(file)]));

for (const { name, metadata, tensors, file } of golden.files) {
  Deno.test(`a file that Python wrote reads as it does there: ${name}`, () => {
    withFile(Uint8Array.fromBase64(file), (path) => {
      using open = SafetensorsFile.open(path);
      assertEquals({ ...open.metadata }, { ...metadata } as Record<string, string>);
      assertEquals([...open.names()].sort(), tensors.map((tensor) => tensor.name).sort());
      for (const { name, dtype, shape, bytes, float32 } of tensors) {
        const info = open.info(name);
        assertEquals([info.name, info.dtype, [...info.shape]], [name, dtype, shape]);
        assertEquals(open.read(name).toBase64(), bytes, name);
        assertEquals(
          Uint8Array.from([...open.chunks(name)].flatMap((part) => [...part])).toBase64(),
          bytes,
          name,
        );
        const half = new Uint8Array(info.bytes >> 1);
        open.readPart(name, info.bytes - half.length, half);
        assertEquals(half, Uint8Array.fromBase64(bytes).slice(info.bytes - half.length));
        assertThrows(
          () => open.readPart(name, info.bytes, new Uint8Array(1)),
          CheckpointError,
          "are asked for",
        );
        const values = open.readFloat32(name);
        assertEquals(new Uint8Array(values.buffer).toBase64(), float32, name);
      }
    });
  });
}

/** What the safetensors library lets through and this one does not. */
const STRICTER = new Map([
  ["tensor twice", 'its header has "a" twice'],
  ["tensor twice, once escaped", 'its header has "a" twice'],
  ["metadata key twice", '__metadata__ has "x" twice'],
  ["tensor a list", 'expected tensor "a" to be an object, found "[\\"F32\\",[2],[0,8]]}"'],
  ["shape of 2^60, then 0", "a shape of whole numbers below 2^53"],
  ["shape of 65 ones", 'tensor "a" must have at most 64 dimensions'],
]);

Deno.test("broken and odd files get the verdict that the safetensors library gives, or a stricter one", () => {
  for (const { name, accepted } of golden.cases) {
    withFile(cases.get(name)!, (path) => {
      if (accepted && !STRICTER.has(name)) return SafetensorsFile.open(path)[Symbol.dispose]();
      const error = assertThrows(() => SafetensorsFile.open(path), CheckpointError, STRICTER.get(name));
      assertStringIncludes(error.message, `Cannot read ${path}: `);
    });
  }
});

const MESSAGES = {
  "seven bytes": "at least 8 bytes, this one has 7",
  "header longer than the file": "its header takes 10000 bytes, but the file has ",
  "header of 2^60 bytes": "at most 100000000 bytes, current length is 1152921504606846976",
  "header not UTF-8": "its header is not UTF-8",
  "header not JSON": 'its header is malformed at character 1: expected a key, found "nope"',
  "header a list": "expected its header to be an object",
  "metadata twice": '"__metadata__" twice',
  "dtype twice": 'tensor "a" has "dtype" twice',
  "unknown member nested 128 deep": "nested more than 127 deep",
  "unknown member nested 5000 deep": "nested more than 127 deep",
  "unknown member broken": 'expected a value, found ",2]',
  "no dtype": 'tensor "a" has no dtype',
  "no shape": 'tensor "a" has no shape',
  "no data_offsets": 'tensor "a" has no data_offsets',
  "tensor null": 'expected tensor "a" to be an object, found "null}"',
  "dtype F33": 'tensor "a" has an unknown dtype "F33"',
  "dtype 5": 'expected tensor "a" to have a string as its dtype',
  "F4 of shape 15": "F4 of shape [15], takes 7.5 bytes",
  "shape [-2]": 'expected tensor "a" to have a shape of whole numbers below 2^53, found "-2',
  "shape of 2^80 values": "F32 of shape [1099511627776, 1099511627776], takes ",
  "no values amid others": 'tensor "a" overlaps tensor "b", which ends at 8, its data_offsets are 4 to 4',
  "offsets negative": 'expected tensor "a" to have data_offsets of two whole numbers, found "-8',
  "three offsets": "must have two data_offsets, current value is [0, 8, 8]",
  "offsets reversed": 'tensor "a" ends before it starts, its data_offsets are 8 to 0',
  "offsets beyond the end": "is cut off: its data_offsets are 0 to 16, but only 8 bytes follow the header",
  "too large a shape": 'tensor "a", F32 of shape [3], takes 12 bytes, but its data_offsets are 0 to 8',
  "overlapping tensors": 'tensor "b" overlaps tensor "a", which ends at 8, its data_offsets are 4 to 12',
  "hole behind the header": 'tensor "a" leaves a hole behind the header, which ends at 0',
  "hole between tensors": 'tensor "b" leaves a hole behind tensor "a", which ends at 8',
  "hole behind the tensors": "its tensors end at 8, but 12 bytes follow the header",
  "metadata of numbers": 'expected __metadata__ "x" to be a string, found "1}',
  "a 0 byte behind the header": 'expected its end, found "\\u0000"',
  "half a surrogate pair": "half a surrogate pair at character 1",
  "unknown escape": "a malformed string at character 1",
  "name with a newline": "expected a string to go on",
};

Deno.test("a broken header is an error that says what is wrong and where", () => {
  for (const [name, message] of Object.entries(MESSAGES)) {
    withFile(cases.get(name)!, (path) => {
      assertThrows(() => SafetensorsFile.open(path), CheckpointError, message);
    });
  }
});

Deno.test("a tensor of a type that is not read leaves the others readable", () => {
  const header = {
    a: { dtype: "C64", shape: [1], data_offsets: [0, 8] },
    b: { dtype: "U8", shape: [2], data_offsets: [8, 10] },
  };
  withFile(headerOf(header), (path) => {
    using file = SafetensorsFile.open(path);
    assertEquals([...file.names()], ["a", "b"]);
    assertEquals(file.read("b"), new Uint8Array(2));
    assertThrows(() => file.read("a"), CheckpointError, `tensor "a" of ${path}: C64 is not supported`);
  }, headerOf(header).length + 10);
});

Deno.test("a missing tensor is an error that names similar ones, three at most", () => {
  const names = ["lm_head.weight", ...[0, 1, 2, 3].map((i) => `model.layers.${i}.weight`)];
  const header = Object.fromEntries(
    names.map((name) => [name, { dtype: "U8", shape: [0], data_offsets: [0, 0] }]),
  );
  withFile(headerOf(header), (path) => {
    using file = SafetensorsFile.open(path);
    assert(file.has("lm_head.weight") && !file.has("lm_head") && !file.has("toString"));
    const similar = assertThrows(() => file.info("model.layers.7.weight"), CheckpointError).message;
    assertStringIncludes(similar, 'similar names are "model.layers.0.weight", "model.layers.1.weight", ');
    assertEquals(similar.match(/layers/g)!.length, 4);
    assertThrows(() => file.read("norm"), CheckpointError, "it is not among the 5 tensors there");
    assertThrows(() => file.read("x".repeat(1e5)), CheckpointError, 'xxx..." in ');
  });
});

Deno.test("open() throws on what is no file", () => {
  const folder = Deno.makeTempDirSync();
  assertThrows(
    () => SafetensorsFile.open(folder),
    CheckpointError,
    `Cannot open ${folder}: it is not a file`,
  );
  assertThrows(() => SafetensorsFile.open(`${folder}/a`), CheckpointError, `Cannot open ${folder}/a: `);
  Deno.removeSync(folder);
});

Deno.test("tensors are read when asked for: a file of 64 GB opens at once, and only what fits can be read", () => {
  const large = 2 ** 36;
  const header = {
    large: { dtype: "F16", shape: [2 ** 17, 2 ** 18], data_offsets: [0, large] },
    last: { dtype: "BF16", shape: [2], data_offsets: [large, large + 4] },
  };
  const start = headerOf(header);
  withFile(start, (path) => {
    const before = Deno.memoryUsage().rss;
    using file = SafetensorsFile.open(path);
    using writer = Deno.openSync(path, { write: true });
    writer.seekSync(-4, Deno.SeekMode.End);
    writer.writeSync(Uint8Array.of(0x80, 0x3f, 0x00, 0xc0));
    assertEquals(file.readFloat32("last"), Float32Array.of(1, -2));
    assertThrows(() => file.read("large"), CheckpointError, "68719476736 bytes do not fit in memory");
    assertThrows(() => file.readFloat32("large"), CheckpointError, "68719476736 bytes do not fit in memory");
    assertLess(Deno.memoryUsage().rss - before, 50e6);
  }, start.length + large + 4);
});

Deno.test("a tensor that is widened piece by piece is whole", () => {
  const count = 2 ** 21 + 2 ** 20 + 3; // two pieces of 2^21 halves
  const header = { a: { dtype: "I16", shape: [count], data_offsets: [0, 2 * count] } };
  const halves = Int16Array.from({ length: count }, (_, i) => i % 65521 - 32768);
  withFile(headerOf(header), (path) => {
    Deno.writeFileSync(path, new Uint8Array(halves.buffer), { append: true });
    using file = SafetensorsFile.open(path);
    assert(file.readFloat32("a").every((value, i) => value === halves[i]));
  });
});

Deno.test("reading throws once the file has become shorter or has been closed; closing twice is no error", () => {
  withFile(cases.get("as it should be")!, (path) => {
    const file = SafetensorsFile.open(path);
    Deno.truncateSync(path, cases.get("as it should be")!.length - 3);
    assertThrows(() => file.read("a"), CheckpointError, "has become shorter, 3 bytes are missing");
    file[Symbol.dispose]();
    file[Symbol.dispose]();
    assertThrows(() => file.readFloat32("a"), CheckpointError, "the file has been closed");
  });
});
