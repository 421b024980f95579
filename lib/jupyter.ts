/**
 * The notebook that a program runs in, if it does.
 *
 * @module
 */
/** The part of Deno.jupyter that is used. */
export interface Jupyter {
  /** Sends a message to the notebook, during work that never pauses too. */
  broadcast(type: string, content: Record<string, unknown>): Promise<void> | void;
}

/** Deno.jupyter inside a notebook's kernel, undefined elsewhere. */
export function jupyter(): Jupyter | undefined {
  try {
    return (Deno as unknown as { jupyter?: Jupyter }).jupyter;
  } catch {
    // Outside a kernel, looking is an error.
    return undefined;
  }
}
