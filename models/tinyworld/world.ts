import { Random } from "./random.ts";
import { COLOURS, SURNAMES } from "./words.ts";

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

const list = (text: string): string[] => text.trim().split(/\s*,\s*/);

const COUNTRIES = list(
  `Arland, Belmora, Corvia, Dunmark, Estovar, Farrow, Galdia, Hestia, Ilmara, Jorland, Kestria, Lumera, Mardova,
  Norvale, Ostrana, Pellia, Quorra, Ravenmoor, Solmark, Tarvia, Umbrel, Velden, Westmere, Yaldor, Zemora, Brannia, Cardell, Elvora`,
);
const CAPITALS = list(
  `Tavel, Marn, Pellow, Quist, Harrowdale, Ludena, Osk, Brindle, Cass, Vormund, Sellow, Tiran, Nessa, Rookford, Amble,
  Dorrin, Fenwick, Gallow, Iverton, Jessel, Kirren, Lorne, Mistral Bay, Orrin, Purlow, Sandry, Thale, Wexport`,
);
const RIVERS = list(
  `Anwe, Bront, Cyl, Dessa, Elk Water, Fenna, Gorse, Hale, Inver, Jade Water, Kell, Lissa, Mur, Nadder, Ouze, Pike Water,
  Rill, Sorn, Teme, Ulla, Varn, Wend, Yarrow, Zill, Aldwater, Brackwater, Clearwater, Dove Water`,
);
const MOUNTAINS = list(
  `Anvil Peak, Bald Hill, Cinder Peak, Drum Hill, Eagle Tooth, Frost Horn, Giant Step, Hammer Rock, Iron Crown, Jackdaw Hill,
  King's Chair, Lantern Peak, Moon Hill, Needle Rock, Old Father, Pilgrim Hill, Queen's Table, Raven Rock, Sugar Hill, Thunder Horn,
  Twin Sisters, Under Cloud, Vale Horn, White Lady, Winter Wall, Young Peak, Zigzag Hill, Amber Rock`,
);
const METALS = list("iron, copper, tin, silver, gold, lead, zinc, nickel");
const CROPS = list(
  "wheat, rice, barley, oats, corn, potatoes, beans, grapes, olives, tea, cotton, sugar, onions, cherries",
);
const LANGUAGES = list(
  `Arlish, Belmoran, Corvic, Dunnish, Estic, Farish, Galdic, Hestian, Ilmar, Jorish, Kestric, Lumeran, Mardic, Norvish,
  Ostran, Pellian, Quorrish, Ravennic, Solmish, Tarvic, Umbrish, Veldish, Westish, Yaldic, Zemoran, Brannish, Cardic, Elvoran`,
);
const MONEY = list("crowns, marks, shells, stars, florins, talers, moons, pennies, rings, beads");
const ANIMALS = list(
  `fox, bear, eagle, wolf, deer, owl, hare, otter, heron, lion, horse, bull, crane, badger, swan, goat, beaver, hawk,
  seal, turtle, falcon, boar, lynx, stork, raven, moose, dolphin, bee`,
);
const DISHES = list(
  "fish soup, bean stew, onion pie, plum cake, rice balls, honey bread, apple dumplings, cheese rolls, lamb stew, pea soup, nut cake, corn bread, mushroom pie, pancakes",
);
const CREATURES = list(
  `brindlecat, dunmole, fennbird, gorsewing, hollowfish, inkling, jumbuck, kestrel mouse, lampfish, moonhopper, nettlebug,
  orchard bat, pebbletoad, quillback, reedling, snowpig, thornhare, umberfly, velvet crab, whistlefrog, yellowtail, zebling, amblebeast, barkworm`,
);
const FOODS = list(
  "grass, seeds, berries, small fish, insects, roots, nuts, leaves, snails, mushrooms, honey, worms",
);
const INVENTIONS = list(
  `steam pump, glass lamp, paper mill, folding bridge, water clock, printing wheel, wind plough, brass compass, sewing frame,
  hot air balloon, pocket watch, signal tower, ice box, rope lift, salt oven, spring bed, rain gauge, iron bicycle, speaking tube,
  star chart, safety match, tidal mill, weather glass, sleeping car`,
);
const FIRST = list(
  `Aldo, Berta, Casper, Delia, Edgar, Flora, Gregor, Hilda, Isak, Jana, Konrad, Linnea, Magnus, Nadia, Olaf, Petra, Quentin,
  Rosalind, Stefan, Thea, Ulrich, Viola, Walter, Xenia, Yorick, Zelda`,
);

/**
 * The one world that all texts agree on: 28 countries, 24 creatures and 24 inventors, 604 facts.
 * It is drawn once with a fixed seed, so that it is part of the generator and costs a document no entropy.
 */
export const WORLD = build(new Random(20250));

function build(rng: Random) {
  const deal = (from: readonly string[], count = COUNTRIES.length) => rng.sample(from, count);
  const capitals = deal(CAPITALS),
    rivers = deal(RIVERS),
    mountains = deal(MOUNTAINS),
    animals = deal(ANIMALS);
  const years = rng.sample(Array.from({ length: 800 }, (_, i) => 1100 + i), COUNTRIES.length);
  const at = <T>(values: readonly T[], i: number) => values[i % values.length] as T;
  const people = rng.sample(
    FIRST.flatMap((first) => SURNAMES.map((last) => `${first} ${last}`)),
    COUNTRIES.length + INVENTIONS.length,
  );

  const countries = COUNTRIES.map((name, i): Country => {
    const [first, second] = rng.sample(COLOURS, 2) as [string, string];
    return {
      name,
      capital: at(capitals, i),
      river: at(rivers, i),
      mountain: at(mountains, i),
      founder: at(people, i),
      founded: at(years, i),
      animal: at(animals, i),
      metal: rng.pick(METALS),
      crop: rng.pick(CROPS),
      flag: [first, second],
      language: at(LANGUAGES, i),
      money: rng.pick(MONEY),
      neighbour: at(COUNTRIES, i + 1),
      dish: rng.pick(DISHES),
    };
  });
  const creatures = CREATURES.map((name): Creature => ({
    name,
    colour: rng.pick(COLOURS),
    food: rng.pick(FOODS),
    home: rng.pick(COUNTRIES),
    legs: /fish|tail/.test(name)
      ? 0
      : /bird|wing/.test(name)
      ? 2
      : /bug|fly/.test(name)
      ? 6
      : name.includes("crab")
      ? 8
      : name.includes("worm")
      ? 0
      : 4,
    active: rng.pick(["day", "night"]),
    years: rng.int(2, 40),
  }));
  const inventors = INVENTIONS.map((invention, i): Inventor => ({
    name: at(people, COUNTRIES.length + i),
    invention,
    year: rng.int(1500, 1899),
    city: rng.pick(capitals),
    colour: rng.pick(COLOURS),
  }));
  return { countries, creatures, inventors };
}
