/**
 * A process to be killed while it quantizes, saves or downloads: at its n-th call that changes the disk, or from outside.
 *
 * @module
 */
import { loadModel, quantizeModel, quantizeOnDisk, saveModel } from "any4";
import { downloadModel } from "any4/hub";

const [what, from, to, at] = Deno.args as [string, string, string, string];
let calls = 0;
let counting = false;
const { writeSync } = Deno.FsFile.prototype;

/** Calls a function, or dies instead, a part of its bytes written. */
// deno-lint-ignore no-explicit-any
function counted(owner: any, name: string): void {
  const real = owner[name];
  owner[name] = function (this: unknown, ...args: unknown[]) {
    if (counting && ++calls === Number(at)) {
      const [bytes] = args;
      if (bytes instanceof Uint8Array) {
        writeSync.call(this as Deno.FsFile, bytes.subarray(0, bytes.length >> 1));
      }
      Deno.kill(Deno.pid, "SIGKILL");
      for (;;);
    }
    return real.apply(this, args);
  };
}
for (const name of ["renameSync", "linkSync", "symlinkSync", "removeSync", "mkdirSync", "openSync"]) {
  counted(Deno, name);
}
for (const name of ["rename", "open", "writeTextFileSync"]) counted(Deno, name);
for (const name of ["write", "syncSync", "sync", "truncate"]) counted(Deno.FsFile.prototype, name);
counted(Deno.FsFile.prototype, "writeSync");

const jobs: Record<string, () => Promise<unknown>> = {
  quantize: () =>
    quantizeOnDisk(from, to, { backend: "plain", calibration: "Once upon a time.", groupSize: 32 }),
  async saveModel() {
    using model = await loadModel(from, { backend: "plain" });
    using small = await quantizeModel(model, { format: "nf4", groupSize: 32 });
    counting = true;
    await saveModel(small, to);
  },
  download: () =>
    downloadModel("org/name", { endpoint: from, cache: to, token: "", offline: false, retryDelay: 1 }),
};
console.log("ready");
counting = what !== "saveModel";
await jobs[what]!();
console.log(calls);
