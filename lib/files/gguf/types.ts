/**
 * The tensor types of GGUF files that can be read.
 *
 * @module
 */
import { type DType, toFloat32 } from "../../matrix/dtype.ts";
import { BLOCK, type Dequantize, q4_0, q4_1, q5_0, q5_1, q8_0 } from "./blocks.ts";
import { K_BLOCK, q2_k, q3_k, q4_k, q5_k, q6_k } from "./k_blocks.ts";

/** How a type is stored. */
export interface GgmlType {
  /** Values of a block; rows are whole blocks. */
  readonly values: number;
  /** Bytes of a block. */
  readonly bytes: number;
  /** The same type of safetensors files; absent where values are in quantized blocks. */
  readonly dtype?: DType;
  /** Blocks to float32. */
  readonly dequantize: Dequantize;
}

const plain = (dtype: DType, bytes: number): GgmlType => ({
  values: 1,
  bytes,
  dtype,
  dequantize: (from, out) => void toFloat32(from, dtype, out),
});
const block = (bytes: number, dequantize: Dequantize): GgmlType => ({ values: BLOCK, bytes, dequantize });
const kBlock = (bytes: number, dequantize: Dequantize): GgmlType => ({ values: K_BLOCK, bytes, dequantize });

/** By the names of ggml's enumeration. */
export const GGML_TYPES: Readonly<Record<string, GgmlType>> = {
  F32: plain("F32", 4),
  F16: plain("F16", 2),
  BF16: plain("BF16", 2),
  Q4_0: block(18, q4_0),
  Q4_1: block(20, q4_1),
  Q5_0: block(22, q5_0),
  Q5_1: block(24, q5_1),
  Q8_0: block(34, q8_0),
  Q2_K: kBlock(84, q2_k),
  Q3_K: kBlock(110, q3_k),
  Q4_K: kBlock(144, q4_k),
  Q5_K: kBlock(176, q5_k),
  Q6_K: kBlock(210, q6_k),
};
