/**
 * The text that tinyworld was trained on, and is measured on: seeded, endless, our own.
 *
 * Five kinds of short documents share one invented world. Everything a document says is
 * consistent: names and pronouns through a story, weekdays and numbers through a report,
 * results of sums and of code, facts of the world.
 *
 * @example
 * ```ts
 * for (const { kind, text, nats } of documents({ seed: 1, count: 3 })) console.log(kind, nats, text);
 * ```
 * @module
 */
import { arithmetic } from "./arithmetic.ts";
import { code } from "./code.ts";
import { facts } from "./facts.ts";
import { fiction } from "./fiction.ts";
import { news } from "./news.ts";
import { Random } from "./random.ts";

export { Random } from "./random.ts";
export { WORLD } from "./world.ts";

const WRITERS = { fiction, news, code, arithmetic, facts } as const;

/** The name of a kind of text. */
export type Kind = keyof typeof WRITERS;

/** All kinds of text. */
export const KINDS: readonly Kind[] = ["fiction", "news", "code", "arithmetic", "facts"];

/** One generated text. */
export interface Document {
  readonly kind: Kind;
  /** ASCII text, without a closing newline. */
  readonly text: string;
  /**
   * −ln p of all choices that led to this text: what a model that knows the generator by heart pays for it.
   * Different choices can give the same text (two questions with one wording, a list drawn in another order
   * of draws), and this counts one path only. So it is an upper bound of the text's true −ln p, tight to a few
   * percent: the floor of any model lies at it or slightly below.
   */
  readonly nats: number;
}

/** Writes one document of a kind; what `rng` decided for it is its entropy. */
export function generate(kind: Kind, rng: Random): Document {
  const before = rng.nats;
  const text = WRITERS[kind](rng);
  return { kind, text, nats: rng.nats - before };
}

/**
 * A row of documents whose kinds are drawn at random; the draw of the kind counts into their entropy.
 *
 * @param options.seed Equal seeds give equal documents.
 * @param options.count How many; endless when left out.
 * @param options.kinds The kinds to draw from, all five by default.
 */
export function* documents(
  { seed, count = Infinity, kinds = KINDS }: { seed: number; count?: number; kinds?: readonly Kind[] },
): Generator<Document> {
  const rng = new Random(seed);
  for (let i = 0; i < count; i++) {
    const before = rng.nats;
    const { kind, text } = generate(rng.pick(kinds), rng);
    yield { kind, text, nats: rng.nats - before };
  }
}
