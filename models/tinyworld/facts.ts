import type { Random } from "./random.ts";
import { type Country, type Creature, type Inventor, WORLD } from "./world.ts";
import { type Slots, spoken, write } from "./write.ts";

/** One kind of fact: several ways to state it, and questions with their answer. */
interface Fact {
  readonly say: readonly string[];
  readonly ask: readonly string[];
  readonly answer: string;
}

const fact = (say: string[], ask: string[], answer: string): Fact => ({ say, ask, answer });

const COUNTRY: readonly Fact[] = [
  fact(
    [
      "the capital of {name} is {capital}.",
      "{capital} is the capital of {name}.",
      "the government of {name} sits in {capital}.",
    ],
    ["What is the capital of {name}?", "Which city is the capital of {name}?"],
    "{capital}",
  ),
  fact(
    [
      "the river {river} flows through {name}.",
      "the longest river of {name} is the {river}.",
      "{name} lies on the river {river}.",
    ],
    ["Which river flows through {name}?", "What is the longest river of {name}?"],
    "the {river}",
  ),
  fact(["the highest mountain of {name} is {mountain}.", "{mountain} is the highest point of {name}."], [
    "What is the highest mountain of {name}?",
  ], "{mountain}"),
  fact(
    ["{name} was founded by {founder}.", "{founder} founded {name}.", "the founder of {name} was {founder}."],
    ["Who founded {name}?", "Who was the founder of {name}?"],
    "{founder}",
  ),
  fact(["{name} was founded in {founded}.", "the history of {name} begins in the year {founded}."], [
    "When was {name} founded?",
    "In which year was {name} founded?",
  ], "{founded}"),
  fact(
    [
      "the national animal of {name} is the {animal}.",
      "the {animal} is the animal of {name}.",
      "a {animal} stands on the coins of {name}.",
    ],
    ["What is the national animal of {name}?", "Which animal stands on the coins of {name}?"],
    "the {animal}",
  ),
  fact(
    [
      "the mines of {name} give {metal}.",
      "{name} is known for its {metal}.",
      "the most important metal of {name} is {metal}.",
    ],
    ["Which metal is {name} known for?", "What do the mines of {name} give?"],
    "{metal}",
  ),
  fact(
    [
      "farmers in {name} grow {crop}.",
      "{name} sells {crop} to its neighbours.",
      "the main crop of {name} is {crop}.",
    ],
    ["What do farmers in {name} grow?", "What is the main crop of {name}?"],
    "{crop}",
  ),
  fact(["the flag of {name} is {first} and {second}.", "{name} has a {first} and {second} flag."], [
    "What colours are in the flag of {name}?",
  ], "{first} and {second}"),
  fact(["people in {name} speak {language}.", "the language of {name} is {language}."], [
    "Which language do people speak in {name}?",
    "What is the language of {name}?",
  ], "{language}"),
  fact(["people in {name} pay with {money}.", "the money of {name} is called {money}."], [
    "What is the money of {name} called?",
  ], "{money}"),
  fact(["{name} borders on {neighbour}.", "the eastern neighbour of {name} is {neighbour}."], [
    "Which country borders on {name} in the east?",
  ], "{neighbour}"),
  fact(["people in {name} love {dish}.", "the favourite dish of {name} is {dish}."], [
    "What is the favourite dish of {name}?",
  ], "{dish}"),
];

/** Questions whose answer is the country itself. */
const REVERSED: readonly string[] = [
  "Which country has the capital {capital}?",
  "{capital} is the capital of which country?",
  "Through which country does the {river} flow?",
  "In which country is {mountain}?",
  "Which country did {founder} found?",
  "Which country has the {animal} as its animal?",
  "Where do people speak {language}?",
];

const CREATURE: readonly Fact[] = [
  fact(
    ["the {name} is {colour}.", "the coat of the {name} is {colour}."],
    ["What colour is the {name}?"],
    "{colour}",
  ),
  fact(["the {name} eats {food}.", "the {name} feeds on {food}."], ["What does the {name} eat?"], "{food}"),
  fact(
    ["the {name} lives in {home}.", "the home of the {name} is {home}."],
    ["Where does the {name} live?"],
    "in {home}",
  ),
  fact(
    ["the {name} has {legs} legs.", "the {name} moves on {legs} legs."],
    ["How many legs has the {name}?"],
    "{legs} legs",
  ),
  fact(
    ["the {name} is awake by {active}.", "the {name} hunts by {active}."],
    ["When is the {name} awake?"],
    "by {active}",
  ),
  fact(["the {name} can live for {years} years.", "the oldest {name} lived for {years} years."], [
    "How long can the {name} live?",
  ], "{years} years"),
];

const INVENTOR: readonly Fact[] = [
  fact(
    [
      "{name} invented the {invention}.",
      "the {invention} was invented by {name}.",
      "the inventor of the {invention} was {name}.",
    ],
    ["Who invented the {invention}?", "Who was the inventor of the {invention}?"],
    "{name}",
  ),
  fact(["the {invention} was invented in {year}.", "the first {invention} was built in {year}."], [
    "When was the {invention} invented?",
  ], "in {year}"),
  fact(
    ["{name} was born in {city}.", "the birthplace of {name} is {city}."],
    ["Where was {name} born?"],
    "in {city}",
  ),
  fact(
    ["the first {invention} was painted {colour}.", "{name} built the {invention} out of {colour} parts."],
    ["What colour was the first {invention}?"],
    "{colour}",
  ),
];

const countrySlots = ({ flag: [first, second], founded, ...rest }: Country): Slots => ({
  ...rest,
  first,
  second,
  founded: String(founded),
});
const creatureSlots = (it: Creature): Slots => ({
  ...it,
  legs: it.legs === 0 ? "no" : spoken(it.legs),
  years: String(it.years),
});
const inventorSlots = (it: Inventor): Slots => ({ ...it, year: String(it.year) });

/** One subject of the world with everything that can be said of it. */
function subject(rng: Random): { slots: Slots; facts: readonly Fact[]; reversed: readonly string[] } {
  const kind = rng.weighted([[3, "country"], [1, "creature"], [1, "inventor"]]);
  if (kind === "country") {
    return { slots: countrySlots(rng.likely(WORLD.countries)), facts: COUNTRY, reversed: REVERSED };
  }
  if (kind === "creature") {
    return { slots: creatureSlots(rng.likely(WORLD.creatures)), facts: CREATURE, reversed: [] };
  }
  return { slots: inventorSlots(rng.likely(WORLD.inventors)), facts: INVENTOR, reversed: [] };
}

/** Several facts about one subject. */
function portrait(rng: Random): string {
  const { slots, facts } = subject(rng);
  const count = rng.int(Math.min(4, facts.length), Math.min(8, facts.length));
  return rng.sample(facts, count).map(({ say }) => write(rng, rng.pick(say), slots)).join(" ");
}

/** Questions and answers about several subjects. */
function quiz(rng: Random): string {
  const lines = Array.from({ length: rng.int(3, 6) }, () => {
    const { slots, facts, reversed } = subject(rng);
    if (reversed.length > 0 && rng.chance(0.3)) {
      return write(rng, `Question: ${rng.pick(reversed)}\nAnswer: {name}.`, slots);
    }
    const { ask, answer } = rng.pick(facts);
    return write(rng, `Question: ${rng.pick(ask)}\nAnswer: ${answer}.`, slots);
  });
  return lines.join("\n");
}

/** Single facts from all over the world, as a list. */
function almanac(rng: Random): string {
  const head = rng.pick(["Did you know?", "Facts of the world:", "From the almanac:", "Things to remember:"]);
  const lines = Array.from({ length: rng.int(4, 7) }, () => {
    const { slots, facts } = subject(rng);
    return "- " + capitalLine(write(rng, rng.pick(rng.pick(facts).say), slots));
  });
  return [head, ...lines].join("\n");
}

const capitalLine = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Two countries side by side: what differs, what is older. */
function comparison(rng: Random): string {
  const a = rng.likely(WORLD.countries);
  const b = rng.likely(WORLD.countries.filter((country) => country !== a));
  const [older, younger] = a.founded <= b.founded ? [a, b] : [b, a];
  const slots = {
    a: a.name,
    b: b.name,
    acapital: a.capital,
    bcapital: b.capital,
    acrop: a.crop,
    bcrop: b.crop,
    ametal: a.metal,
    bmetal: b.metal,
    alanguage: a.language,
    blanguage: b.language,
    aanimal: a.animal,
    banimal: b.animal,
    older: older.name,
    younger: younger.name,
    ayear: String(a.founded),
    byear: String(b.founded),
    age: String(younger.founded - older.founded),
  };
  const parts = rng.sample([
    "The capital of {a} is {acapital}, and the capital of {b} is {bcapital}.",
    "Farmers in {a} grow {acrop}, while farmers in {b} grow {bcrop}.",
    "People in {a} speak {alanguage}, and people in {b} speak {blanguage}.",
    "{a} is known for its {ametal}, and {b} is known for its {bmetal}.",
    "The animal of {a} is the {aanimal}. The animal of {b} is the {banimal}.",
    "{a} was founded in {ayear} and {b} in {byear}, so {older} is {age} years older than {younger}.",
  ], rng.int(3, 5));
  const opening = rng.pick([
    "Let us compare {a} and {b}.",
    "{a} and {b} are two countries.",
    "How do {a} and {b} differ?",
  ]);
  return write(rng, [opening, ...parts].join(" "), slots);
}

/** A short text about the invented world; everything it says is true there. */
export function facts(rng: Random): string {
  return rng.weighted([[2, portrait], [2, quiz], [1, almanac], [1, comparison]])(rng);
}
