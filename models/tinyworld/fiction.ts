import type { Random } from "./random.ts";
import { once, type Slots, writeAll } from "./write.ts";
import { COLOURS, PEOPLE } from "./words.ts";
import { PLOTS } from "./plots.ts";

const PLACES = [
  "in a small village by the sea",
  "in a quiet town near the forest",
  "on a farm behind the hill",
  "in a tall house in the city",
  "in a stone house by the river",
  "in a little house at the edge of the wood",
  "in a village high in the mountains",
  "in an old mill beside the stream",
  "in a cottage near the lake",
  "in a busy street behind the market",
  "in a lighthouse on the cliff",
  "on a boat on the wide canal",
  "on an island far from the land",
  "above a bakery in the old town",
  "in a wagon that moved from town to town",
  "in a castle with a broken roof",
];
const SPOTS = [
  "the old bridge",
  "the apple orchard",
  "the deep well",
  "the empty barn",
  "the big oak tree",
  "the stone tower",
  "the duck pond",
  "the mill",
  "the market square",
  "the dark cave",
  "the long beach",
  "the hay field",
  "the school garden",
  "the narrow path",
  "the broken wall",
  "the hollow log",
  "the frozen lake",
  "the railway station",
  "the rose garden",
  "the harbour",
  "the windmill",
  "the castle gate",
  "the waterfall",
  "the bee hives",
  "the snowy hill",
  "the pine forest",
  "the old fountain",
  "the boat house",
];
const THINGS = [
  "kite",
  "lantern",
  "boat",
  "drum",
  "scarf",
  "box",
  "ball",
  "hat",
  "book",
  "flute",
  "basket",
  "blanket",
  "bell",
  "bicycle",
  "umbrella",
  "map",
  "wagon",
  "cup",
  "ring",
  "spoon",
  "coat",
  "mirror",
  "ladder",
  "whistle",
  "feather",
  "candle",
  "bucket",
  "marble",
  "puppet",
  "pencil",
  "glove",
  "violin",
  "ribbon",
  "jar",
  "sled",
  "telescope",
];
const ANIMALS = [
  "fox",
  "dog",
  "cat",
  "goat",
  "owl",
  "rabbit",
  "pony",
  "duck",
  "hedgehog",
  "donkey",
  "crow",
  "mouse",
  "lamb",
  "squirrel",
  "frog",
  "goose",
  "badger",
  "deer",
  "turtle",
  "parrot",
  "hen",
  "swan",
  "otter",
  "calf",
];
const TRAITS = [
  "brave",
  "curious",
  "quiet",
  "clever",
  "kind",
  "careful",
  "cheerful",
  "shy",
  "patient",
  "stubborn",
  "lively",
  "honest",
  "gentle",
  "dreamy",
  "proud",
  "busy",
  "polite",
  "restless",
  "thoughtful",
  "funny",
];
const FOODS = [
  "warm bread",
  "apple pie",
  "hot soup",
  "honey cake",
  "cheese and pears",
  "fresh plums",
  "a bowl of berries",
  "pancakes",
  "roast potatoes",
  "ginger biscuits",
  "corn on the cob",
  "cherry jam",
  "boiled eggs",
  "nut cake",
  "sweet rice",
  "baked apples",
  "bean stew",
  "a bag of nuts",
];
const ELDERS = [
  ["grandmother", "she", "her"],
  ["grandfather", "he", "his"],
  ["aunt", "she", "her"],
  ["uncle", "he", "his"],
  ["mother", "she", "her"],
  ["father", "he", "his"],
] as const;

/** Who and what a story is about: drawn when a sentence first needs it, the same from there to the end. */
function cast(rng: Random): Slots {
  const hero = once(() => rng.pick(PEOPLE));
  const friend = once(() => rng.pick(PEOPLE.filter((person) => person !== hero())));
  const spot = once(() => rng.pick(SPOTS));
  const elder = once(() => rng.pick(ELDERS));
  return {
    hero: () => hero().name,
    he: () => hero().he,
    him: () => hero().him,
    his: () => hero().his,
    child: () => hero().child,
    friend: () => friend().name,
    fhe: () => friend().he,
    fhim: () => friend().him,
    fhis: () => friend().his,
    elder: () => elder()[0],
    ehe: () => elder()[1],
    ehis: () => elder()[2],
    spot,
    second: once(() => rng.pick(SPOTS.filter((other) => other !== spot()))),
    place: once(() => rng.pick(PLACES)),
    colour: once(() => rng.pick(COLOURS)),
    thing: once(() => rng.pick(THINGS)),
    animal: once(() => rng.pick(ANIMALS)),
    trait: once(() => rng.pick(TRAITS)),
    food: once(() => rng.pick(FOODS)),
  };
}

const OPENINGS = [
  "[Once upon a time|Long ago|Once], a {trait} {child} named {hero} lived {place}[ with {his} {elder}|].",
  "{hero} was a {trait} {child} who lived {place}. [Every morning {he} walked to {spot}.|{He} knew every stone of {spot}.|The whole [village|neighbourhood] knew {him}.]",
  "{Place} there lived a {child} called {hero}. {He} was [very|rather|always] {trait}[, and {he} loved {food}|].",
  "There was once a {child} named {hero}. {He} lived {place}, and everyone said that {he} was {trait}.",
];

const SCENERY = [
  "The sun was [high|low|warm], and the wind smelled of [salt|hay|rain|flowers].",
  "It had rained all night, and the ground was [soft|wet|full of puddles].",
  "The night had been [cold|short|long], and the morning was [still|very clear|full of small sounds].",
  "[Clouds|Swallows|Leaves] moved [slowly|quickly] over {spot}.",
  "[Far away|Somewhere behind the hill|In the village] a bell rang [twice|three times|once].",
  "{His} {elder} had packed {food} for the day.",
  "[Smoke|The smell of fresh bread] came from the [houses|chimneys], and somewhere a [door|gate] [opened|closed].",
];

/** Small events that fit between any two beats, whoever is there. */
const ASIDES = [
  '"[I can do this|What would my {elder} say|One thing after the other|This is harder than it looks|What a strange day]," {hero} thought.',
  '{hero} remembered {his} {elder}, who always said: "[Look twice|One step at a time|Tomorrow is another day|Good things take time]."',
  "Somewhere a [bird|bee|cricket|child] [sang|hummed|laughed], and {hero} [smiled|listened|felt less alone].",
  "{hero} [stopped|rested] for a while and ate {food}.",
  "{hero} [took a deep breath|looked up at the sky|put {his} hands in {his} pockets] and [thought hard|went on|said nothing].",
  "It was [almost noon|late|still early], and {second} [was empty|lay in the shade|shone in the light].",
];

const ENDINGS = [
  "That evening they ate {food} together, and {hero} [slept well|fell asleep with a smile|told the whole story again].",
  "When {he} came home, {his} {elder} [hugged {him}|listened to every word|laughed out loud] and gave {him} {food}.",
  "From that day on, {hero} and {friend} met at {spot} every [week|morning|Sunday].",
  "And if you walk past {spot} today, you may still [hear them laugh|see the {colour} {thing}|find them there].",
  "{hero} never forgot that day, and neither did {friend}.",
  '"[What a day|That was fun|We did it]," said {friend}. "[Let us come back tomorrow|I am glad you were there|We make a good team]." {hero} [nodded|smiled|agreed].',
];

/** A short story: one cast, an opening, the beats of one plot with a little scenery, an ending. */
export function fiction(rng: Random): string {
  const slots = cast(rng);
  const plot = rng.pick(PLOTS);
  const beats = [rng.pick(OPENINGS)];
  if (rng.chance(0.5)) beats.push(rng.pick(SCENERY));
  const aside = rng.chance(0.7) ? rng.int(2, plot.beats.length - 1) : -1;
  plot.beats.forEach((beat, i) => {
    beats.push(rng.pick(beat));
    if (i === aside) beats.push(rng.pick(ASIDES));
  });
  beats.push(rng.pick(ENDINGS));
  if (rng.chance(0.4)) beats.push(plot.moral);
  const title = rng.chance(0.25) ? writeAll(rng, [plot.title], slots) + "\n\n" : "";
  return title + writeAll(rng, beats, slots);
}
