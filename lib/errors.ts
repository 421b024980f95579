/**
 * The errors that this library throws on purpose. Each says what was found and what was expected;
 * anything else that is thrown is a bug.
 *
 * @module
 */

/** Base of every error thrown on purpose, so that one `instanceof` tells them from bugs. */
export class Any4Error extends Error {
  /**
   * Makes an error that bears the name of its class.
   *
   * @param message what was found and what was expected.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A file or folder does not hold what its format promises: truncated, malformed, or lying about its size. */
export class CheckpointError extends Any4Error {}

/** config.json asks for something missing, contradictory or not supported. */
export class ConfigError extends Any4Error {}

/** A tensor cannot be quantized or multiplied as it is: NaN, infinity, wrong shape. */
export class TensorError extends Any4Error {}

/** An option's value is out of range or unknown. */
export class OptionError extends Any4Error {}

/** The memory that kernels compute in is full, or the machine has no more. */
export class MemoryError extends Any4Error {}

/** A kernel failed on one of the threads. Nothing that it was to write can be relied on; the threads go on. */
export class KernelError extends Any4Error {}

/** There is no GPU to use, or it failed, or was lost. Nothing that it was to write can be relied on. */
export class DeviceError extends Any4Error {}

/** Work that was begun cannot be gone on with: what was asked for has changed since, or somebody else is at it. */
export class ResumeError extends Any4Error {}

/** A model cannot be had from the Hugging Face Hub, or sent to it: no such model, no leave, no connection, wrong bytes. */
export class HubError extends Any4Error {
  /** The HTTP status that the Hub answered with, where it answered. */
  readonly status?: number;

  /**
   * Makes an error.
   *
   * @param message what was wanted, what happened, and what a person can do about it.
   */
  constructor(message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.status = options.status;
  }
}

/** Something is used after it was disposed of: a model, a sequence, a backend, or memory on one. */
export class DisposedError extends Any4Error {}

/** A sequence is continued, or moved, while another call is still continuing it. */
export class BusyError extends Any4Error {}

/** Somebody has interrupted long work. */
export class InterruptedError extends Any4Error {}
