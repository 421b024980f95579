/**
 * A progress bar in a notebook's output.
 *
 * @module
 */
import { escapeHtml } from "./html.ts";
import type { Moment, Renderer } from "./renderer.ts";
import { duration } from "./units.ts";

/** The part of Deno.jupyter that is used; it is there only inside a kernel. */
interface Jupyter {
  broadcast(type: string, content: Record<string, unknown>): Promise<void>;
}

/** Milliseconds between redraws: more would flood the notebook's messages. */
const MOST_OFTEN = 200;
/** Work shorter than this shows nothing. */
const SHORT_SECONDS = 0.5;

function kernel(): Jupyter | undefined {
  try {
    return (Deno as unknown as { jupyter?: Jupyter }).jupyter;
  } catch {
    return undefined; // outside a kernel, looking is an error
  }
}

function html({ label, part, note, seconds, left }: Moment, ended: boolean): string {
  const rest = ended ? `done in ${duration(seconds)}` : left === undefined ? "" : `${duration(left)} left`;
  const words = [`${Math.floor(100 * part)}\u00a0%`, rest, note].filter((word) => word !== "").join(" · ");
  return `<div>${escapeHtml(label)} <progress max="1" value="${part}"></progress> ${escapeHtml(words)}</div>`;
}

/** Draws into one output that is replaced as the work goes on; undefined outside a notebook. */
export function notebookBar(): Renderer | undefined {
  const jupyter = kernel();
  if (jupyter === undefined) return undefined;
  const id = crypto.randomUUID();
  let last = -Infinity;
  let shown = false;
  const show = (moment: Moment, ended: boolean) => {
    const text = html(moment, ended);
    // A lost redraw does no harm, and the work must not wait for one.
    jupyter.broadcast(shown ? "update_display_data" : "display_data", {
      data: { "text/html": text, "text/plain": `${moment.label} ${Math.floor(100 * moment.part)} %` },
      metadata: {},
      transient: { display_id: id },
    }).catch(() => {});
    shown = true;
  };
  return {
    draw(moment) {
      if (moment.seconds < SHORT_SECONDS || 1000 * moment.seconds - last < MOST_OFTEN) return;
      last = 1000 * moment.seconds;
      show(moment, false);
    },
    end(moment, finished) {
      if (shown) show(moment, finished);
    },
  };
}
