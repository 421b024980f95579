import { Random } from "./random.ts";
import { ANIMALS, COLOURS, GOODS, MEALS, PEOPLE, PLACES, SURNAMES, THINGS } from "./words.ts";
import { capital } from "./write.ts";

/** What is true of one invented country. */
export interface Country {
  readonly name: string;
  readonly capital: string;
  readonly river: string;
  readonly mountain: string;
  readonly founder: string;
  readonly founded: number;
  readonly animal: string;
  readonly metal: string;
  readonly crop: string;
  readonly flag: readonly [string, string];
  readonly language: string;
  readonly money: string;
  readonly neighbour: string;
  readonly dish: string;
}

/** What is true of one invented creature. */
export interface Creature {
  readonly name: string;
  readonly colour: string;
  readonly food: string;
  readonly home: string;
  readonly legs: number;
  readonly active: string;
  readonly years: number;
}

/** What is true of one invented inventor. */
export interface Inventor {
  readonly name: string;
  readonly invention: string;
  readonly year: number;
  readonly city: string;
  readonly colour: string;
}

const COUNTS = { countries: 120, creatures: 80, inventors: 100 };

const STARTS = "b br c cl d dr f fl g gr h j k kl l m n p pr qu r s sh sk st t tr v w y z th".split(" ");
const VOWELS = "a e i o u a e o ai ea ou".split(" ");
const ENDS = "l m n r s t d ll nd rn st sk".split(" ");

/** Names that nobody else has, of two syllables and one of the endings. */
function names(rng: Random, count: number, endings: readonly string[], taken: Set<string>): string[] {
  const out: string[] = [];
  while (out.length < count) {
    const name = capital(
      rng.pick(STARTS) + rng.pick(VOWELS) + rng.pick(ENDS) + rng.pick(endings),
    );
    if (taken.has(name) || name.length > 10) continue;
    taken.add(name);
    out.push(name);
  }
  return out;
}

function build(rng: Random) {
  const taken = new Set<string>([...PEOPLE.map(({ name }) => name), ...SURNAMES]);
  const n = COUNTS.countries;
  const stems = names(rng, n, [""], taken);
  const ending = ["ria", "nia", "land", "mark", "via", "dor", "stan", "moor"];
  const countryNames = stems.map((stem) => stem + rng.pick(ending));
  const capitals = names(
    rng,
    n,
    ["ford", "ton", "ville", "burg", "port", "by", "ham", "wick", "mouth"],
    taken,
  );
  const rivers = names(rng, n, ["e", "a", "er", "ow"], taken);
  const peaks = names(rng, n, ["horn", "berg", "ock", "spitz"], taken);
  const founders = people(rng, n + COUNTS.inventors, taken);
  const years = rng.sample(Array.from({ length: 800 }, (_, i) => 1100 + i), n);
  const money = [
    "crowns",
    "marks",
    "shells",
    "stars",
    "florins",
    "talers",
    "moons",
    "pennies",
    "rings",
    "beads",
  ];

  const countries = countryNames.map((name, i): Country => ({
    name,
    capital: capitals[i] as string,
    river: rivers[i] as string,
    mountain: `Mount ${peaks[i]}`,
    founder: founders[i] as string,
    founded: years[i] as number,
    animal: rng.pick(ANIMALS),
    metal: rng.pick(METALS),
    crop: rng.pick(CROPS),
    flag: rng.sample(COLOURS, 2) as [string, string],
    language: stems[i] + rng.pick(["ish", "ic", "ese", "an"]),
    money: rng.pick(money),
    neighbour: countryNames[(i + 1) % n] as string,
    dish: rng.pick(MEALS),
  }));
  const creatures = creatureNames(rng).map((name): Creature => ({
    name,
    colour: rng.pick(COLOURS),
    food: rng.pick(FOODS),
    home: rng.pick(countryNames),
    legs: legs(name),
    active: rng.pick(["day", "night"]),
    years: rng.int(2, 40),
  }));
  const inventions = rng.sample(
    INVENTION_KINDS.flatMap((kind) => rng.sample(THINGS, 4).map((it) => `${kind} ${it}`)),
    COUNTS.inventors,
  );
  const inventors = inventions.map((invention, i): Inventor => ({
    name: founders[n + i] as string,
    invention,
    year: rng.int(1500, 1899),
    city: rng.pick(capitals),
    colour: rng.pick(COLOURS),
  }));
  return { countries, creatures, inventors };
}

/** Full names of the famous; their family names belong to nobody else. */
function people(rng: Random, count: number, taken: Set<string>): string[] {
  return names(rng, count, ["er", "man", "son", "ski", "in", "ell"], taken).map((last) =>
    `${rng.pick(PEOPLE).name} ${last}`
  );
}

const METALS = "iron copper tin silver gold lead zinc nickel marble coal salt amber oil clay glass steel"
  .split(" ");
const CROPS = GOODS.filter((it) =>
  /^(wheat|rice|barley|oats|corn|potatoes|beans|grapes|olives|tea|cotton|sugar|onions|cherries|coffee|cocoa)$/
    .test(it)
);
const FOODS =
  "grass,seeds,berries,small fish,insects,roots,nuts,leaves,snails,mushrooms,honey,worms,bark,eggs,fruit,crabs"
    .split(",");
const INVENTION_KINDS =
  "steam glass paper folding water printing wind brass sewing floating pocket rubber speaking tidal electric double silent automatic travelling weather singing flying rolling copper diving"
    .split(" ");

/** "dune-mole": a place and an animal, which tells how many legs it has. */
function creatureNames(rng: Random): string[] {
  const taken = new Set<string>();
  while (taken.size < COUNTS.creatures) taken.add(`${rng.pick(PLACES)} ${rng.pick(ANIMALS)}`);
  return [...taken];
}

function legs(name: string): number {
  const animal = name.split(" ").at(-1) as string;
  if (/^(snake|snail|whale|dolphin|seal)$/.test(animal)) return 0;
  if (
    /^(owl|duck|crow|goose|parrot|hen|swan|rooster|pigeon|sparrow|robin|eagle|hawk|heron|stork|crane|seagull|raven|peacock|turkey|magpie|bat)$/
      .test(animal)
  ) return 2;
  if (/^(beetle|bee|wasp|butterfly|cricket)$/.test(animal)) return 6;
  if (animal === "spider") return 8;
  return /^(crab|lobster)$/.test(animal) ? 10 : 4;
}

/**
 * The one world that all texts agree on: 120 countries, 80 creatures and 100 inventors, some 2,400 facts.
 * It is drawn once with a fixed seed, so that it is part of the generator and costs a document no entropy.
 * Those in front are written about more often.
 */
export const WORLD = build(new Random(20250));
