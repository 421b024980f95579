/**
 * A model whose tensors stay on disk: what is asked for is read, used and given back.
 *
 * @module
 */
import type { Backend } from "../../compute/backend.ts";
import { createBackend } from "../../compute/mod.ts";
import { OptionError } from "../../errors.ts";
import type { Matrix } from "../../matrix/matrix.ts";
import type { PackedMatrix } from "../../matrix/packed_matrix.ts";
import type { Checkpoint } from "../../model/checkpoint/checkpoint.ts";
import { Decoder, type DecoderPart } from "../../model/decoder/decoder.ts";
import { type Layout, linearsOf, type TensorPlace } from "../../model/decoder/layout.ts";
import { type LoadOptions, openFiles, readTensor } from "../../model/load_model.ts";
import { withOffset } from "../../model/model.ts";
import type { Tokenizer } from "../../model/tokenizer/tokenizer.ts";

/** Matrices by tensor name that take the place of those on disk. */
export type Replaced = ReadonlyMap<string, Matrix | PackedMatrix>;

/** A part of the decoder with its weights on the backend; disposing of it gives them back. */
export interface LoadedPart extends Disposable {
  /** The part. */
  readonly decoder: Decoder;
}

/** A model of which no more than a part is in memory. */
export class ModelOnDisk implements Disposable {
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

  /** Module names of the Linears that quantization is about, in order. */
  linears(): string[] {
    return Array.from(linearsOf(this.layout), ({ name }) => name);
  }

  /** Module names of a layer's Linears. */
  linearsOfLayer(layer: number): string[] {
    return Array.from(
      linearsOf({ ...this.layout, layers: [this.layout.layers[layer]!] }),
      ({ name }) => name,
    );
  }

  /**
   * Reads a Linear's weights, as float32 where they are dense.
   *
   * @throws {CheckpointError} when they are missing or cut off.
   */
  weights(linear: string): Matrix | PackedMatrix {
    return readTensor(this.checkpoint, this.#place(`${linear}.weight`));
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

  /** Rows and columns of a Linear. */
  shape(linear: string): { rows: number; cols: number } {
    return this.#place(`${linear}.weight`);
  }

  #place(tensor: string): TensorPlace {
    const found = this.places.get(tensor);
    if (!found) {
      throw new OptionError(`Cannot find ${tensor}: this model has Linears such as ${this.linears()[0]}`);
    }
    return found;
  }

  /**
   * Loads a part of the decoder.
   *
   * @param options.replaced tensors to take instead of those on disk.
   * @param options.ids of the embedding's rows only these, in their order.
   */
  part(part: DecoderPart, options: { replaced?: Replaced; ids?: readonly number[] } = {}): LoadedPart {
    const { backend, checkpoint } = this;
    const { replaced, ids } = options;
    const held: (Matrix | PackedMatrix)[] = [];
    const rooms: Uint8Array[] = [];
    const room = backend.room && ((bytes: number) => {
      const found = this.#rooms.get(bytes)?.pop() ?? backend.room!(bytes);
      rooms.push(found);
      return found;
    });
    const read = (name: string) => {
      const place = this.places.get(name);
      if (!place) return undefined;
      if (ids && place === this.layout.embedding) return checkpoint.rows(name, ids);
      return readTensor(checkpoint, place, room);
    };
    const find = (name: string, offset = 0) => {
      const found = replaced?.get(name) ?? read(name);
      if (!found) return undefined;
      const matrix = withOffset(found, offset);
      held.push(matrix);
      return backend.weight(matrix);
    };
    return {
      decoder: new Decoder(checkpoint.config, { layout: this.layout, backend, find, part }),
      [Symbol.dispose]: () => {
        for (const matrix of held) backend.forget?.(matrix);
        for (const bytes of rooms) {
          const same = this.#rooms.get(bytes.length) ?? [];
          this.#rooms.set(bytes.length, [...same, bytes]);
        }
      },
    };
  }

  /** Closes its files and gives back the backend. */
  [Symbol.dispose](): void {
    this.checkpoint[Symbol.dispose]();
    this.backend[Symbol.dispose]();
  }
}
