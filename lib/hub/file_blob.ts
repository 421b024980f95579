/**
 * A file as a Blob that is read while it is sent.
 *
 * @module
 */

/** Bytes that are read at a time. */
const CHUNK_BYTES = 2 ** 18;

/**
 * Part of a file, read from the disk on demand.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const blob = FileBlob.of("models/tinyworld/config.json");
 * assertEquals(await blob.slice(0, 1).text(), "{");
 * ```
 */
export class FileBlob extends Blob {
  readonly #path: string;
  readonly #from: number;
  readonly #to: number;
  #onRead?: (bytes: number, name: string) => void;

  private constructor(path: string, from: number, to: number) {
    super();
    this.#path = path;
    this.#from = from;
    this.#to = to;
  }

  /** A whole file. */
  static of(path: string): FileBlob {
    return new FileBlob(path, 0, Deno.statSync(path).size);
  }

  /** Bytes. */
  override get size(): number {
    return this.#to - this.#from;
  }

  /** The same blob, which reports the bytes read so far after each read, as it did to others before. */
  counted(onRead: (bytes: number, name: string) => void): FileBlob {
    const blob = new FileBlob(this.#path, this.#from, this.#to);
    const before = this.#onRead;
    blob.#onRead = (bytes, name) => {
      before?.(bytes, name);
      onRead(bytes, name);
    };
    return blob;
  }

  /** Part of it. Negative positions are not supported. */
  override slice(from = 0, to: number = this.size): FileBlob {
    const end = Math.min(this.#from + to, this.#to);
    return new FileBlob(this.#path, Math.min(this.#from + from, end), end);
  }

  /** All of it. */
  override async arrayBuffer(): Promise<ArrayBuffer> {
    return await new Response(this.stream()).arrayBuffer();
  }

  /** All of it, as text. */
  override async text(): Promise<string> {
    return new TextDecoder().decode(await this.arrayBuffer());
  }

  /** Piece by piece. */
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    let file: Deno.FsFile | undefined;
    let left = this.size;
    return new ReadableStream({
      pull: async (out) => {
        try {
          if (!file) {
            file = await Deno.open(this.#path);
            await file.seek(this.#from, Deno.SeekMode.Start);
          }
          const chunk = new Uint8Array(Math.min(CHUNK_BYTES, left));
          const read = left > 0 ? await file.read(chunk) : null;
          if (left > 0 && !read) throw new Error(`${this.#path} has become shorter`);
          left -= read ?? 0;
          if (read) out.enqueue(chunk.subarray(0, read));
          this.#onRead?.(this.size - left, this.#path.slice(this.#path.lastIndexOf("/") + 1));
          if (left > 0) return;
          out.close();
        } catch (error) {
          out.error(error);
        }
        file?.close();
        file = undefined;
      },
      cancel: () => {
        file?.close();
        file = undefined;
      },
    });
  }
}
