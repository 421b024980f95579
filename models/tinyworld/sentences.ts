import type { Random } from "./random.ts";
import {
  ADVERBS,
  ANIMALS,
  HANDLE,
  HAPPEN,
  MATERIALS,
  MEALS,
  MOVE,
  NATURE,
  type Person,
  PERSON_ADJECTIVES,
  PLACE_ADJECTIVES,
  PLACES,
  PREPOSITIONS,
  ROLES,
  SAY,
  THING_ADJECTIVES,
  THINGS,
  TIMES,
} from "./words.ts";
import { past, plural, spoken } from "./write.ts";

/** What a story knows while it is told. */
export interface Scene {
  /** What it turns about: things, places and deeds have an order of likelihood for each topic. */
  readonly topic: string;
  readonly people: readonly Person[];
  /** Things that were named, the last one at the end: a story comes back to them. */
  readonly things: string[];
  /** Who acted last, so that a pronoun can stand for the name. */
  last?: Person;
}

/** "old lantern": a thing of the topic or of what comes before, or one that was named already. */
export function thing(rng: Random, scene: Scene, before = ""): string {
  if (scene.things.length > 0 && rng.chance(0.3)) return rng.pick(scene.things.slice(-3));
  const noun = rng.likely(THINGS, `${scene.topic} ${before}`);
  const phrase = described(rng, noun, THING_ADJECTIVES, 0.6);
  scene.things.push(phrase);
  return phrase;
}

/** "narrow bridge": a place of the topic. */
export const place = (rng: Random, topic: string): string =>
  described(rng, rng.likely(PLACES, topic), PLACE_ADJECTIVES, 0.5);

/** A noun with an adjective that often stands before it, at times. */
export function described(rng: Random, noun: string, adjectives: readonly string[], often: number): string {
  return rng.chance(often) ? `${rng.likely(adjectives, noun)} ${noun}` : noun;
}

const where = (rng: Random, verb: string, topic: string) =>
  `${rng.likely(PREPOSITIONS, verb)} the ${place(rng, topic)}`;

const manner = (rng: Random, verb: string, often = 0.3) =>
  rng.chance(often) ? " " + rng.likely(ADVERBS, verb) : "";

/** Somebody of the story: by name, or by pronoun where the last sentence was theirs. */
function someone(rng: Random, scene: Scene): string {
  if (scene.last && rng.chance(0.5)) return scene.last.he;
  scene.last = rng.weighted(scene.people.map((person, i) => [i === 0 ? 3 : 2, person] as const));
  return scene.last.name;
}

type Clause = (rng: Random, scene: Scene) => string;

const moves: Clause = (rng, scene) => {
  const who = someone(rng, scene);
  const verb = rng.likely(MOVE, scene.topic);
  return `${who} ${past(verb)}${manner(rng, verb)} ${where(rng, verb, scene.topic)}`;
};

const handles: Clause = (rng, scene) => {
  const who = someone(rng, scene);
  const verb = rng.likely(HANDLE, scene.topic);
  const end = rng.chance(0.3) ? " " + where(rng, verb, scene.topic) : manner(rng, verb);
  return `${who} ${past(verb)} the ${thing(rng, scene, verb)}${end}`;
};

const creature: Clause = (rng, scene) => {
  const animal = rng.likely(ANIMALS, scene.topic);
  const verb = rng.likely(MOVE, animal);
  const end = rng.chance(0.6) ? " " + where(rng, verb, scene.topic) : manner(rng, verb);
  return `${rng.pick(["a", "the"])} ${described(rng, animal, PERSON_ADJECTIVES, 0.5)} ${past(verb)}${end}`;
};

const nature: Clause = (rng, scene) => {
  const noun = rng.likely(NATURE, scene.topic);
  const verb = rng.likely(HAPPEN, noun);
  return `the ${noun} ${past(verb)}${
    rng.chance(0.5) ? " " + where(rng, verb, scene.topic) : manner(rng, verb, 0.6)
  }`;
};

const stranger: Clause = (rng, scene) => {
  const role = rng.likely(ROLES, scene.topic);
  const verb = rng.likely(HANDLE, role);
  return `${rng.pick(["a", "the"])} ${described(rng, role, PERSON_ADJECTIVES, 0.5)} ${past(verb)} the ${
    thing(rng, scene, verb)
  }`;
};

const feels: Clause = (rng, scene) => {
  const who = someone(rng, scene);
  const feeling = rng.likely(PERSON_ADJECTIVES, scene.topic);
  const second = rng.chance(0.3) ? ` and ${rng.likely(PERSON_ADJECTIVES, feeling)}` : "";
  return `${who} ${rng.pick(["was", "felt"])} ${feeling}${second}`;
};

const owned: Clause = (rng, scene) => {
  const phrase = thing(rng, scene);
  const noun = phrase.split(" ").at(-1) as string;
  return rng.chance(0.5)
    ? `the ${phrase} was made of ${rng.likely(MATERIALS, noun)}`
    : `the ${phrase} had belonged to a ${described(rng, rng.likely(ROLES, noun), PERSON_ADJECTIVES, 0.4)}`;
};

const found: Clause = (rng, scene) => {
  const at = place(rng, scene.topic);
  const noun = rng.likely(THINGS, at.split(" ").at(-1));
  const n = rng.likely([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], noun);
  return `there were ${spoken(n)} ${plural(noun)} and a ${thing(rng, scene)} in the ${at}`;
};

const eats: Clause = (rng, scene) => {
  const who = someone(rng, scene);
  const meal = rng.likely(MEALS, scene.topic);
  return `${who} ate ${meal}${rng.chance(0.4) ? ` and ${rng.likely(MEALS, meal)}` : ""}`;
};

const CLAUSES: readonly (readonly [number, Clause])[] = [
  [5, handles],
  [4, moves],
  [2, creature],
  [2, nature],
  [2, stranger],
  [2, feels],
  [1, owned],
  [1, found],
  [1, eats],
];

const clause: Clause = (rng, scene) => rng.weighted(CLAUSES)(rng, scene);

/** What somebody says, by the words of the topic. */
const SPEECHES: readonly Clause[] = [
  (rng, scene) => `I ${past(rng.likely(HANDLE, scene.topic))} the ${thing(rng, scene)}.`,
  (rng, scene) => {
    const verb = rng.likely(HANDLE, scene.topic);
    return `We must ${verb} the ${thing(rng, scene, verb)} ${rng.likely(TIMES, verb)}.`;
  },
  (rng, scene) => `Where is the ${thing(rng, scene)}?`,
  (rng, scene) => {
    const verb = rng.likely(MOVE, scene.topic);
    return `Nobody can ${verb} ${where(rng, verb, scene.topic)}.`;
  },
  (rng, scene) => {
    const feeling = rng.likely(PERSON_ADJECTIVES, scene.topic);
    return `You are too ${feeling} to ${rng.likely(HANDLE, feeling)} a ${thing(rng, scene)}.`;
  },
  (rng, scene) => {
    const first = thing(rng, scene);
    return `Do you want the ${first} or the ${rng.likely(THINGS, first.split(" ").at(-1))}?`;
  },
  (rng, scene) => {
    const role = rng.likely(ROLES, scene.topic);
    return `Ask the ${role}, ${rng.pick(["he", "she"])} lives ${where(rng, role, scene.topic)}.`;
  },
  (rng, scene) => {
    const animal = rng.likely(ANIMALS, scene.topic);
    return `I ${rng.pick(["saw", "heard"])} a ${described(rng, animal, PERSON_ADJECTIVES, 0.5)} ${
      where(rng, animal, scene.topic)
    }.`;
  },
];

const speech: Clause = (rng, scene) => {
  const said = rng.pick(SPEECHES)(rng, scene);
  const who = someone(rng, scene);
  const verb = rng.likely(SAY, said.endsWith("?") ? "question" : scene.topic);
  const words = said.endsWith(".") ? said.slice(0, -1) + "," : said;
  const saying = who === scene.last?.name ? `${past(verb)} ${who}` : `${who} ${past(verb)}`;
  return `"${words}" ${saying}${manner(rng, verb)}.`;
};

/** A sentence that fits the scene, whatever was told before. */
export function sentence(rng: Random, scene: Scene): string {
  return rng.weighted<() => string>([
    [4, () => `${clause(rng, scene)}.`],
    [2, () => {
      const time = rng.likely(TIMES, scene.topic);
      return `${time} ${clause(rng, scene)}.`;
    }],
    [2, () => `${clause(rng, scene)}, ${rng.likely(["and", "but", "so", "while"])} ${clause(rng, scene)}.`],
    [
      1.5,
      () =>
        `${rng.likely(["when", "after", "before", "because", "as soon as"])} ${clause(rng, scene)}, ${
          clause(rng, scene)
        }.`,
    ],
    [2, () => speech(rng, scene)],
  ])();
}
