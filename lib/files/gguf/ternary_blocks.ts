/**
 * GGUF's ternary blocks: 256 values of −1, 0 and 1 times a scale. The layouts are those of ggml (ggml-common.h).
 *
 * @module
 */
import { type Dequantize, half } from "./blocks.ts";
import { K_BLOCK } from "./k_blocks.ts";

/** 1.7-bit: 48 bytes of five values each, 4 of four each, d. Values of a byte lie 32, 16 or 4 apart. */
export const tq1_0: Dequantize = (bytes, out) => {
  for (let at = 0, to = 0; to < out.length; at += 54, to += K_BLOCK) {
    const d = half(bytes, at + 52);
    let i = to;
    for (const [from, count, values] of [[0, 32, 5], [32, 16, 5], [48, 4, 4]] as const) {
      for (let n = 0, power = 1; n < values; n++, power *= 3) {
        for (let j = 0; j < count; j++) {
          // A byte is a fraction of 256 in base 3: its leading digit, behind those that `power` moves out.
          const rest = bytes[at + from + j]! * power & 255;
          out[i++] = d * ((rest * 3 >> 8) - 1);
        }
      }
    }
  }
};

/** 2-bit: 64 bytes of four values each, which lie 32 apart; d. */
export const tq2_0: Dequantize = (bytes, out) => {
  for (let at = 0, to = 0; to < out.length; at += 66, to += K_BLOCK) {
    const d = half(bytes, at + 64);
    for (let i = 0; i < K_BLOCK; i++) {
      const byte = bytes[at + 32 * (i >> 7) + (i & 31)]!;
      out[to + i] = d * ((byte >> 2 * (i >> 5 & 3) & 3) - 1);
    }
  }
};
