import type { Random } from "./random.ts";
import { COUNTABLE, GOODS, PEOPLE, PLACES } from "./words.ts";
import { counted, once, plural, type Slots, write } from "./write.ts";

/** Mostly two digits, at times three or four. */
const size = (rng: Random): number => {
  const [low, high] = rng.weighted([[1, [2, 9]], [6, [10, 99]], [3, [100, 999]], [1, [1000, 4999]]] as const);
  return rng.int(low, high);
};

const digit = (n: number, place: number) => Math.floor(n / place) % 10;

/** Addition, digit by digit from the right, with its carries. */
function addition(rng: Random): string {
  const [a, b] = [size(rng), size(rng)];
  const lines = [`${a} + ${b} = ?`];
  let carry = 0;
  for (let place = 1; place <= Math.max(a, b); place *= 10) {
    const [x, y] = [digit(a, place), digit(b, place)];
    const sum = x + y + carry;
    lines.push(`${x} + ${y}${carry ? " + 1" : ""} = ${sum}: write ${sum % 10}${sum > 9 ? ", carry 1" : ""}.`);
    carry = sum > 9 ? 1 : 0;
  }
  if (carry) lines.push("Write the 1.");
  return [...lines, `${a} + ${b} = ${a + b}`].join("\n");
}

/** Subtraction, digit by digit, with its borrows. */
function subtraction(rng: Random): string {
  const [b, rest] = [size(rng), size(rng)];
  const a = b + rest;
  const lines = [`${a} - ${b} = ?`];
  let borrow = 0;
  for (let place = 1; place <= a; place *= 10) {
    const [x, y] = [digit(a, place), digit(b, place) + borrow];
    const lent = x < y ? 10 : 0;
    lines.push(`${x + lent} - ${y} = ${x + lent - y}: write ${x + lent - y}${lent ? ", borrow 1" : ""}.`);
    borrow = lent ? 1 : 0;
  }
  return [...lines, `${a} - ${b} = ${rest}`].join("\n");
}

/** Multiplication of a number of two or three digits, split into its places. */
function multiplication(rng: Random): string {
  const [a, b] = [rng.chance(0.7) ? rng.int(11, 99) : rng.int(101, 499), rng.int(2, 12)];
  const parts = [100, 10, 1].map((place) => digit(a, place) * place).filter((part) => part > 0);
  const steps = parts.map((part) => `${part} x ${b} = ${part * b}.`);
  if (parts.length > 1) {
    steps.unshift(`${a} = ${parts.join(" + ")}.`);
    steps.push(`${parts.map((part) => part * b).join(" + ")} = ${a * b}.`);
  }
  return [`${a} x ${b} = ?`, ...steps, `${a} x ${b} = ${a * b}`].join("\n");
}

/** Counting on in equal steps. */
function counting(rng: Random): string {
  const [start, step, length] = [rng.int(0, 99), rng.int(2, 25), rng.int(4, 7)];
  const up = rng.chance(0.6);
  const row = Array.from({ length }, (_, i) => start + step * (up ? i : length - 1 - i));
  return `Count ${up ? "up" : "down"} in steps of ${step} from ${row[0]}: ${
    row.join(", ")
  }.\nThe next number is ${(row.at(-1) as number) + (up ? step : -step)}.`;
}

/** Sorting a few numbers, then their smallest, largest and sum. */
function sorting(rng: Random): string {
  const numbers = rng.sample(Array.from({ length: 199 }, (_, i) => i + 1), rng.int(4, 7));
  const sorted = [...numbers].sort((a, b) => a - b);
  let total = sorted[0] as number;
  const sums = sorted.slice(1).map((n) => `${total} + ${n} = ${total += n}`);
  return `Numbers: ${numbers.join(", ")}\nSorted: ${sorted.join(", ")}\nSmallest: ${sorted[0]}\nLargest: ${
    sorted.at(-1)
  }\n${sums.join("\n")}\nSum: ${total}`;
}

const roman = (n: number): string =>
  (["", "X", "XX", "XXX", "XL"][Math.floor(n / 10)] ?? "") +
  (["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"][n % 10] ?? "");
const time = (minutes: number) => `${Math.floor(minutes / 60) % 24}:${String(minutes % 60).padStart(2, "0")}`;

/** Questions of one line with their answers, each with its equation where there is one. */
const LINES: readonly ((rng: Random) => string)[] = [
  (rng) => {
    const [a, b] = [size(rng), size(rng)];
    return rng.chance(0.5) ? `${a} + ${b} = ${a + b}` : `${a + b} - ${a} = ${b}`;
  },
  (rng) => {
    const [a, b] = [rng.int(2, 20), rng.int(2, 12)];
    return rng.chance(0.5) ? `${a} x ${b} = ${a * b}` : `${a * b} / ${a} = ${b}`;
  },
  (rng) => {
    const [a, b, c] = [rng.int(2, 99), rng.int(2, 99), rng.int(2, 99)];
    return rng.chance(0.5) ? `${a} + ${b} + ${c} = ${a + b + c}` : `${a + b} - ${a} + ${c} = ${b + c}`;
  },
  (rng) => {
    const [small, more] = [rng.int(1, 300), rng.int(1, 99)];
    const [a, b] = rng.chance(0.5) ? [small, small + more] : [small + more, small];
    return write(
      rng,
      `[Which is larger, ${a} or ${b}?|Compare ${a} and ${b}.] ${
        small + more
      } is larger than ${small}, because ${small + more} - ${small} = ${more}.`,
    );
  },
  (rng) => {
    const [x, a] = [rng.int(1, 99), rng.int(2, 99)];
    return rng.chance(0.5)
      ? `Solve x + ${a} = ${x + a}: ${x + a} - ${a} = ${x}, so x = ${x}.`
      : `Solve x - ${a} = ${x}: ${x} + ${a} = ${x + a}, so x = ${x + a}.`;
  },
  (rng) => {
    const [x, a, b] = [rng.int(2, 20), rng.int(2, 9), rng.int(1, 60)];
    return `Solve ${a} x y + ${b} = ${a * x + b}: ${a * x + b} - ${b} = ${a * x} and ${
      a * x
    } / ${a} = ${x}, so y = ${x}.`;
  },
  (rng) => {
    const [bottom, part] = [rng.int(2, 10), rng.int(2, 40)];
    const top = rng.int(1, bottom - 1);
    return write(
      rng,
      `[|Find |Take ]${top}/${bottom} of ${bottom * part}: ${
        bottom * part
      } / ${bottom} = ${part}, ${part} x ${top} = ${part * top}.`,
    );
  },
  (rng) => {
    const [percent, unit] = [rng.pick([5, 10, 20, 25, 30, 40, 50, 60, 75, 80, 90]), rng.int(1, 25)];
    const whole = unit * 20;
    return `${percent} percent of ${whole}: ${whole} x ${percent} = ${whole * percent}, ${
      whole * percent
    } / 100 = ${whole * percent / 100}.`;
  },
  (rng) => {
    const [start, long] = [rng.int(300, 1300), rng.int(5, 139)];
    const what = rng.pick([
      "train",
      "lesson",
      "film",
      "walk",
      "concert",
      "ferry",
      "match",
      "bus",
      "play",
      "meeting",
      "storm",
      "meal",
    ]);
    return write(
      rng,
      `The ${what} [begins|starts] at ${
        time(start)
      } and [takes|lasts] ${long} minutes. It [ends|is over] at ${time(start + long)}.`,
    );
  },
  (rng) => {
    const [big, small, per] = rng.pick(
      [
        ["hours", "minutes", 60],
        ["metres", "centimetres", 100],
        ["weeks", "days", 7],
        ["kilograms", "grams", 1000],
        ["dozens", "pieces", 12],
        ["days", "hours", 24],
        ["feet", "inches", 12],
        ["minutes", "seconds", 60],
        ["yards", "feet", 3],
        ["years", "months", 12],
      ] as const,
    );
    const [a, b] = [rng.int(2, 30), rng.int(1, per - 1)];
    return `${a} ${big} and ${b} ${small}: ${a} x ${per} = ${a * per}, ${a * per} + ${b} = ${
      a * per + b
    } ${small}.`;
  },
  (rng) => {
    const n = rng.int(2, 5);
    const row = Array.from({ length: n - 1 }, () => rng.int(2, 60));
    const part = row.reduce((x, y) => x + y);
    const last = rng.int(1, 12) * n + (n - part % n) % n;
    return `Average of ${[...row, last].join(", ")}: ${[...row, last].join(" + ")} = ${part + last}, ${
      part + last
    } / ${n} = ${(part + last) / n}.`;
  },
  (rng) => {
    const [a, b] = [rng.int(3, 60), rng.int(2, 30)];
    const what = rng.pick([
      "rectangle",
      "field",
      "room",
      "garden",
      "carpet",
      "yard",
      "wall",
      "map",
      "table",
      "sheet",
    ]);
    return `A ${what} of ${a} by ${b}: area ${a} x ${b} = ${a * b}, around ${a} + ${b} = ${a + b}, ${
      a + b
    } x 2 = ${2 * (a + b)}.`;
  },
  (rng) => {
    const n = rng.int(1, 40);
    return rng.chance(0.5) ? `${n} in Roman numerals is ${roman(n)}.` : `${roman(n)} means ${n}.`;
  },
  (rng) => {
    const [a, q] = [rng.int(2, 12), rng.int(2, 30)];
    const rest = rng.int(1, a - 1);
    return `Divide ${a * q + rest} by ${a}: ${a} x ${q} = ${a * q}, ${a * q} + ${rest} = ${
      a * q + rest
    }, so ${q}, rest ${rest}.`;
  },
  (rng) => {
    const [start, by, length] = [rng.int(1, 9), rng.int(2, 4), rng.int(3, 5)];
    return `Times ${by} each time: ${Array.from({ length }, (_, i) => start * by ** i).join(", ")}; next ${
      start * by ** length
    }.`;
  },
  (rng) => {
    const [cost, back] = [rng.int(3, 90), rng.int(1, 60)];
    const what = counted(rng.int(2, 30), rng.pick(COUNTABLE));
    return write(
      rng,
      `[Somebody pays|You pay] ${cost + back} for ${what} that cost ${cost}: ${
        cost + back
      } - ${cost} = ${back}, so [${back} back|the change is ${back}].`,
    );
  },
];

/** Several short exercises, of one kind or mixed. */
function lines(rng: Random): string {
  const one = rng.chance(0.4) ? rng.pick(LINES) : undefined;
  return Array.from({ length: rng.int(3, 6) }, () => (one ?? rng.pick(LINES))(rng)).join("\n");
}

const STORIES = [
  "{one} has {someA}. {two} [gives|brings|sends|sells] {him} {someB}[ more|]. [How many {items} has {one} now?|Count {his} {items}.]\n{a} + {b} = {sum}. {one} has {someSum}.",
  "{one} had {someSum}. {He} [gave|sold|sent|lent] {someB} to {two}[ at the {place}|]. How many {items} are left?\n{sum} - {b} = {a}. {someA} are left.",
  "[There are|{one} sees|{one} packs|At the {place} there are] {n} [boxes|rows|bags|crates|baskets] with {someM} each. How many {items} are there[ in all|]?\n{n} x {m} = {product}. There are {someProduct}.",
  "{one} shares {someProduct} with {his} friends, so that {n} children get the same. How many {items} does each child get?\n{product} / {n} = {m}. Each child gets {someM}.",
  "{one} has {someSum}, and {two} has {someA}. [How many more {items} has {one}?|Who has more?]\n{sum} - {a} = {b}. {one} has {b} more.",
  "A shop [near the {place}|] had {someSum} in the morning and {someA} in the evening. How many {items} were sold?\n{sum} - {a} = {b}. The shop sold {someB}.",
  "{one} [found|made|bought|counted] {someA} on Monday and {someB} on Tuesday. How many {items} [was that|are that together]?\n{a} + {b} = {sum}. Together {someSum}.",
  "One {item} costs {m} coins[ at the {place}|]. What do {n} {items} cost {one}?\n{n} x {m} = {product}. They cost {product} coins.",
  "{one} buys {items} for {b} coins and {goods} for {c} coins, and pays with {bill} coins. What does {he} get back?\n{b} + {c} = {bc}. {bill} - {bc} = {back}. {one} gets {back} coins back.",
  "{one} carries {someA}, {two} {b} and {three} {c}. How many {items} is that?\n{a} + {b} = {sum}. {sum} + {c} = {abc}. That is {someAbc}.",
  "{one} walks {m} miles a day[ to the {place}|]. How far is that in {n} days?\n{m} x {n} = {product}. It is {product} miles.",
  "{one} is {m} years old, {two} is {n} years older. How old will {two} be in {back} years?\n{m} + {n} = {mn}. {mn} + {back} = {then}. {two} will be {then}.",
  "{one} sells {n} sacks of {goods} for {m} coins each and spends {n} coins on {items}. What is left?\n{n} x {m} = {product}. {product} - {n} = {productN}. {productN} coins are left.",
];

/** A word problem with its worked answer. */
function problem(rng: Random): string {
  const one = once(() => rng.pick(PEOPLE));
  const two = once(() => rng.pick(PEOPLE.filter((person) => person !== one())));
  const item = once(() => rng.pick(COUNTABLE));
  const [a, b, c] = [once(() => rng.int(11, 199)), once(() => rng.int(2, 99)), once(() => rng.int(2, 60))];
  const [n, m] = [once(() => rng.int(2, 12)), once(() => rng.int(2, 30))];
  const back = once(() => rng.int(1, 50));
  const numbers: Record<string, () => number> = {
    a,
    b,
    c,
    n,
    m,
    back,
    sum: () => a() + b(),
    bc: () => b() + c(),
    abc: () => a() + b() + c(),
    bill: () => b() + c() + back(),
    product: () => n() * m(),
    productN: () => n() * m() - n(),
    mn: () => m() + n(),
    then: () => m() + n() + back(),
  };
  const slots: Slots = {
    one: () => one().name,
    he: () => one().he,
    him: () => one().him,
    his: () => one().his,
    two: () => two().name,
    three: once(() => rng.pick(PEOPLE.filter((person) => person !== one() && person !== two())).name),
    item,
    items: () => plural(item()),
    place: once(() => rng.pick(PLACES)),
    goods: once(() => rng.pick(GOODS)),
    ...Object.fromEntries(
      Object.entries(numbers).flatMap(([name, value]) => [
        [name, () => `${value()}`],
        [`some${name[0]?.toUpperCase()}${name.slice(1)}`, () => counted(value(), item())],
      ]),
    ),
  };
  return write(rng, rng.pick(STORIES), slots);
}

/** Worked sums and word problems; whatever stands around "=" is equal. */
export function arithmetic(rng: Random): string {
  const form = rng.weighted([
    [2, addition],
    [2, subtraction],
    [2, multiplication],
    [1, counting],
    [1, sorting],
    [8, lines],
    [10, problem],
  ]);
  const parts = form === problem ? rng.int(2, 3) : form === lines || form === sorting ? 1 : rng.int(1, 2);
  return Array.from({ length: parts }, () => form(rng)).join("\n\n");
}
