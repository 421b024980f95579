/**
 * The notebook kernel that runs the program, if there is one.
 *
 * @module
 */
/** The part of Deno.jupyter that is used. */
export interface Jupyter {
  /** Sends a message to the notebook, even during work that never pauses. */
  broadcast(type: string, content: Record<string, unknown>): Promise<void> | void;
}

/** Deno.jupyter inside a notebook's kernel, undefined elsewhere. */
export function jupyter(): Jupyter | undefined {
  try {
    return (Deno as unknown as { jupyter?: Jupyter }).jupyter;
  } catch {
    // Outside of a kernel, reading the property throws.
    return undefined;
  }
}
