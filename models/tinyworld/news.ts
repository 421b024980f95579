import type { Random } from "./random.ts";
import { MONTHS, PEOPLE, SURNAMES, weekday } from "./words.ts";
import { background, type Desk } from "./wire.ts";
import { type Country, WORLD } from "./world.ts";
import { once, type Slots, spoken, writeAll } from "./write.ts";

/** What every report may need: where, when and who speaks. Numbers are added by the report. */
function facts(rng: Random, country: Country): Slots {
  const day = rng.below(7);
  const speaker = once(() => rng.likely(PEOPLE, country.name));
  const other = once(() => rng.likely(PEOPLE.filter((person) => person !== speaker()), country.name));
  const last = once(() => rng.likely(SURNAMES, country.name));
  const olast = once(() => rng.likely(SURNAMES.filter((name) => name !== last()), country.name));
  return {
    city: country.capital,
    country: country.name,
    river: country.river,
    money: country.money,
    crop: country.crop,
    day: weekday(day),
    before: weekday(day, 6),
    next: weekday(day, 1),
    later: weekday(day, 3),
    month: once(() => rng.pick(MONTHS)),
    speaker: () => `${speaker().name} ${last()}`,
    last,
    she: () => speaker().he,
    other: () => `${other().name} ${olast()}`,
    olast,
    ohe: () => other().he,
    ohis: () => other().his,
  };
}

/** One kind of report: draws its own numbers, then names its sentences in order. */
type Report = (rng: Random, country: Country) => { slots: Slots; lines: string[] };

const bridge: Report = (rng) => {
  const planned = rng.int(2, 40);
  const extra = rng.int(1, 9);
  const months = rng.int(5, 30);
  return {
    slots: {
      planned: `${planned}`,
      extra: `${extra}`,
      cost: `${planned + extra}`,
      months: `${months}`,
      year: once(() => `${rng.int(30, 200)}`),
      work: rng.pick([
        "bridge",
        "library",
        "school",
        "railway station",
        "harbour",
        "hospital",
        "theatre",
        "town hall",
      ]),
    },
    lines: [
      "[A new {work} opened in {city} on {day}.|{city} has a new {work}. It opened its doors on {day}.]",
      "The work took {months} months and cost {cost} million {money}, {extra} million more than the {planned} million that were planned.",
      '[Mayor {speaker} cut the ribbon. "We have waited for this for a long time," {she} said.|"It was worth every day of work," said Mayor {speaker}.]',
      "[The old {work} was {year} years old and had become too small.|It replaces an old building that stood for {year} years.|]",
      "[On {next} the {work} will be open to everyone, and entry is free.|The first visitors are expected on {next}.]",
      "[{last} thanked the workers and their families.|{other}, who planned the {work}, said that {ohe} was [tired but happy|very proud].]",
    ],
  };
};

const match: Report = (rng, country) => {
  const home = country.capital;
  const away = rng.likely(WORLD.countries.filter((other) => other !== country), country.name).capital;
  const lost = rng.int(0, 3);
  const margin = rng.int(1, 4);
  const [first, second] = rng.chance(0.5) ? [home, away] : [away, home];
  return {
    slots: {
      home,
      away,
      winner: first,
      loser: second,
      won: `${lost + margin}`,
      lost: `${lost}`,
      margin: `${spoken(margin)} goal${margin === 1 ? "" : "s"}`,
      total: `${lost * 2 + margin}`,
      crowd: `${rng.int(2, 60)}`,
      minute: `${rng.int(2, 89)}`,
    },
    lines: [
      "[{winner} beat {loser} {won} to {lost} on {day}.|{winner} won the match against {loser} on {day}. The score was {won} to {lost}.]",
      "[The match was played in {home} before {crowd} thousand people.|{crowd} thousand people came to the stadium in {home}.]",
      "[The first goal fell in minute {minute}.|{speaker} scored in minute {minute} for {winner}.] [There were {total} goals in all.|{winner} won by {margin}.]",
      '"[We played as a team|We never stopped running|This win is for our fans]," said {speaker} of {winner}.',
      '[{other}, the coach of {loser}, was not pleased. "We made too many mistakes," {ohe} said.|{loser} will try again on {later}.]',
      "[The next match is on {later}.|]",
    ],
  };
};

const weather: Report = (rng) => {
  const warm = rng.int(4, 30);
  const change = rng.int(2, 9);
  const colder = rng.chance(0.5);
  return {
    slots: {
      now: `${warm}`,
      change: `${change}`,
      then: `${colder ? warm - change : warm + change}`,
      word: colder ? "fall" : "rise",
      feel: colder ? "colder" : "warmer",
      rain: `${rng.int(3, 60)}`,
      wind: rng.pick(["north", "south", "east", "west"]),
    },
    lines: [
      "[{day} brought {now} degrees to {city}.|It was {now} degrees in {city} on {day}.]",
      "On {next} it will be {change} degrees {feel}: the weather office expects the temperature to {word} to {then} degrees.",
      "[A [strong|light] wind will blow from the {wind}.|The wind comes from the {wind}.]",
      "[Up to {rain} millimetres of rain fell on {before}.|After {rain} millimetres of rain the river {river} is high.] [The roads are open again.|Some roads are still closed.|]",
      '"[Take a coat with you|Enjoy the day|Please stay away from the river]," said {speaker} of the weather office. [{She} expects better weather from {later} on.|]',
    ],
  };
};

const election: Report = (rng) => {
  const winner = rng.int(51, 75);
  const office = rng.pick([
    "mayor",
    "head of the council",
    "president of the farmers",
    "leader of the workers",
    "judge",
  ]);
  return {
    slots: {
      win: `${winner}`,
      lose: `${100 - winner}`,
      lead: `${winner * 2 - 100}`,
      office,
      turnout: once(() => `${rng.int(40, 90)}`),
      years: spoken(rng.int(3, 8)),
    },
    lines: [
      "[{speaker} is the new {office} of {city}.|The people of {city} have chosen a new {office}: {speaker}.]",
      "[In the vote on {day} {she} won {win} percent.|{She} won {win} percent of the votes on {day}.] {other} [got|received] the other {lose} percent, {lead} points less.",
      "[{turnout} of 100 people went to vote.|]",
      '"I will [work for everyone|keep my promises|listen to all sides]," said {last}[ in the evening|]. [{She} promised [lower taxes|new schools|better roads|clean water].|]',
      '[{olast} wished {ohis} rival well.|"The people have spoken," said {olast}.|{olast} did not want to speak to reporters.]',
      "The new {office} will begin on {later} and stay for {years} years.",
    ],
  };
};

const prices: Report = (rng) => {
  const old = rng.int(4, 60);
  const change = rng.int(1, 3 + Math.floor(old / 4));
  const up = rng.chance(0.5) || change >= old;
  return {
    slots: {
      old: `${old}`,
      now: `${up ? old + change : old - change}`,
      change: `${change}`,
      moved: up ? "risen" : "fallen",
      word: up ? "rise" : "drop",
      cause: up
        ? rng.pick(["a dry summer", "a bad harvest", "the high cost of transport", "heavy storms"])
        : rng.pick(["a good harvest", "a mild winter", "new machines", "the new railway"]),
      goods: rng.pick(["flour", "milk", "wood", "coal", "salt", "cheese", "cloth", "paper"]),
    },
    lines: [
      "The price of {goods} in {country} has {moved} from {old} to {now} {money}[ a sack|], a {word} of {change}.",
      "[Traders in {city} say that the reason is {cause}.|The reason is {cause}, [traders|experts] said on {day}.]",
      '"[We talk of nothing else|Everyone can feel it|I have not seen this in years]," said {speaker}, who has a shop in {city}.',
      "[The price of {crop} did not change.|The government will meet on {later}.|]",
      '[{other} of the market office expects the same price in {month}.|"In {month} we will know more," said {other} of the market office.]',
    ],
  };
};

const rescue: Report = (rng) => {
  const saved = rng.int(2, 20);
  const hurt = rng.below(Math.min(saved, 5));
  return {
    slots: {
      saved: spoken(saved),
      safe: hurt === 0
        ? "nobody was hurt"
        : `${spoken(hurt)} of them ${hurt === 1 ? "was" : "were"} hurt, the other ${spoken(saved - hurt)} ${
          saved - hurt === 1 ? "was" : "were"
        } well`,
      hour: spoken(rng.int(1, 12)),
      cause: rng.pick([
        "fire in a bakery",
        "flood",
        "snow storm",
        "broken boat",
        "fallen tree",
        "broken lift",
        "fire in a barn",
        "rock slide",
      ]),
    },
    lines: [
      "[After a {cause}, {saved} people were rescued in {city} on {day}.|{saved} people were rescued in {city} on {day} after a {cause}.]",
      "{safe}, the police said.",
      "[The alarm came at {hour} in the [morning|afternoon].|It began at {hour} o'clock.] [Helpers were there within minutes.|It took the helpers two hours to reach everyone.]",
      '["I heard [a shout|a loud noise] and ran," said {speaker}, who saw it all.|{speaker}, who lives near the river {river}, called for help.] [{She} [opened|broke] a [door|window] and led them out.|]',
      "[The mayor thanked {last} on {next}.|{other}, the head of the fire station, called {last} a hero.] [The street will be closed until {later}.|]",
    ],
  };
};

const discovery: Report = (rng) => {
  const creature = rng.likely(WORLD.creatures);
  const years = rng.int(2, 15);
  return {
    slots: {
      creature: creature.name,
      colour: creature.colour,
      food: creature.food,
      home: creature.home,
      years: spoken(years),
      count: `${rng.int(12, 95)}`,
      place: rng.pick([
        "in a cave",
        "on an island",
        "in a deep valley",
        "near an old mine",
        "in a forest",
        "on a mountain",
      ]),
    },
    lines: [
      "[Scientists from {city} have found {count} [living|wild] animals of a kind that was thought lost: the {creature}.|The {creature} is back. Scientists from {city} counted {count} of them.]",
      "They live {place} in {home}[, where few people ever go|].",
      "The {creature} is {colour} and eats {food}.",
      '"We looked for {years} years," said {speaker} on {day}. ["It was worth it," {she} added.|{She} will return in {month}.]',
      "[{other} of the museum in {city} wants to show pictures of the animals from {later} on.|The place is being kept secret, said {other}.]",
    ],
  };
};

const festival: Report = (rng) => {
  const days = rng.int(2, 4);
  const guests = rng.int(2, 30);
  return {
    slots: {
      days: spoken(days),
      guests: `${guests}`,
      more: `${guests + rng.int(1, 5)}`,
      fest: rng.pick(["harvest", "lantern", "music", "bread", "kite", "flower", "river", "book"]),
    },
    lines: [
      "[The {fest} festival in {city} begins on {day}.|On {day} the {fest} festival opens in {city}.] It will last {days} days.",
      "Last year {guests} thousand guests came; this year {speaker}, who runs it, expects {more} thousand.",
      '"[There is something for everyone|We have never had such a programme|Come early]," {she} said.',
      "[The streets near the {river} will be closed to cars.|Visitors pay [two|three|five] {money}; children pay nothing.]",
      "[The high point is [a concert|a parade|a play|a dance] on {next}.|On {next} there will be [fireworks|a long table for all|games].] [{other} will [sing|speak|play the violin] that evening.|]",
    ],
  };
};

const REPORTS: readonly Report[] = [bridge, match, weather, election, prices, rescue, discovery, festival];

/** A news item: a report whose names, weekdays and numbers agree with each other, or free sentences, or both. */
export function news(rng: Random): string {
  const country = rng.likely(WORLD.countries);
  const desk: Desk = { country };
  const free = (count: number) => Array.from({ length: count }, () => background(rng, desk));
  const { slots, lines } = rng.chance(0.45)
    ? rng.pick(REPORTS)(rng, country)
    : { slots: {}, lines: free(rng.int(4, 8)) };
  const dateline = "home" in slots ? "{home}, {day}." : "{city}, {day}.";
  const more = free(rng.int(0, 2));
  return writeAll(rng, [dateline, ...lines, ...more], { ...facts(rng, country), ...slots });
}
