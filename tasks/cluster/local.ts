/**
 * Units as processes of this machine.
 *
 * @module
 */
import { type Batch, type Engine, type Job, type Left, logOf, scriptOf } from "./engine.ts";

/** Runs some processes at a time. */
export class Local implements Engine {
  readonly #job: Job;
  readonly #processes: number;
  readonly #running = new Set<Deno.ChildProcess>();
  readonly #endings = new Map<string, string>();
  #waiting = 0;
  #stopped = false;

  /** @param processes how many run at a time. */
  constructor(job: Job, processes: number) {
    this.#job = job;
    this.#processes = processes;
  }

  submit(batches: readonly Batch[]): Promise<void> {
    this.#waiting = batches.reduce((sum, { indices }) => sum + indices.length, 0);
    this.#run(batches);
    return Promise.resolve();
  }

  async #run(batches: readonly Batch[]): Promise<void> {
    for (const { stage, indices } of batches) {
      const queue = [...indices];
      let failed = false;
      const work = async () => {
        for (let index; (index = queue.shift()) !== undefined && !this.#stopped;) {
          if (!await this.#unit(stage, index)) failed = true;
        }
      };
      await Promise.all(Array.from({ length: this.#processes }, work));
      if (failed || this.#stopped) break;
    }
    this.#waiting = 0;
  }

  async #unit(stage: string, index: number): Promise<boolean> {
    const log = await Deno.open(logOf(this.#job, stage, index), { create: true, append: true });
    const child = new Deno.Command("bash", {
      args: [scriptOf(this.#job), stage, String(index)],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#waiting--;
    this.#running.add(child);
    const copy = async (stream: ReadableStream<Uint8Array>) => {
      for await (const bytes of stream) {
        for (let at = 0; at < bytes.length;) at += await log.write(bytes.subarray(at));
      }
    };
    const [{ success, code, signal }] = await Promise.all([
      child.status,
      copy(child.stdout),
      copy(child.stderr),
    ]);
    log.close();
    this.#running.delete(child);
    this.#endings.set(`${stage}/${index}`, signal ? `ended by ${signal}` : `status ${code}`);
    return success;
  }

  left(): Promise<Left> {
    return Promise.resolve({ running: this.#running.size, waiting: this.#waiting });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const children = [...this.#running];
    for (const child of children) {
      try {
        child.kill("SIGTERM");
      } catch {
        // It has ended.
      }
    }
    await Promise.all(children.map(({ status }) => status));
  }

  ending(stage: string, index: number): Promise<string | undefined> {
    return Promise.resolve(this.#endings.get(`${stage}/${index}`));
  }
}
