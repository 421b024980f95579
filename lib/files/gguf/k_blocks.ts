/**
 * GGUF's K-quants: 256 values in sub-blocks of 16 or 32, whose scales (and minima) are quantized too. The layouts are
 * those of ggml (ggml-common.h).
 *
 * @module
 */
import { type Dequantize, half, IQ4_VALUES, lookUp } from "./blocks.ts";

/** Values of a block. */
export const K_BLOCK = 256;

/** 2-bit: 16 bytes of 4-bit scales and minima, 64 of codes, d, dmin. */
export const q2_k: Dequantize = (bytes, out) => {
  for (let at = 0, to = 0; to < out.length; at += 84, to += K_BLOCK) {
    const d = half(bytes, at + 80);
    const dmin = half(bytes, at + 82);
    // Each half has 32 bytes, each of them four codes, which lie 32 values apart.
    for (let s = 0; s < 16; s++) {
      const scale = d * (bytes[at + s]! & 15);
      const min = dmin * (bytes[at + s]! >> 4);
      const from = at + 16 + 32 * (s >> 3) + 16 * (s & 1);
      const shift = 2 * (s >> 1 & 3);
      for (let l = 0; l < 16; l++) {
        out[to + 16 * s + l] = scale * (bytes[from + l]! >> shift & 3) - min;
      }
    }
  }
};

/** 3-bit: 32 bytes of third bits, 64 of the other two, 12 of 6-bit scales, d. */
export const q3_k: Dequantize = (bytes, out) => {
  for (let at = 0, to = 0; to < out.length; at += 110, to += K_BLOCK) {
    const d = half(bytes, at + 108);
    for (let s = 0; s < 16; s++) {
      const low = bytes[at + 96 + (s & 7)]! >> (s < 8 ? 0 : 4) & 15;
      const high = bytes[at + 104 + (s & 3)]! >> (2 * (s >> 2)) & 3;
      const scale = d * ((low | high << 4) - 32);
      const from = at + 32 + 32 * (s >> 3) + 16 * (s & 1);
      const third = at + 16 * (s & 1);
      const shift = 2 * (s >> 1 & 3);
      for (let l = 0; l < 16; l++) {
        const code = bytes[from + l]! >> shift & 3 | (bytes[third + l]! >> (s >> 1) & 1) << 2;
        out[to + 16 * s + l] = scale * (code - 4);
      }
    }
  }
};

/** The 6-bit scale and minimum of sub-block j, of eight of each in 12 bytes. */
function scaleAndMin(bytes: Uint8Array, at: number, j: number): [scale: number, min: number] {
  if (j < 4) return [bytes[at + j]! & 63, bytes[at + j + 4]! & 63];
  const low = bytes[at + j + 4]!;
  return [low & 15 | bytes[at + j - 4]! >> 6 << 4, low >> 4 | bytes[at + j]! >> 6 << 4];
}

/** 4- or 5-bit: d, dmin, 12 bytes of scales and minima, 32 of fifth bits where there are five, 128 of codes. */
function q45(five: boolean): Dequantize {
  const codes = five ? 48 : 16;
  return (bytes, out) => {
    for (let at = 0, to = 0; to < out.length; at += codes + 128, to += K_BLOCK) {
      const d = half(bytes, at);
      const dmin = half(bytes, at + 2);
      for (let j = 0; j < 8; j++) {
        const [s, m] = scaleAndMin(bytes, at + 4, j);
        const scale = d * s;
        const min = dmin * m;
        // Two sub-blocks share 32 bytes.
        const from = at + codes + 32 * (j >> 1);
        const shift = 4 * (j & 1);
        const start = to + 32 * j;
        for (let l = 0; l < 32; l++) {
          const code = bytes[from + l]! >> shift & 15;
          out[start + l] = scale * (five ? code | (bytes[at + 16 + l]! >> j & 1) << 4 : code) - min;
        }
      }
    }
  };
}

/** 4-bit. */
export const q4_k: Dequantize = q45(false);
/** 5-bit. */
export const q5_k: Dequantize = q45(true);

/** 6-bit: 128 bytes of low halves, 64 of the other two bits, 16 8-bit scales, d. */
export const q6_k: Dequantize = (bytes, out) => {
  for (let at = 0, to = 0; to < out.length; at += 210, to += K_BLOCK) {
    const d = half(bytes, at + 208);
    for (let s = 0; s < 16; s++) {
      // Of 128 values, low halves are in 64 bytes and high bits in 32.
      const scale = d * (bytes[at + 192 + s]! << 24 >> 24);
      const low = at + 64 * (s >> 3) + 32 * (s >> 1 & 1) + 16 * (s & 1);
      const lowShift = 4 * (s >> 2 & 1);
      const high = at + 128 + 32 * (s >> 3) + 16 * (s & 1);
      const highShift = 2 * (s >> 1 & 3);
      for (let l = 0; l < 16; l++) {
        const code = bytes[low + l]! >> lowShift & 15 | (bytes[high + l]! >> highShift & 3) << 4;
        out[to + 16 * s + l] = scale * (code - 32);
      }
    }
  }
};

/** 4-bit by a fixed table: d, 2 bytes of the scales' high bits, 4 of their low halves, 128 of codes. */
export const iq4_xs: Dequantize = (bytes, out) => {
  for (let at = 0, to = 0; to < out.length; at += 136, to += K_BLOCK) {
    const d = half(bytes, at);
    const high = bytes[at + 2]! | bytes[at + 3]! << 8;
    for (let j = 0; j < 8; j++) {
      const low = bytes[at + 4 + (j >> 1)]! >> 4 * (j & 1) & 15;
      const scale = d * ((low | (high >> 2 * j & 3) << 4) - 32);
      lookUp({ bytes, at: at + 8 + 16 * j, table: IQ4_VALUES, scale }, out, to + 32 * j);
    }
  }
};
