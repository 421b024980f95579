/** Names that stand in code, and the rules on numbers that several functions share. */
import type { Random } from "./random.ts";

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** What numbers in code are about; the plural names a list of them. */
export const NOUNS = words(`
  price score weight number value age mark point distance temperature cost height amount speed length size wage grade
  level reading fee duration depth mile step rate bid ticket page goal vote salary tax debt payment bill invoice order
  sale profit loss stake bonus fine rent deposit refund share stock harvest crop load parcel crate volume dose
  signal sample pulse beat tone pixel frame lap round turn move hit throw jump run win minute hour second day week month
  year visit call message letter error delay wait gap width radius angle slope offset shift rank seat room floor ward
  member voter guest worker pupil player runner sensor tank meter digit item coin token card tile block brick plank wave
  storm tide degree`);

/** Names of variables by their part; no name stands in two parts. */
export const NAMES: Readonly<Record<string, readonly string[]>> = {
  n: words("n x number_in given start_value num current"),
  m: words("limit y other bound top cap target"),
  i: words("i j index position k pos idx"),
  total: words("total result acc running subtotal answer so_far tally"),
  out: words("out found kept output picked collected new_list chosen"),
  best: words("best record leader champion winner peak"),
  count: words("count seen matches step_count hits_so_far times rounds_done"),
  s: words("text word s name line label title phrase string sentence key token_text"),
  words: words("words names labels titles lines keys texts tags entries things"),
  ch: words("ch c sign char symbol"),
  rest: words("rest left_over remaining remainder todo"),
  a: words("a first left p u low_one"),
  b2: words("b second_one right q v high_one"),
  d: words("counts table lookup groups index_of_all mapping book"),
};

/** A rule on one number, as Python, as part of a name and in words. */
export interface Rule<T> {
  readonly python: string;
  readonly name: string;
  readonly words: string;
  readonly apply: (n: number) => T;
}

type Table<T> = readonly (readonly [
  low: number,
  high: number,
  python: string,
  name: string,
  words: string,
  apply: (n: number, k: number) => T,
])[];

const TESTS: Table<boolean> = [
  [3, 80, "{item} > #", "above_#", "above #", (n, k) => n > k],
  [5, 95, "{item} < #", "below_#", "below #", (n, k) => n < k],
  [0, 0, "{item} % 2 == 0", "even", "even", (n) => n % 2 === 0],
  [0, 0, "{item} % 2 == 1", "odd", "odd", (n) => n % 2 === 1],
  [3, 12, "{item} % # == 0", "divisible_by_#", "divisible by #", (n, k) => n % k === 0],
  [3, 80, "{item} >= #", "at_least_#", "at least #", (n, k) => n >= k],
  [5, 95, "{item} <= #", "at_most_#", "at most #", (n, k) => n <= k],
  [0, 9, "{item} % 10 == #", "ending_in_#", "ending in #", (n, k) => n % 10 === k],
  [3, 9, "{item} % # != 0", "not_divisible_by_#", "not divisible by #", (n, k) => n % k !== 0],
  [10, 50, "{item} // 2 > #", "with_half_above_#", "with a half above #", (n, k) => Math.floor(n / 2) > k],
  [5, 40, "abs({item} - 50) < #", "near_50_by_#", "less than # away from 50", (n, k) => Math.abs(n - 50) < k],
  [11, 60, "{item} > # or {item} == 1", "one_or_above_#", "one or above #", (n, k) => n > k || n === 1],
];

const CHANGES: Table<number> = [
  [1, 99, "{item} + #", "raised_by_#", "plus #", (n, k) => n + k],
  [2, 12, "{item} * #", "times_#", "times #", (n, k) => n * k],
  [0, 0, "{item} * {item}", "squared", "squared", (n) => n * n],
  [1, 30, "{item} - #", "less_#", "less #", (n, k) => n - k],
  [2, 9, "{item} // #", "divided_by_#", "divided by #, rounded down", (n, k) => Math.floor(n / k)],
  [2, 9, "{item} % #", "modulo_#", "modulo #", (n, k) => n % k],
  [1, 20, "2 * {item} + #", "doubled_plus_#", "doubled, plus #", (n, k) => 2 * n + k],
  [100, 250, "# - {item}", "missing_to_#", "taken from #", (n, k) => k - n],
  [5, 60, "max({item}, #)", "at_least_#", "but at least #", (n, k) => Math.max(n, k)],
  [5, 60, "min({item}, #)", "at_most_#", "but at most #", (n, k) => Math.min(n, k)],
  [5, 60, "abs({item} - #)", "away_from_#", "as the distance from #", (n, k) => Math.abs(n - k)],
];

/** A condition that a number may meet. */
export const test = (rng: Random, context: string): Rule<boolean> => rule(rng, TESTS, context);

/** A change that makes one number of another. */
export const change = (rng: Random, context: string): Rule<number> => rule(rng, CHANGES, context);

function rule<T>(rng: Random, table: Table<T>, context: string): Rule<T> {
  const [low, high, python, name, words, apply] = rng.likely(table, context);
  const k = rng.int(low, high);
  const put = (text: string) => text.replaceAll("#", `${k}`);
  return { python: put(python), name: put(name), words: put(words), apply: (n) => apply(n, k) };
}

/** A positive number of one to three digits, mostly two. */
export function amount(rng: Random): number {
  const [low, high] = rng.weighted([[3, [1, 9]], [6, [10, 99]], [1, [100, 999]]] as const);
  return rng.int(low, high);
}
