/**
 * What a file of tensors can be asked, whatever its kind.
 *
 * @module
 */
import type { TensorInfo } from "./safetensors/header.ts";

/** An open file; tensors are read when asked for. All that reads throws a CheckpointError where it cannot. */
export interface TensorFile extends Disposable {
  /** Names of all tensors. */
  names(): Iterable<string>;
  /** Whether there is a tensor of that name. */
  has(name: string): boolean;
  /** A tensor's type and shape, as they are read. */
  info(name: string): TensorInfo;
  /** A tensor's bytes, of the type that `info` says; in `out` where that is given. */
  read(name: string, out?: Uint8Array): Uint8Array;
  /** A tensor as float32; in `out` where that is given. */
  readFloat32(name: string, out?: Float32Array): Float32Array;
  /** Some of a tensor's bytes, from byte `from` on, where they can be read alone. */
  readPart?(name: string, from: number, out: Uint8Array): void;
  /** A tensor's bytes a few MB at a time, where they can be read so. */
  chunks?(name: string): Iterable<Uint8Array>;
}
