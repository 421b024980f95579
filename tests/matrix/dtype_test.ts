import { assert, assertEquals, assertThrows } from "@std/assert";
import { TensorError } from "../../lib/errors.ts";
import { bytesOf, type DType, fromFloat32, isDType, toFloat32 } from "../../lib/matrix/dtype.ts";
import golden from "../golden/safetensors.json" with { type: "json" };

/** The bytes of a typed array. */
const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const all16 = Uint16Array.from({ length: 65536 }, (_, code) => code);
const float32Of = (base64: string) => new Float32Array(Uint8Array.fromBase64(base64).buffer);

/** What a half or bfloat16 pattern means, by its definition. */
function decode(
  code: number,
  { exponentBits, fractionBits }: { exponentBits: number; fractionBits: number },
) {
  const bias = 2 ** (exponentBits - 1) - 1;
  const exponent = (code >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (code & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const sign = code & 0x8000 ? -1 : 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const F16 = { exponentBits: 5, fractionBits: 10 };
const BF16 = { exponentBits: 8, fractionBits: 7 };

Deno.test("toFloat32() reads every F16 and BF16 pattern as its definition says, subnormals and NaN included", () => {
  const halves = toFloat32(bytes(all16), "F16");
  const brains = toFloat32(bytes(all16), "BF16");
  for (const code of all16) {
    assert(Object.is(halves[code], decode(code, F16)), `F16 ${code}`);
    assert(Object.is(brains[code], decode(code, BF16)), `BF16 ${code}`);
  }
});

Deno.test("fromFloat32() undoes toFloat32() for every F16 and BF16 pattern; NaN stays NaN", () => {
  for (const dtype of ["F16", "BF16"] as const) {
    const values = toFloat32(bytes(all16), dtype);
    const back = new Uint16Array(fromFloat32(values, dtype).buffer);
    const again = toFloat32(bytes(back), dtype);
    for (const code of all16) {
      if (Number.isNaN(values[code])) assert(Number.isNaN(again[code]), `${dtype} ${code}`);
      else assertEquals(back[code], code, dtype);
    }
  }
});

Deno.test("fromFloat32() rounds to nearest, ties to even, halfway between every two neighbours", () => {
  for (const [dtype, definition] of [["F16", F16], ["BF16", BF16]] as const) {
    const infinity = definition === F16 ? 0x7c00 : 0x7f80;
    for (let code = 0; code + 1 < infinity; code++) {
      const [low, high] = [decode(code, definition), decode(code + 1, definition)];
      const middle = Math.fround((low + high) / 2);
      const step = Math.max(middle * 2 ** -23, 2 ** -149);
      const numbers = Float32Array.of(middle - step, middle, middle + step, -middle);
      const rounded = new Uint16Array(fromFloat32(numbers, dtype).buffer);
      const even = code % 2 === 0 ? code : code + 1;
      assertEquals([...rounded], [code, even, code + 1, 0x8000 | even], `${dtype} ${code}`);
    }
  }
});

Deno.test("fromFloat32() makes infinities of what is too large, and of nothing else", () => {
  const numbers = Float32Array.of(65519, 65520, -65520, Infinity);
  assertEquals(
    toFloat32(fromFloat32(numbers, "F16"), "F16"),
    Float32Array.of(65504, Infinity, -Infinity, Infinity),
  );
  const largest = 2 ** 127 * (2 - 2 ** -7); // of BF16
  const half = 2 ** 127 * 2 ** -8;
  const beside = Float32Array.of(largest + half * 0.99, largest + half, -largest - half);
  assertEquals(toFloat32(fromFloat32(beside, "BF16"), "BF16"), Float32Array.of(largest, Infinity, -Infinity));
});

Deno.test("a NaN whose payload lies in the bits that BF16 drops stays NaN", () => {
  const numbers = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001, 0x7fffffff).buffer);
  assert(toFloat32(fromFloat32(numbers, "BF16"), "BF16").every(Number.isNaN));
});

Deno.test("fromFloat32() rounds as torch does", () => {
  const numbers = float32Of(golden.rounding.F32);
  for (const dtype of ["F16", "BF16"] as const) {
    assertEquals(fromFloat32(numbers, dtype).toBase64(), golden.rounding[dtype], dtype);
  }
});

Deno.test("fromFloat32() gives a view for F32, and reads a view in the middle of a buffer", () => {
  const numbers = Float32Array.of(9, 1, -2, 9).subarray(1, 3);
  const view = fromFloat32(numbers, "F32");
  assertEquals([view.buffer, view.byteOffset, view.length], [numbers.buffer, 4, 8]);
  assertEquals(toFloat32(fromFloat32(numbers, "BF16"), "BF16"), Float32Array.of(1, -2));
  assertEquals(toFloat32(fromFloat32(numbers, "F16"), "F16"), Float32Array.of(1, -2));
});

Deno.test("toFloat32() reads F8_E4M3: 448 at most, no infinities, NaN where all other bits are set", () => {
  const values = toFloat32(Uint8Array.from({ length: 256 }, (_, code) => code), "F8_E4M3");
  const at = (code: number) => values[code];
  assertEquals([0x00, 0x01, 0x08, 0x38, 0x7e, 0xb8].map(at), [0, 2 ** -9, 2 ** -6, 1, 448, -1]);
  assert(Object.is(at(0x80), -0));
  assert(Number.isNaN(at(0x7f)) && Number.isNaN(at(0xff)));
  assertEquals(values.filter((value) => !Number.isFinite(value)).length, 2);
});

Deno.test("toFloat32() reads F8_E5M2 as the upper byte of a half", () => {
  const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
  const halves = Uint16Array.from(codes, (code) => code << 8);
  assertEquals(toFloat32(codes, "F8_E5M2"), toFloat32(bytes(halves), "F16"));
});

Deno.test("toFloat32() reads whole numbers of every width with their sign", () => {
  const read = (array: ArrayBufferView, dtype: DType) => [...toFloat32(bytes(array), dtype)];
  assertEquals(read(Int8Array.of(-128, 127), "I8"), [-128, 127]);
  assertEquals(read(Uint8Array.of(0, 255), "U8"), [0, 255]);
  assertEquals(read(Int16Array.of(-32768, 32767), "I16"), [-32768, 32767]);
  assertEquals(read(Uint16Array.of(1, 65535), "U16"), [1, 65535]);
  assertEquals(read(Int32Array.of(-(2 ** 31), 2 ** 24), "I32"), [-(2 ** 31), 2 ** 24]);
  assertEquals(read(Uint32Array.of(7, 2 ** 32 - 1), "U32"), [7, 2 ** 32]);
  assertEquals(read(Uint8Array.of(0, 1, 2), "BOOL"), [0, 1, 1]);
  assertEquals(read(Float64Array.of(0.1, -1e300, 1e-300), "F64"), [Math.fround(0.1), -Infinity, 0]);
});

Deno.test("toFloat32() rounds 64-bit whole numbers once: what lies just beside a tie goes to its side", () => {
  const numbers: bigint[] = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)];
  // float32 steps by 2^(k - 23) at 2^k: a tie, and its neighbours, at every size.
  for (let k = 25n; k < 63n; k++) {
    for (const odd of [1n, 3n, 5n]) {
      const tie = 2n ** k + odd * 2n ** (k - 24n);
      for (const beside of [-2n, -1n, 0n, 1n, 2n]) numbers.push(tie + beside, -(tie + beside));
    }
  }
  const signed = toFloat32(bytes(BigInt64Array.from(numbers)), "I64");
  const unsigned = toFloat32(bytes(BigUint64Array.from(numbers, (x) => BigInt.asUintN(64, x))), "U64");
  for (const [i, x] of numbers.entries()) {
    assertEquals(signed[i], nearest(x), `I64 ${x}`);
    assertEquals(unsigned[i], nearest(BigInt.asUintN(64, x)), `U64 ${x}`);
  }
});

/** The float32 nearest to a whole number, ties to even, with whole numbers only. */
function nearest(x: bigint): number {
  if (x < 0n) return -nearest(-x);
  const drop = BigInt(Math.max(0, x.toString(2).length - 24));
  const [kept, rest] = [x >> drop, x & (2n ** drop - 1n)];
  const half = drop === 0n ? 1n : 2n ** (drop - 1n);
  const up = rest > half || (rest === half && kept % 2n === 1n) ? 1n : 0n;
  return Number((kept + up) << drop);
}

Deno.test("toFloat32() reads bytes at any offset, and into an array that is given", () => {
  const values = Float32Array.of(1.5, -2.5);
  for (const dtype of ["F32", "F16", "BF16"] as const) {
    const stored = fromFloat32(values, dtype);
    const shifted = new Uint8Array(stored.length + 1);
    shifted.set(stored, 1);
    const out = new Float32Array(4);
    assertEquals(toFloat32(shifted.subarray(1), dtype, out.subarray(1, 3)), values, dtype);
    assertEquals([...out], [0, 1.5, -2.5, 0]);
  }
});

Deno.test("toFloat32() throws on bytes that are not whole values, and on an output of another length", () => {
  assertThrows(() => toFloat32(new Uint8Array(3), "BF16"), TensorError, "3 bytes are not a multiple of 2");
  assertThrows(
    () => toFloat32(new Uint8Array(4), "F16", new Float32Array(3)),
    TensorError,
    "the output holds 3",
  );
});

Deno.test("isDType() knows the format's names and no names of Object's", () => {
  assert(isDType("BF16") && bytesOf("BF16") === 2);
  for (const other of ["bf16", "C64", "toString", "__proto__", "", 5, null, undefined]) {
    assert(!isDType(other), String(other));
  }
});
