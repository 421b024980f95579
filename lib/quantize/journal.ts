/**
 * What a quantization from disk to disk has done so far: when it is killed, the next one resumes there.
 *
 * It is a folder inside the output's, with the files of a {@linkcode FileStore} and
 *
 * - `job.json`: what was asked for, what the model was like, and in the end what came of it;
 * - `lock`: held by the process that is at the job.
 *
 * @module
 */
import { CheckpointError, ResumeError } from "../errors.ts";
import { CheckedFile } from "../files/safetensors/checked.ts";
import { tryTo, writeText } from "../files/disk.ts";
import { readObject } from "../files/json_file.ts";
import { sha256 } from "../files/sha256.ts";
import type { TensorToWrite } from "../files/safetensors/write.ts";
import { UNFINISHED } from "../model/checkpoint/file_names.ts";
import { FileStore } from "./file_store.ts";
import type { Asked } from "./fingerprint.ts";
import type { Kept, Kind, Store } from "./store.ts";

/** A Linear as its file has it. */
export interface StoredLinear {
  /** Its format's name. */
  readonly format: string;
  /** Columns that share a scale. */
  readonly groupSize: number;
  /** The part of its output that became noise. */
  readonly error: number;
  /** Its tensors, whose bytes are read on demand. */
  readonly tensors: readonly TensorToWrite[];
}

/** The content of job.json. */
interface JobFile {
  /** Of this file and of all others. */
  readonly version: number;
  /** The options of the quantization. */
  readonly asked: Asked;
  /** The form of the written model, and the result. */
  readonly finished?: Finished;
}

/** A finished model. */
interface Finished {
  /** The form of the written model. */
  readonly form: unknown;
  /** The result. */
  readonly result: unknown;
}

/** 1 had files without checksums, and `{ asked }` alone in job.json. */
const VERSION = 2;
const JOB = "job.json";
const LOCK = "lock";

const START_OVER = "start over with { restart: true } (--restart)";

/** The journal of one job, which no other process can open meanwhile. */
export class Journal implements Store, Disposable {
  readonly #out: string;
  readonly #folder: string;
  readonly #files: FileStore;
  /** What to do where a file is damaged. */
  readonly #remedy: string;
  readonly #lock: Deno.FsFile;
  readonly #asked: Asked;
  /** Linears that were done when it was opened. */
  readonly found: number;
  /** The result of the job, if it was finished but the process was killed before it removed the journal. */
  readonly finished: unknown;

  private constructor(
    out: string,
    means: { folder: string; lock: Deno.FsFile; asked: Asked; finished: unknown; files?: FileStore },
  ) {
    this.#out = out;
    this.#folder = means.folder;
    this.#files = means.files ?? new FileStore(means.folder);
    this.#remedy = means.files ? "remove that file and run its unit again" : START_OVER;
    this.#lock = means.lock;
    this.#asked = means.asked;
    this.finished = means.finished;
    this.found = [...Deno.readDirSync(means.folder)].filter(({ name }) => name.startsWith("linear-")).length;
  }

  /**
   * Begins a job, or resumes one.
   *
   * @param folder where the model is to be written.
   * @param options.asked what is asked for: a job is resumed only if it was the same when it was begun.
   * @param options.form how the model is to be written: of a finished one, that must be the same too.
   * @param options.restart drop what was done.
   * @param options.files where Linears are that others have done; the journal's own folder when absent.
   * @param options.held receives the lock, to close it where the journal is not closed.
   * @throws {ResumeError} when something else was asked for, another process is at the job, or job.json is another release's
   * or damaged.
   * @throws {CheckpointError} when the folder cannot be written.
   */
  static open(
    folder: string,
    options: { asked: Asked; form?: unknown; restart?: boolean; files?: FileStore; held?: DisposableStack },
  ): Journal {
    const { asked, form, restart, files } = options;
    const place = `${folder}/${UNFINISHED}`;
    using open = new DisposableStack();
    try {
      Deno.mkdirSync(place, { recursive: true });
      // The lock is released when the process dies.
      const lock = open.use(Deno.openSync(`${place}/${LOCK}`, { write: true, create: true }));
      if (!lock.tryLockSync(true)) {
        throw new ResumeError(`Cannot quantize into ${folder}: another process is at it`);
      }
      options.held?.use(lock);
      for (const { name } of [...Deno.readDirSync(place)]) {
        // Files that were incomplete when the process was killed.
        if (name !== LOCK && (restart || name.endsWith(".part"))) {
          Deno.removeSync(`${place}/${name}`, { recursive: true });
        }
      }
      const begun = readJob(folder, `${place}/${JOB}`);
      if (begun) {
        check(folder, { was: begun.asked, is: asked });
        if (begun.finished) {
          const [was, is] = [{ "how it is written": begun.finished.form }, { "how it is written": form }];
          check(folder, { was, is });
        }
      } else writeJob(`${place}/${JOB}`, { version: VERSION, asked });
      const finished = begun?.finished?.result;
      const journal = new Journal(folder, { folder: place, lock, asked, finished, files });
      open.move();
      return journal;
    } catch (cause) {
      if (cause instanceof CheckpointError || cause instanceof ResumeError) throw cause;
      throw new CheckpointError(`Cannot write ${folder}: ${(cause as Error).message}`, { cause });
    }
  }

  /** Whether it has a value. */
  has(kind: Kind, name: string): boolean {
    return this.#files.has(kind, name);
  }

  /**
   * The value kept, if there is one.
   *
   * @throws {ResumeError} when its file is damaged.
   */
  get<K extends Kind>(kind: K, name: string): Kept[K] | undefined {
    return this.#reading(() => this.#files.get(kind, name));
  }

  /** Keeps a value. */
  set<K extends Kind>(kind: K, name: string, value: Kept[K]): void {
    this.#files.set(kind, name, value);
  }

  /**
   * A Linear that is done, as its file has it.
   *
   * @throws {ResumeError} when its file is damaged, also when its tensors are asked for.
   */
  linear(linear: string): StoredLinear {
    const kind = this.has("tuned", linear) ? "tuned" : "linear";
    const open = () => CheckedFile.open(this.#files.path(kind, linear));
    return this.#reading(() => {
      using file = open();
      const { format, group_size, error } = file.metadata;
      return {
        format: format!,
        groupSize: Number(group_size),
        error: Number(error),
        tensors: Array.from(file.names(), (name) => ({
          ...file.info(name),
          data: () =>
            this.#reading(() => {
              using again = open();
              return again.read(name);
            }),
        })),
      };
    });
  }

  /**
   * Says that the model is written, and what came of it. Nothing else is kept from here on: there is nothing left to do but
   * what `quantizeOnDisk` does afterwards.
   */
  finish(finished: Finished): void {
    writeJob(`${this.#folder}/${JOB}`, { version: VERSION, asked: this.#asked, finished });
    this.#clear();
  }

  /** Removes the journal; what says that it may be removed goes last. */
  remove(): void {
    this.#clear();
    Deno.removeSync(`${this.#folder}/${JOB}`);
    this[Symbol.dispose]();
    Deno.removeSync(this.#folder, { recursive: true });
  }

  #clear(): void {
    for (const { name } of [...Deno.readDirSync(this.#folder)]) {
      if (name !== JOB && name !== LOCK) Deno.removeSync(`${this.#folder}/${name}`, { recursive: true });
    }
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof CheckpointError)) throw cause;
      throw new ResumeError(`Cannot resume in ${this.#out}: ${cause.message}; ${this.#remedy}`, { cause });
    }
  }

  /** Lets other processes open it. */
  [Symbol.dispose](): void {
    // It may be closed already.
    tryTo(() => this.#lock.close());
  }
}

/** The options that a job was begun with; undefined if there is no job. */
function readJob(folder: string, path: string): JobFile | undefined {
  const damaged = (cause?: unknown) =>
    new ResumeError(`Cannot resume in ${folder}: ${path} is damaged; ${START_OVER}`, { cause });
  let read: Record<string, unknown> | undefined;
  try {
    read = readObject(path);
  } catch (cause) {
    throw damaged(cause);
  }
  if (!read) return undefined;
  const { sha256: sum, ...job } = read as Partial<JobFile> & { sha256?: string };
  const version = job.version ?? 1;
  if (version !== VERSION) {
    throw new ResumeError(
      `Cannot resume in ${folder}: it was begun by another release of any4-deno, whose journal has version ${version}, ` +
        `this one's has ${VERSION}; finish it with that release, or ${START_OVER}`,
    );
  }
  if (sum !== sumOf(job)) throw damaged();
  return job as JobFile;
}

function writeJob(path: string, job: JobFile): void {
  const text = JSON.stringify({ ...job, sha256: sumOf(job) });
  writeText(path, text + "\n");
}

const sumOf = (job: Partial<JobFile>) => sha256([JSON.stringify(job)]);

/** Compares the options of the job with the given ones. */
function check(folder: string, { was, is }: { was: Asked; is: Asked }): void {
  const changed = [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .map((key) => ({ key, before: show(was[key]), now: show(is[key]) }))
    .filter(({ before, now }) => before !== now);
  if (changed.length === 0) return;
  // A hash or a long list says nothing to a person.
  const list = changed.map(({ key, before, now }) =>
    (before + now).length > 160 ? `${key} has changed` : `${key} was ${before} and is ${now} now`
  );
  throw new ResumeError(
    `Cannot resume in ${folder}: ${list.join(", ")}; ask for the same as when it was begun, or ${START_OVER}`,
  );
}

const show = (value: unknown) => value === undefined ? "not given" : JSON.stringify(value);
