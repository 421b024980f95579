/**
 * GGUF's simple quantized blocks: 32 values that share a scale, and perhaps a minimum. The layouts are those of ggml
 * (ggml-common.h): half precision first, then the fifth bits where there are any, then codes, of which a byte has the
 * one of value j in its low half and that of value j + 16 in its high half.
 *
 * @module
 */
import { toFloat32 } from "../../matrix/dtype.ts";

/** Writes the values of whole blocks to `out`, which has room for just as many. */
export type Dequantize = (bytes: Uint8Array, out: Float32Array) => void;

/** Values of a block. */
export const BLOCK = 32;

/** All halves, as a table: a block's scale is anywhere in the bytes, aligned or not. */
let halves: Float32Array | undefined;

/** The half-precision number at a place. */
export function half(bytes: Uint8Array, at: number): number {
  halves ??= toFloat32(
    new Uint8Array(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).buffer),
    "F16",
  );
  return halves[bytes[at]! | bytes[at + 1]! << 8]!;
}

/** 8-bit: d · q. */
export const q8_0: Dequantize = (bytes, out) => {
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0, to = 0; to < out.length; at += 34, to += BLOCK) {
    const d = half(bytes, at);
    for (let j = 0; j < BLOCK; j++) out[to + j] = d * codes[at + 2 + j]!;
  }
};

/** 4-bit, d · (q − 8), or with a minimum, d · q + m. */
function q4(minimum: boolean): Dequantize {
  const head = minimum ? 4 : 2;
  return (bytes, out) => {
    for (let at = 0, to = 0; to < out.length; at += head + 16, to += BLOCK) {
      const d = half(bytes, at);
      const m = minimum ? half(bytes, at + 2) : -8 * d;
      for (let j = 0; j < 16; j++) {
        const pair = bytes[at + head + j]!;
        out[to + j] = d * (pair & 15) + m;
        out[to + j + 16] = d * (pair >> 4) + m;
      }
    }
  };
}

/** 5-bit, d · (q − 16), or with a minimum, d · q + m. */
function q5(minimum: boolean): Dequantize {
  const head = minimum ? 4 : 2;
  return (bytes, out) => {
    for (let at = 0, to = 0; to < out.length; at += head + 20, to += BLOCK) {
      const d = half(bytes, at);
      const m = minimum ? half(bytes, at + 2) : -16 * d;
      for (let j = 0; j < 16; j++) {
        const pair = bytes[at + head + 4 + j]!;
        const low = bytes[at + head + (j >> 3)]! >> (j & 7) & 1;
        const high = bytes[at + head + 2 + (j >> 3)]! >> (j & 7) & 1;
        out[to + j] = d * (pair & 15 | low << 4) + m;
        out[to + j + 16] = d * (pair >> 4 | high << 4) + m;
      }
    }
  };
}

/** 4-bit with a scale. */
export const q4_0: Dequantize = q4(false);
/** 4-bit with a scale and a minimum. */
export const q4_1: Dequantize = q4(true);
/** 5-bit with a scale. */
export const q5_0: Dequantize = q5(false);
/** 5-bit with a scale and a minimum. */
export const q5_1: Dequantize = q5(true);

/** The values that codes of IQ4_NL and IQ4_XS stand for. */
export const IQ4_VALUES = Float32Array.of(
  ...[-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
);

/** Twice the values of FP4 E2M1. */
const E2M1_DOUBLED = Float32Array.of(...[0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]);

/** 4-bit by a fixed table: d · table[q]. */
export const iq4_nl: Dequantize = (bytes, out) => {
  for (let at = 0, to = 0; to < out.length; at += 18, to += BLOCK) {
    lookUp({ bytes, at: at + 2, table: IQ4_VALUES, scale: half(bytes, at) }, out, to);
  }
};

/** OCP Microscaling FP4 (MX specification 1.0): a power of 2, then codes of E2M1. */
export const mxfp4: Dequantize = (bytes, out) => {
  for (let at = 0, to = 0; to < out.length; at += 17, to += BLOCK) {
    lookUp({ bytes, at: at + 1, table: E2M1_DOUBLED, scale: 2 ** (bytes[at]! - 128) }, out, to);
  }
};

/** 32 values from 16 bytes of codes. */
export function lookUp(
  from: { bytes: Uint8Array; at: number; table: Float32Array; scale: number },
  out: Float32Array,
  to: number,
): void {
  const { bytes, at, table, scale } = from;
  for (let j = 0; j < 16; j++) {
    const pair = bytes[at + j]!;
    out[to + j] = scale * table[pair & 15]!;
    out[to + j + 16] = scale * table[pair >> 4]!;
  }
}
