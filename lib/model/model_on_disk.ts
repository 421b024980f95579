/**
 * A model whose tensors stay on disk: they are read when asked for, used and freed.
 *
 * @module
 */
import type { Backend } from "../compute/backend.ts";
import { createBackend } from "../compute/create_backend.ts";
import { OptionError } from "../errors.ts";
import type { Matrix } from "../matrix/matrix.ts";
import type { PackedMatrix } from "../matrix/packed_matrix.ts";
import { matrixRows } from "../matrix/matrix_rows.ts";
import type { Checkpoint } from "./checkpoint/checkpoint.ts";
import type { ModelConfig } from "./decoder/config.ts";
import { Decoder, type DecoderPart } from "./decoder/decoder.ts";
import { type Layout, linearNames, type TensorPlace } from "./decoder/layout.ts";
import { type LoadOptions, openFiles, readTensor } from "./load_model.ts";
import { withOffset } from "./model.ts";
import type { LoadedPart, Replaced, Source } from "./source.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** A model of which no more than a part is in memory. */
export class ModelOnDisk implements Source, Disposable {
  /** Its files. */
  readonly checkpoint: Checkpoint;
  /** Text to ids. */
  readonly tokenizer: Tokenizer;
  /** Where it computes. */
  readonly backend: Backend;
  /** Where the checkpoint keeps the decoder's parts. */
  readonly layout: Layout;
  /** The tensors that it is made of, by name. */
  readonly places: ReadonlyMap<string, TensorPlace>;
  /** Memory of layers that have been given back, by size: the next layer is as large. */
  readonly #rooms = new Map<number, Uint8Array[]>();

  private constructor(backend: Backend, files: { checkpoint: Checkpoint; tokenizer: Tokenizer }) {
    const { checkpoint, tokenizer } = files;
    this.checkpoint = checkpoint;
    this.backend = backend;
    this.tokenizer = tokenizer;
    this.layout = checkpoint.layout;
    this.places = new Map(checkpoint.places().map((place) => [place.name, place]));
  }

  /**
   * Opens a model.
   *
   * @throws {CheckpointError} when files are missing or malformed.
   * @throws {ConfigError} when config.json asks for something that is not supported.
   */
  static async open(name: string, options: LoadOptions = {}): Promise<ModelOnDisk> {
    using open = new DisposableStack();
    const files = await openFiles(name, options);
    open.use(files.checkpoint);
    const backend = open.use(await createBackend(options.backend, options));
    const model = new ModelOnDisk(backend, files);
    open.move();
    return model;
  }

  /** The checked config. */
  get config(): ModelConfig {
    return this.checkpoint.config;
  }

  /** Module names of the Linears that quantization is about, in order. */
  linears(): string[] {
    return linearNames(this.layout);
  }

  /** Whether the checkpoint has a tensor, dense or packed. */
  has(name: string): boolean {
    return this.checkpoint.has(name) || this.checkpoint.has(`${name}.codes`);
  }

  /**
   * Reads a Linear's weights, as float32 where they are dense.
   *
   * @throws {CheckpointError} when they are missing or cut off.
   */
  weights(linear: string): Matrix | PackedMatrix {
    return readTensor(this.checkpoint, this.#place(`${linear}.weight`));
  }

  /** Reads a tensor, as float32 where it is dense. */
  tensor(name: string): Matrix | PackedMatrix | undefined {
    return this.has(name) ? readTensor(this.checkpoint, this.#place(name)) : undefined;
  }

  /** The tensors that a tensor is in the files: itself, or the parts of a packed one. */
  parts(name: string): string[] {
    const { checkpoint } = this;
    return checkpoint.has(name) ? [name] : checkpoint.names().filter((part) => part.startsWith(`${name}.`));
  }

  /** Bytes that a tensor takes in the files. */
  storedBytes(name: string): number {
    return this.parts(name).reduce((sum, part) => sum + this.checkpoint.info(part).bytes, 0);
  }

  /**
   * Reads some rows of a tensor, alone where the file has them as rows.
   *
   * @throws {CheckpointError} when they are missing or cut off.
   */
  rows(tensor: string, rows: readonly number[]): Matrix {
    const { checkpoint } = this;
    const place = this.#place(tensor);
    const alone = checkpoint.has(tensor) && !place.vector && !place.transposed;
    return alone ? checkpoint.rows(tensor, rows) : matrixRows(readTensor(checkpoint, place)!, rows);
  }

  #place(tensor: string): TensorPlace {
    const found = this.places.get(tensor);
    if (!found) {
      throw new OptionError(`Cannot find ${tensor}: this model has Linears such as ${this.linears()[0]}`);
    }
    return found;
  }

  /** Reads a part of the decoder, all but what is replaced. */
  part(part: DecoderPart, replaced?: Replaced): LoadedPart {
    const { backend, checkpoint, layout, config } = this;
    const held: (Matrix | PackedMatrix)[] = [];
    const rooms: Uint8Array[] = [];
    const room = backend.room && ((bytes: number) => {
      const found = this.#rooms.get(bytes)?.pop() ?? backend.room!(bytes);
      rooms.push(found);
      return found;
    });
    const read = (name: string) => {
      const place = this.places.get(name);
      return place && readTensor(checkpoint, place, room);
    };
    const find = (name: string, offset = 0) => {
      const found = replaced?.get(name) ?? read(name);
      if (!found) return undefined;
      const matrix = withOffset(found, offset);
      held.push(matrix);
      return backend.weight(matrix);
    };
    return {
      decoder: new Decoder(config, { layout, backend, find, part }),
      [Symbol.dispose]: () => {
        for (const matrix of held) backend.forget?.(matrix);
        for (const bytes of rooms) {
          const same = this.#rooms.get(bytes.length) ?? [];
          this.#rooms.set(bytes.length, [...same, bytes]);
        }
      },
    };
  }

  /** Closes its files and frees the backend. */
  [Symbol.dispose](): void {
    this.checkpoint[Symbol.dispose]();
    this.backend[Symbol.dispose]();
  }
}
