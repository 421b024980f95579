/**
 * Progress of long work, on stderr so that results on stdout stay clean: a bar in a terminal, a live one in a
 * notebook, a plain line now and then elsewhere.
 *
 * @module
 */
// @ts-types="./cli_progress.d.ts"
import cliProgress from "cli-progress";
import { jupyter } from "../jupyter.ts";
import { escapeHtml } from "../escape_html.ts";
import { terminalWidth } from "./table.ts";
import { duration } from "./units.ts";
import { visible } from "./visible.ts";
import { cut, displayWidth } from "./width.ts";

/** Shows how far a piece of work has come; disposing of it ends the bar. */
export interface Progress extends Disposable {
  /** Says how much is done, in the units of the total, and perhaps what is being worked on. */
  update(done: number, note?: string): void;
  /** Ends the bar: all is done. Later calls do nothing. */
  done(note?: string): void;
}

/** How progress is shown. */
export interface ProgressOptions {
  /** Show nothing. */
  readonly quiet?: boolean;
  /** Writes a plain line, and only plain lines are then written; by default console.error. */
  readonly write?: (line: string) => void;
  /** Milliseconds that only grow; by default performance.now. */
  readonly now?: () => number;
}

/** What is known at a moment. */
interface Moment {
  readonly label: string;
  /** Part that is done, 0 to 1. */
  readonly part: number;
  /** What is being worked on. */
  readonly note: string;
  readonly seconds: number;
  /** Seconds that are probably left; undefined until there is something to judge by. */
  readonly left?: number;
}

/** Draws moments; `end` gets the last one, `finished` when all was done. */
interface Renderer {
  draw(moment: Moment): void;
  end(moment: Moment, finished: boolean): void;
}

/** Work shorter than this leaves no line behind. */
const SHORT_SECONDS = 2;
const SECONDS_BETWEEN_LINES = 5;

/**
 * Starts showing progress.
 *
 * Disposing of the result ends it too, as done when the total was reached, else without a closing line.
 *
 * @param label what is being done: "quantizing".
 * @param total how much there is to do, in any unit.
 *
 * @example
 * ```ts
 * import { progress } from "any4";
 * using bar = progress("quantizing", 42);
 * for (let i = 0; i < 42; i++) bar.update(i + 1, `layer ${i}`);
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
      // What was last worked on says nothing about the whole.
      note = "";
      end(part === 1);
    },
  };
}

function rendererHere(label: string): Renderer {
  // A notebook first: its kernel may have the terminal in which the notebook's server was started.
  const notebook = notebookBar();
  if (notebook) return notebook;
  return Deno.stderr.isTerminal() ? terminalBar(label) : plainLines((line) => console.error(line));
}

/** "quantizing: done in 28 s", and what came of it. */
function closingLine({ label, seconds, note }: Moment): string {
  return visible(`${label}: done in ${duration(seconds)}${note === "" ? "" : `, ${note}`}`);
}

/** A bar that is redrawn in place; a line stays where the work took a while. */
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

/** A line after the first seconds, then one now and then. */
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

/** Milliseconds between redraws: more would flood the notebook's messages. */
const LEAST_PAUSE_MS = 200;

function notebookHtml({ label, part, note, seconds, left }: Moment, ended: boolean): string {
  const rest = ended ? `done in ${duration(seconds)}` : left === undefined ? "" : `${duration(left)} left`;
  const words = [`${Math.floor(100 * part)}\u00a0%`, rest, note].filter((word) => word !== "").join(" · ");
  return `<div>${escapeHtml(label)} <progress max="1" value="${part}"></progress> ${escapeHtml(words)}</div>`;
}

/** Draws into one output that is replaced as the work goes on; undefined outside a notebook. */
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
