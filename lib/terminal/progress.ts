/**
 * Progress of long work, on stderr so that stdout has results only: a bar in a terminal, an updated output in a
 * notebook, elsewhere an occasional line.
 *
 * @module
 */
// @ts-types="./cli_progress.d.ts"
import cliProgress from "npm:cli-progress@3.12.0";
import { jupyter } from "../jupyter.ts";
import { escapeHtml } from "../escape_html.ts";
import { terminalWidth } from "./table.ts";
import { duration } from "./units.ts";
import { visible } from "./visible.ts";
import { cut, displayWidth } from "./width.ts";

/** A progress display; disposing of it ends it. */
export interface Progress extends Disposable {
  /** Updates the amount done, in units of the total, and perhaps a note. */
  update(done: number, note?: string): void;
  /** Ends the display: all is done. Later calls do nothing. */
  done(note?: string): void;
}

/** Options of {@linkcode progress}. */
export interface ProgressOptions {
  /** Whether to show nothing. */
  readonly quiet?: boolean;
  /** Writes a plain line; if given, only plain lines are written. console.error when absent. */
  readonly write?: (line: string) => void;
  /** A monotonic clock in milliseconds; performance.now when absent. */
  readonly now?: () => number;
}

/** The state at a moment. */
interface Moment {
  readonly label: string;
  /** The part that is done, from 0 to 1. */
  readonly part: number;
  /** The note. */
  readonly note: string;
  readonly seconds: number;
  /** The estimated seconds left; undefined until an estimate is possible. */
  readonly left?: number;
}

/** Draws states; `end` receives the last one, and whether all was done. */
interface Renderer {
  draw(moment: Moment): void;
  end(moment: Moment, finished: boolean): void;
}

/** Shorter work, in seconds, leaves no line. */
const SHORT_SECONDS = 2;
const SECONDS_BETWEEN_LINES = 5;

/**
 * Starts a progress display.
 *
 * Disposing of the result ends it: as done if the total was reached, else without a closing line.
 *
 * @param label a name of the work: "quantizing".
 * @param total the amount of work, in any unit.
 *
 * @example
 * ```ts
 * import { progress } from "any4/show";
 * import { assertEquals } from "@std/assert";
 * using bar = progress("quantizing", 42);
 * for (let i = 0; i < 42; i++) bar.update(i + 1, `layer ${i}`);
 * assertEquals(typeof bar.done, "function"); // ends it early
 * ```
 */
export function progress(label: string, total: number, options: ProgressOptions = {}): Progress {
  if (options.quiet) return { update() {}, done() {}, [Symbol.dispose]() {} };
  const now = options.now ?? (() => performance.now());
  const renderer = options.write ? plainLines(options.write) : rendererHere(label);
  const start = now();
  let [part, note, ended] = [0, "", false];

  const moment = (): Moment => {
    const seconds = (now() - start) / 1000;
    const left = part > 0 && part < 1 && seconds > 1 ? seconds * (1 - part) / part : undefined;
    return { label, part, note, seconds, left };
  };
  const end = (finished: boolean) => {
    if (ended) return;
    ended = true;
    renderer.end(moment(), finished);
  };
  return {
    update(done, text) {
      if (ended) return;
      part = total > 0 ? Math.min(Math.max(done / total, 0), 1) : 1;
      note = text ?? note;
      renderer.draw(moment());
    },
    done(text = "") {
      [part, note] = [1, text];
      end(true);
    },
    [Symbol.dispose]() {
      // The last note does not describe the whole.
      note = "";
      end(part === 1);
    },
  };
}

function rendererHere(label: string): Renderer {
  // A notebook comes first: its kernel can inherit the terminal of the notebook's server.
  const notebook = notebookBar();
  if (notebook) return notebook;
  return Deno.stderr.isTerminal() ? terminalBar(label) : plainLines((line) => console.error(line));
}

/** "quantizing: done in 28 s", and the note. */
function closingLine({ label, seconds, note }: Moment): string {
  return visible(`${label}: done in ${duration(seconds)}${note === "" ? "" : `, ${note}`}`);
}

/** A bar that is redrawn in place; after long work, a line stays. */
function terminalBar(label: string): Renderer {
  // Braces would be read as placeholders, and a wrapped line could not be redrawn: hence payload and cut.
  const bar = new cliProgress.SingleBar({
    format: "{label} {bar} {percentage} %{rest}",
    barsize: 24,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    clearOnComplete: true,
    // "true" keeps the terminal's own wrapping on, so that an interrupt cannot leave it switched off.
    linewrap: true,
    fps: 10,
  });
  const payload = ({ left, note }: Moment) => {
    const columns = terminalWidth();
    const shown = cut(visible(label), Math.max(columns - 40, 8));
    const rest = (left === undefined ? "" : `  ${duration(left)} left`) +
      (note === "" ? "" : `  ${visible(note)}`);
    // 24 of the bar, "100 %", two spaces, and one column that stays free.
    return { label: shown, rest: cut(rest, Math.max(columns - displayWidth(shown) - 32, 0)) };
  };
  bar.start(1, 0, { label: cut(visible(label), Math.max(terminalWidth() - 40, 8)), rest: "" });
  return {
    draw: (moment) => bar.update(moment.part, payload(moment)),
    end(moment, finished) {
      bar.update(moment.part, payload(moment));
      bar.stop();
      if (finished && moment.seconds >= SHORT_SECONDS) console.error(closingLine(moment));
    },
  };
}

/** A line after the first seconds, then further ones at growing intervals. */
function plainLines(write: (line: string) => void): Renderer {
  let next = SECONDS_BETWEEN_LINES;
  return {
    draw({ label, part, note, seconds, left }) {
      if (seconds < next || part === 1) return;
      next = seconds + SECONDS_BETWEEN_LINES;
      const rest = [left === undefined ? "" : `about ${duration(left)} left`, note].filter((text) =>
        text !== ""
      );
      write(visible(`${label}: ${[`${Math.floor(100 * part)}\u00a0%`, ...rest].join(", ")}`));
    },
    end(moment, finished) {
      if (finished && moment.seconds >= SHORT_SECONDS) write(closingLine(moment));
    },
  };
}

/** Milliseconds between redraws; more frequent ones would flood the notebook with messages. */
const LEAST_PAUSE_MS = 200;

function notebookHtml({ label, part, note, seconds, left }: Moment, ended: boolean): string {
  const rest = ended ? `done in ${duration(seconds)}` : left === undefined ? "" : `${duration(left)} left`;
  const words = [`${Math.floor(100 * part)}\u00a0%`, rest, note].filter((word) => word !== "").join(" · ");
  return `<div>${escapeHtml(label)} <progress max="1" value="${part}"></progress> ${escapeHtml(words)}</div>`;
}

/** Draws into one output, which is replaced at each update; undefined outside of a notebook. */
function notebookBar(): Renderer | undefined {
  const kernel = jupyter();
  if (kernel === undefined) return undefined;
  const id = crypto.randomUUID();
  let last = -Infinity;
  let shown = false;
  const show = (moment: Moment, ended: boolean) => {
    const text = notebookHtml(moment, ended);
    kernel.broadcast(shown ? "update_display_data" : "display_data", {
      data: { "text/html": text, "text/plain": `${moment.label} ${Math.floor(100 * moment.part)} %` },
      metadata: {},
      transient: { display_id: id },
    });
    shown = true;
  };
  return {
    draw(moment) {
      if (moment.seconds < 0.5 || 1000 * moment.seconds - last < LEAST_PAUSE_MS) return;
      last = 1000 * moment.seconds;
      show(moment, false);
    },
    end(moment, finished) {
      if (shown) show(moment, finished);
    },
  };
}
