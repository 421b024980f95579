/**
 * The errors that this library throws on purpose. Each message has the value found and the values expected. Any other
 * error is a bug.
 *
 * @module
 */

/** Base of every error thrown on purpose, so that one `instanceof` tells them from bugs. */
export class Any4Error extends Error {
  /**
   * Creates an error whose name is its class's.
   *
   * @param message the value found and the values expected.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A file or folder is missing, truncated, malformed or not of its format. */
export class CheckpointError extends Any4Error {}

/** config.json is missing a value, contradicts itself, or has a value that is not supported. */
export class ConfigError extends Any4Error {}

/** A tensor has NaN, infinity or the wrong shape. */
export class TensorError extends Any4Error {}

/** An option's value is out of range or unknown. */
export class OptionError extends Any4Error {}

/** The kernels' memory is full, or the machine has no more. */
export class MemoryError extends Any4Error {}

/** A kernel failed on a thread. Its outputs are undefined; the threads keep running. */
export class KernelError extends Any4Error {}

/** There is no usable GPU, or it failed or was lost. Its outputs are undefined. */
export class DeviceError extends Any4Error {}

/** Unfinished work cannot be resumed: its options have changed, or another process is at it. */
export class ResumeError extends Any4Error {}

/** A download from or upload to the Hugging Face Hub failed: no such model, no permission, no connection, wrong bytes. */
export class HubError extends Any4Error {
  /** The HTTP status of the Hub's answer, if there was one. */
  readonly status?: number;

  /**
   * Creates an error.
   *
   * @param message the purpose, the failure, and the remedy.
   */
  constructor(message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.status = options.status;
  }
}

/** A model, a sequence, a backend, or memory on one was used after it was disposed of. */
export class DisposedError extends Any4Error {}

/** A sequence was continued or moved during another call that continues it. */
export class BusyError extends Any4Error {}

/** Long work was interrupted by the user. */
export class InterruptedError extends Any4Error {}
