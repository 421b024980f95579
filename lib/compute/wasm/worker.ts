/**
 * A thread of a pool: runs kernels until it is told to end.
 *
 * @module
 */
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Control, type Kernel } from "./control.ts";

/** The data that a worker starts with. */
export interface WorkerData {
  /** {@linkcode Control.buffer} of the pool. */
  readonly control: SharedArrayBuffer;
  /** The compiled kernels. */
  readonly module: WebAssembly.Module;
  /** Where each arena's memory comes, before the first job in it, in the order of their numbers. */
  readonly memories: MessagePort;
}

const { control: buffer, module, memories }: WorkerData = workerData;
const names = WebAssembly.Module.exports(module).map(({ name }) => name);
const arenas: Kernel[][] = [];

/** The kernel of that index, instantiated in the arena of that number. */
function find(arena: number, kernel: number): Kernel {
  while (arenas.length <= arena) {
    const memory: WebAssembly.Memory = receiveMessageOnPort(memories)!.message;
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    arenas.push(names.map((name) => exports[name] as Kernel));
  }
  return arenas[arena]![kernel]!;
}

const control = new Control(buffer);
control.start();
while (control.next()) control.enter(find);
memories.close();
