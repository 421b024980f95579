/**
 * What a way of showing progress is given to draw.
 *
 * @module
 */

/** What is known at a moment; `left` is undefined until there is something to judge by. */
export interface Moment {
  /** What the work is called. */
  readonly label: string;
  /** Part that is done, 0 to 1. */
  readonly part: number;
  /** What is being worked on. */
  readonly note: string;
  /** Seconds since the start. */
  readonly seconds: number;
  /** Seconds that are probably left. */
  readonly left?: number;
}

/** Draws moments; `end` gets the last one, `finished` when all was done. */
export interface Renderer {
  /** Draws how things stand. */
  draw(moment: Moment): void;
  /** Draws the end. */
  end(moment: Moment, finished: boolean): void;
}
