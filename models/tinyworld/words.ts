/** Words that more than one kind of text draws from. */

/** A person as grammar needs them. */
export interface Person {
  readonly name: string;
  readonly he: string;
  readonly him: string;
  readonly his: string;
  readonly child: string;
}

const GIRLS =
  "Anna Bella Clara Daisy Emma Fiona Grace Hannah Ida Julia Kate Lily Mia Nora Olive Penny Rosa Sara Tilda Vera Wendy Zoe Alma Betty Cora Dora Elsa Freya Gina Holly Iris June Lena Maya Nina Ruth Stella Tessa Una Ella";
const BOYS =
  "Adam Ben Carl David Eli Finn George Henry Ivan Jack Karl Leo Max Noah Oscar Paul Ralph Sam Tom Victor Will Zack Alan Bruno Colin Dan Erik Felix Gus Hugo Ian Jonas Kevin Luke Mark Nick Otto Peter Rob Simon";

const person = (female: boolean) => (name: string): Person =>
  female
    ? { name, he: "she", him: "her", his: "her", child: "girl" }
    : { name, he: "he", him: "him", his: "his", child: "boy" };

/** Everybody who may walk through a story, a sum or the news. */
export const PEOPLE: readonly Person[] = [
  ...GIRLS.split(" ").map(person(true)),
  ...BOYS.split(" ").map(person(false)),
];

/** Family names. */
export const SURNAMES: readonly string[] =
  "Abbot Baker Carver Dale Ember Fisher Gray Hill Irving Jordan Kerr Lane Miller North Osborn Parker Quill Reed Stone Turner Usher Vale Weaver York Archer Bishop Cooper Drake Ellis Foster Glover Harper Marsh Potter Rowe Sharp Thorn Walker Webb Wood"
    .split(" ");

/** The days of the week, Monday first. */
export const WEEKDAYS: readonly string[] = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(
  " ",
);

/** The months of the year. */
export const MONTHS: readonly string[] =
  "January February March April May June July August September October November December".split(" ");

/** The day `later` days after weekday number `day`. */
export function weekday(day: number, later = 0): string {
  return WEEKDAYS[(day + later) % 7] as string;
}

/** Colours of things. */
export const COLOURS: readonly string[] =
  "red blue green yellow white black brown purple orange silver gold pink".split(" ");

/** Things that are counted in sums and in code. */
export const COUNTABLE: readonly string[] =
  "apple pear plum egg book pencil coin button shell stone cup plate candle marble stamp ticket cake nail brick basket flower card leaf loaf fish key hat"
    .split(" ");
