import type { Random } from "./random.ts";
import { PLOTS } from "./plots.ts";
import { place, type Scene, sentence } from "./sentences.ts";
import { ANIMALS, COLOURS, MEALS, PEOPLE, type Person, PERSON_ADJECTIVES, THINGS, TOPICS } from "./words.ts";
import { once, type Slots, writeAll } from "./write.ts";

const HOMES = [
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
const ELDERS = [
  ["grandmother", "she", "her"],
  ["grandfather", "he", "his"],
  ["aunt", "she", "her"],
  ["uncle", "he", "his"],
  ["mother", "she", "her"],
  ["father", "he", "his"],
] as const;

/** Who and what a story is about: drawn when a sentence first needs it, the same from there to the end. */
function cast(rng: Random, topic: string): { slots: Slots; people: readonly Person[] } {
  const hero = rng.likely(PEOPLE, topic);
  const friend = rng.likely(PEOPLE.filter((person) => person !== hero), hero.name);
  const spot = once(() => `the ${place(rng, topic)}`);
  const elder = once(() => rng.pick(ELDERS));
  const slots = {
    hero: hero.name,
    he: hero.he,
    him: hero.him,
    his: hero.his,
    child: hero.child,
    friend: friend.name,
    fhe: friend.he,
    fhim: friend.him,
    fhis: friend.his,
    elder: () => elder()[0],
    ehe: () => elder()[1],
    ehis: () => elder()[2],
    spot,
    second: once(() => `the ${place(rng, spot())}`),
    home: once(() => rng.likely(HOMES, topic)),
    colour: once(() => rng.pick(COLOURS)),
    thing: once(() => rng.likely(THINGS, topic)),
    animal: once(() => rng.likely(ANIMALS, topic)),
    trait: once(() => rng.likely(PERSON_ADJECTIVES, hero.name)),
    food: once(() => rng.likely(MEALS, topic)),
  };
  return { slots, people: [hero, friend] };
}

const OPENINGS = [
  "[Once upon a time|Long ago|Once], a {trait} {child} named {hero} lived {home}[ with {his} {elder}|].",
  "{hero} was a {trait} {child} who lived {home}. [Every morning {he} walked to {spot}.|{He} knew every stone of {spot}.|The whole [village|neighbourhood] knew {him}.]",
  "{Home} there lived a {child} called {hero}. {He} was [very|rather|always] {trait}[, and {he} loved {food}|].",
  "There was once a {child} named {hero}. {He} lived {home}, and everyone said that {he} was {trait}.",
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

/** A short story: a topic, two people, an opening, then a plot with free sentences between its beats or those alone. */
export function fiction(rng: Random): string {
  const topic = rng.pick(TOPICS);
  const { slots, people } = cast(rng, topic);
  const scene: Scene = { topic, people, things: [] };
  const plot = rng.chance(0.35) ? rng.pick(PLOTS) : undefined;
  const story = [rng.pick(OPENINGS)];
  const tell = (count: number) => {
    for (let i = 0; i < count; i++) story.push(rng.chance(0.05) ? rng.pick(ASIDES) : sentence(rng, scene));
  };
  if (rng.chance(0.2)) story.push(rng.pick(SCENERY));
  if (plot) {
    for (const beat of plot.beats) {
      tell(rng.int(0, 2));
      story.push(rng.pick(beat));
    }
  } else tell(rng.int(5, 12));
  if (plot || rng.chance(0.5)) story.push(rng.pick(ENDINGS));
  if (plot && rng.chance(0.4)) story.push(plot.moral);
  const title = rng.chance(0.25) ? `${plot ? plot.title : `A story of the ${topic}`}\n\n` : "";
  return (title && writeAll(rng, [title], slots) + "\n\n") + writeAll(rng, story, slots);
}
