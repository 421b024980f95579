import type { Random } from "./random.ts";
import { described } from "./sentences.ts";
import {
  ACTS,
  GOODS,
  INSTITUTIONS,
  MATTERS,
  MONTHS,
  NEWS_ADJECTIVES,
  ROLES,
  SURNAMES,
  TIMES,
} from "./words.ts";
import { type Country, WORLD } from "./world.ts";
import { past } from "./write.ts";

/** What a report knows while it is written. */
export interface Desk {
  readonly country: Country;
  /** The body or the office that was named last. */
  body?: string;
}

const HYPHEN = /-/g;
const plain = (word: string) => word.replace(HYPHEN, " ");

function body(rng: Random, desk: Desk): string {
  if (desk.body && rng.chance(0.25)) return desk.body;
  const noun = rng.likely(INSTITUTIONS, desk.country.name);
  return desk.body = plain(described(rng, noun, NEWS_ADJECTIVES, 0.4));
}

const matter = (rng: Random, before: string) =>
  plain(described(rng, rng.likely(MATTERS, before), NEWS_ADJECTIVES, 0.5));

const lastOf = (phrase: string) => phrase.split(" ").at(-1) as string;

/** What a body of the country did, does or will do to something that goes with it. */
function act(rng: Random, desk: Desk): string {
  const who = body(rng, desk);
  const verb = rng.likely(ACTS, lastOf(who));
  const object = rng.chance(0.4)
    ? described(rng, rng.likely(GOODS, verb), NEWS_ADJECTIVES, 0.3)
    : `the ${matter(rng, verb)}`;
  return rng.weighted<() => string>([
    [4, () => `the ${who} ${past(verb)} ${object}`],
    [3, () => `the ${who} will ${verb} ${object}`],
    [2, () => `the ${who} wants to ${verb} ${object}`],
    [1, () => `the ${who} did not ${verb} ${object}`],
  ])();
}

function trade(rng: Random, desk: Desk): string {
  const goods = rng.likely(GOODS, desk.country.name);
  const other = rng.likely(WORLD.countries, desk.country.name);
  const tons = rng.likely(
    [2, 5, 10, 20, 30, 40, 50, 60, 80, 90, 100, 120, 150, 200, 300, 400, 500, 700],
    goods,
  );
  const share = rng.chance(0.5)
    ? `, ${rng.int(2, 40)} percent ${rng.pick(["more", "less"])} than in ${rng.likely(MONTHS, goods)}`
    : "";
  return `${desk.country.name} ${rng.pick(["sold", "sent"])} ${tons} thousand ${
    rng.likely(["tons", "boxes", "sacks", "crates"], goods)
  } of ${goods} to ${other.name}${share}`;
}

function quote(rng: Random, desk: Desk): string {
  const role = rng.likely(ROLES, desk.country.name);
  const words = rng.weighted<() => string>([
    [
      2,
      () =>
        `We ${rng.likely(["cannot", "must", "will", "shall never", "want to"], role)} ${
          rng.likely(ACTS, role)
        } the ${matter(rng, role)}`,
    ],
    [
      2,
      () =>
        `The ${matter(rng, role)} is too ${
          rng.likely([
            "expensive",
            "late",
            "small",
            "large",
            "early",
            "old",
            "modern",
            "dangerous",
            "slow",
            "weak",
          ], role)
        }`,
    ],
    [1, () => `Nobody asked the ${rng.likely(ROLES, role)} about the ${matter(rng, role)}`],
    [1, () => `I have never seen such a ${matter(rng, role)}`],
  ])();
  const name = rng.likely(SURNAMES, desk.country.name);
  return `"${words}," said ${role} ${name}`;
}

/** A sentence of a report that hangs on the country, but not on what else was said. */
export function background(rng: Random, desk: Desk): string {
  return rng.weighted<() => string>([
    [4, () => `${act(rng, desk)}.`],
    [2, () => `${rng.likely(TIMES, desk.country.name)} ${act(rng, desk)}.`],
    [
      2,
      () => `${act(rng, desk)} ${rng.likely(["because", "although", "after", "while"])} ${act(rng, desk)}.`,
    ],
    [2, () => `${trade(rng, desk)}.`],
    [3, () => `${quote(rng, desk)}.`],
  ])();
}
