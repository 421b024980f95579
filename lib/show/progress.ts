/**
 * Progress of long work, on stderr: a bar in a terminal, a plain line now and then elsewhere.
 *
 * @module
 */
// @ts-types="npm:@types/cli-progress@3.11.6"
import cliProgress from "cli-progress";

/** Shows how far a piece of work has come; disposing of it ends the bar. */
export interface Progress extends Disposable {
  /** Says how much is done, and perhaps what is being done. */
  update(done: number, note?: string): void;
}

/** Milliseconds between plain lines, and before the first. */
const QUIET_TIME = 5000;

/**
 * Starts a progress bar.
 *
 * @param label what is being done.
 * @param total how much there is to do, in any unit.
 * @param options.quiet show nothing.
 */
export function progress(label: string, total: number, options: { quiet?: boolean } = {}): Progress {
  if (options.quiet) return { update() {}, [Symbol.dispose]() {} };
  return Deno.stderr.isTerminal() ? bar(label, total) : lines(label, total);
}

function bar(label: string, total: number): Progress {
  const format = `${label} {bar} {percentage} % | {eta_formatted} left {note}`;
  const drawn = new cliProgress.SingleBar(
    { format, hideCursor: true, clearOnComplete: true, stopOnComplete: false, barsize: 24, etaBuffer: 50 },
    cliProgress.Presets.shades_classic,
  );
  drawn.start(total, 0, { note: "" });
  return {
    update: (done, note) => drawn.update(done, note === undefined ? {} : { note }),
    [Symbol.dispose]: () => drawn.stop(),
  };
}

function lines(label: string, total: number): Progress {
  let last = performance.now();
  return {
    update(done, note) {
      if (performance.now() - last < QUIET_TIME) return;
      last = performance.now();
      console.error(`${label}: ${Math.floor(100 * done / total)} %${note === undefined ? "" : `, ${note}`}`);
    },
    [Symbol.dispose]() {},
  };
}
