/**
 * WikiText's pages, and its text as it was before it was cut into words.
 *
 * @module
 */

/** The pages of WikiText: each begins with a heading of the first level, " = Robert Boulter = ". */
export function pagesOfWikitext(texts: readonly string[]): string[] {
  const whole = texts.join(texts.length > 1 ? "" : "\n");
  const starts = [...whole.matchAll(/^ = [^=\n](?:.*[^=\n])? = *$/gm)].map(({ index }) => index);
  const pages = starts.map((at, i) => whole.slice(at, starts[i + 1]));
  return pages.length > 0 ? pages : [...texts];
}

/** Exact replacements, in order, and patterns, as lm-evaluation-harness's wikitext task applies them. */
const STEPS: readonly (readonly [string | RegExp, string])[] = [
  ["s '", "s'"],
  [/\/' [0-9]\//g, "/'[0-9]/"],
  [" @-@ ", "-"],
  [" @,@ ", ","],
  [" @.@ ", "."],
  [" : ", ": "],
  [" ; ", "; "],
  [" . ", ". "],
  [" ! ", "! "],
  [" ? ", "? "],
  [" , ", ", "],
  [/\(\s*([^)]*?)\s*\)/g, "($1)"],
  [/\[\s*([^\]]*?)\s*\]/g, "[$1]"],
  [/\{\s*([^}]*?)\s*\}/g, "{$1}"],
  [/"\s*([^"]*?)\s*"/g, '"$1"'],
  [/'\s*([^']*?)\s*'/g, "'$1'"],
  ["= = = =", "===="],
  ["= = =", "==="],
  ["= =", "=="],
  [" ° ", "°"],
  [" \n", "\n"],
  ["\n ", "\n"],
  [" N ", " 1 "],
  [" 's", "'s"],
];

/**
 * WikiText's page as plain text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(detokenizeWikitext("1 @,@ 000 ( or more ) , he said ."), "1,000 (or more), he said .");
 * ```
 */
export function detokenizeWikitext(page: string): string {
  return STEPS.reduce((text, [from, to]) => text.replaceAll(from, to), page);
}
