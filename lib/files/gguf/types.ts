/**
 * The tensor types of GGUF files.
 *
 * @module
 */
import { type DType, toFloat32 } from "../../matrix/dtype.ts";
import { BLOCK, type Dequantize, iq4_nl, mxfp4, q4_0, q4_1, q5_0, q5_1, q8_0 } from "./blocks.ts";
import { iq4_xs, K_BLOCK, q2_k, q3_k, q4_k, q5_k, q6_k } from "./k_blocks.ts";
import { tq1_0, tq2_0 } from "./ternary_blocks.ts";

/** How a type is stored. */
export interface GgmlType {
  /** Its number in files. */
  readonly code: number;
  /** Values of a block; rows are whole blocks. */
  readonly values: number;
  /** Bytes of a block. */
  readonly bytes: number;
  /** The same type of safetensors files; absent where values are in quantized blocks. */
  readonly dtype?: DType;
  /** Blocks to float32. */
  readonly dequantize: Dequantize;
}

const plain = (code: number, dtype: DType, bytes: number): GgmlType => ({
  code,
  values: 1,
  bytes,
  dtype,
  dequantize: (from, out) => void toFloat32(from, dtype, out),
});
const block = (code: number, bytes: number, dequantize: Dequantize): GgmlType => ({
  code,
  values: BLOCK,
  bytes,
  dequantize,
});
const kBlock = (code: number, bytes: number, dequantize: Dequantize): GgmlType => ({
  code,
  values: K_BLOCK,
  bytes,
  dequantize,
});

/** Those that can be read, by the names of ggml's enumeration (ggml.h, ggml_type). */
export const GGML_TYPES: Readonly<Record<string, GgmlType>> = {
  F32: plain(0, "F32", 4),
  F16: plain(1, "F16", 2),
  BF16: plain(30, "BF16", 2),
  Q4_0: block(2, 18, q4_0),
  Q4_1: block(3, 20, q4_1),
  Q5_0: block(6, 22, q5_0),
  Q5_1: block(7, 24, q5_1),
  Q8_0: block(8, 34, q8_0),
  IQ4_NL: block(20, 18, iq4_nl),
  MXFP4: block(39, 17, mxfp4),
  Q2_K: kBlock(10, 84, q2_k),
  Q3_K: kBlock(11, 110, q3_k),
  Q4_K: kBlock(12, 144, q4_k),
  Q5_K: kBlock(13, 176, q5_k),
  Q6_K: kBlock(14, 210, q6_k),
  IQ4_XS: kBlock(23, 136, iq4_xs),
  TQ1_0: kBlock(34, 54, tq1_0),
  TQ2_0: kBlock(35, 66, tq2_0),
};

/** Names of types that cannot be read, for messages. */
const OTHERS: Readonly<Record<number, string>> = {
  ...{ 9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S" },
  ...{ 22: "IQ2_S", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 40: "NVFP4" },
};

const NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(GGML_TYPES).map(([name, { code }]) => [code, name] as const),
  ...Object.entries(OTHERS).map(([code, name]) => [Number(code), name] as const),
]);

/** ggml's name of a type. */
export function typeName(code: number): string {
  return NAMES.get(code) ?? `type ${code}`;
}
