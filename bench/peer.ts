/**
 * A program that takes turns with ours: it is kept running, and answers lines with lines of JSON.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** A Python script of this folder. */
export class Peer {
  readonly #process: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #rest = "";

  /** Starts the script. */
  constructor(python: string, script: string, args: readonly string[]) {
    this.#process = new Deno.Command(python, {
      args: [fileURLToPath(new URL(script, import.meta.url)), ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reader = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#writer = this.#process.stdin.getWriter();
  }

  /** The next line that it prints. */
  async read<T>(): Promise<T> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#reader.read();
      if (done) {
        const reason = (await new Response(this.#process.stderr).text()).trim().split("\n").at(-1);
        throw new Error(reason || "it ended early");
      }
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line);
  }

  /** Its answer to a line. */
  async ask<T>(line: string): Promise<T> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
    return await this.read<T>();
  }

  /** Lets it end. */
  async close(): Promise<void> {
    await this.#writer.close();
    await this.#process.stderr.cancel();
    await this.#process.status;
  }
}
