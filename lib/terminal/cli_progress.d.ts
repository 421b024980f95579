/** The part of cli-progress 3.12 that the progress bar uses; the package has no types of its own. */
interface SingleBarOptions {
  format: string;
  barsize?: number;
  barCompleteChar?: string;
  barIncompleteChar?: string;
  clearOnComplete?: boolean;
  linewrap?: boolean;
  fps?: number;
}

declare class SingleBar {
  constructor(options: SingleBarOptions);
  start(total: number, value: number, payload?: Record<string, string>): void;
  update(value: number, payload?: Record<string, string>): void;
  stop(): void;
}

declare const cliProgress: { SingleBar: typeof SingleBar };
export default cliProgress;
