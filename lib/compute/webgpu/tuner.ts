/**
 * The choice of the fastest kernel on this device, by timing; results are remembered on disk.
 *
 * @module
 */
import { cacheFolder } from "../../cache_folder.ts";
import { ask, tryTo, writeText } from "../../files/disk.ts";
import type { Device } from "./device.ts";

/** Options of a tuner. */
export interface TunerOptions {
  /** Time candidates; when false, what is remembered is used, and the default where nothing is. */
  readonly tune: boolean;
  /** The file of the fastest kernels; none when absent. */
  readonly file?: string;
}

/** The file's content: the names of the fastest kernels, by task and by device. */
type Winners = Record<string, Record<string, string>>;

/** Rounds in which candidates take turns; the median counts. */
const ROUNDS = 5;

/** The choices of a device. */
export class Tuner {
  readonly #device: Device;
  readonly #options: TunerOptions;
  readonly #winners: Map<string, string>;

  /** Remembers what the file holds about the device; a file that is not there or makes no sense is no reason to stop. */
  constructor(device: Device, options: TunerOptions) {
    this.#device = device;
    this.#options = options;
    const known = options.file === undefined ? {} : readWinners(options.file)[device.description];
    this.#winners = new Map(Object.entries(known ?? {}));
  }

  /** The name of the winner at a task, if it is known. */
  winner(task: string): string | undefined {
    return this.#winners.get(task);
  }

  /** Whether a task is still to be timed. */
  isOpen(task: string): boolean {
    return this.#options.tune && !this.#winners.has(task);
  }

  /**
   * Lets candidates take turns at a task, and remembers the fastest.
   *
   * @param candidates each runs once, over enough weights to leave none in a cache, and gives the seconds that it took.
   */
  async decide(task: string, candidates: ReadonlyMap<string, () => Promise<number>>): Promise<string> {
    const times = new Map([...candidates.keys()].map((name) => [name, [] as number[]]));
    // The first round compiles.
    for (let round = -1; round < ROUNDS; round++) {
      for (const [name, run] of candidates) {
        const seconds = await run();
        if (round >= 0) times.get(name)!.push(seconds);
      }
    }
    const median = (name: string) => times.get(name)!.sort((a, b) => a - b)[ROUNDS >> 1]!;
    const winner = [...candidates.keys()].reduce((best, name) => median(name) < median(best) ? name : best);
    this.#winners.set(task, winner);
    this.#save(task, winner);
    return winner;
  }

  #save(task: string, winner: string): void {
    const { file } = this.#options;
    if (file === undefined || !granted({ name: "write", path: file })) return;
    const all = readWinners(file);
    all[this.#device.description] = { ...all[this.#device.description], [task]: winner };
    // On a full disk, say, the next process times again.
    tryTo(() => {
      Deno.mkdirSync(file.replace(/[^/\\]*$/, ""), { recursive: true });
      writeText(file, JSON.stringify(all, null, 2));
    });
  }
}

/** What a file says that is an object of objects of names; what is something else is left out. */
function readWinners(file: string): Winners {
  const entries = (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  const devices = entries(ask(() => JSON.parse(Deno.readTextFileSync(file))));
  const names = (tasks: unknown) => entries(tasks).filter(([, name]) => typeof name === "string");
  return Object.fromEntries(devices.map(([device, tasks]) => [device, Object.fromEntries(names(tasks))]));
}

/**
 * The file in which the fastest GPU kernels are remembered by default: any4/kernels.json in the user's cache folder; undefined
 * if the process may not read there, or may not know where it is.
 */
export function winnersFile(): string | undefined {
  const folder = cacheFolder();
  if (!folder) return undefined;
  const file = `${folder}/kernels.json`;
  return granted({ name: "read", path: file }) ? file : undefined;
}

function granted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
