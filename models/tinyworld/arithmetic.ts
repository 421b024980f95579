import type { Random } from "./random.ts";
import { COUNTABLE, PEOPLE } from "./words.ts";
import { counted, once, plural, type Slots, write } from "./write.ts";

/** Mostly two digits, at times three: small enough to be learnt, large enough not to be a list. */
const size = (rng: Random) => rng.chance(0.2) ? rng.int(100, 499) : rng.int(2, 99);

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

const digit = (n: number, place: number) => Math.floor(n / place) % 10;

/** Several short exercises of one kind. */
function drill(rng: Random): string {
  const kind = rng.pick(["+", "-", "x", "/"]);
  const line = () => {
    if (kind === "+" || kind === "-") {
      const [a, b] = [rng.int(1, 50), rng.int(1, 49)];
      return kind === "+" ? `${a} + ${b} = ${a + b}` : `${a + b} - ${a} = ${b}`;
    }
    const [a, b] = [rng.int(2, 12), rng.int(2, 12)];
    return kind === "x" ? `${a} x ${b} = ${a * b}` : `${a * b} / ${a} = ${b}`;
  };
  return Array.from({ length: rng.int(4, 8) }, line).join("\n");
}

/** Multiplication of a two-digit number, split into tens and ones. */
function multiplication(rng: Random): string {
  const [a, b] = [rng.int(11, 49), rng.int(2, 9)];
  const [tens, ones] = [a - a % 10, a % 10];
  return `${a} x ${b} = ?\n${a} = ${tens} + ${ones}.\n${tens} x ${b} = ${tens * b}.\n${ones} x ${b} = ${
    ones * b
  }.\n${tens * b} + ${ones * b} = ${a * b}.\n${a} x ${b} = ${a * b}`;
}

/** Which number is larger, and by how much. */
function comparing(rng: Random): string {
  const lines = Array.from({ length: rng.int(2, 4) }, () => {
    const [small, more] = [rng.int(1, 80), rng.int(1, 30)];
    const large = small + more;
    const [a, b] = rng.chance(0.5) ? [small, large] : [large, small];
    return write(
      rng,
      `[Which is larger, ${a} or ${b}?|Compare ${a} and ${b}.] ${large} is larger than ${small}, because ${large} - ${small} = ${more}.`,
    );
  });
  return lines.join("\n");
}

/** Counting on in equal steps. */
function counting(rng: Random): string {
  const [start, step, length] = [rng.int(0, 30), rng.int(1, 10), rng.int(5, 10)];
  const up = rng.chance(0.6);
  const row = Array.from({ length }, (_, i) => start + step * (up ? i : length - 1 - i));
  const word = up ? "up" : "down";
  return `Count ${word} in steps of ${step} from ${row[0]}: ${row.join(", ")}.\nThe next number is ${
    (row.at(-1) as number) + (up ? step : -step)
  }.`;
}

/** Sorting a few numbers, then their smallest, largest and sum. */
function sorting(rng: Random): string {
  const numbers = rng.sample(Array.from({ length: 49 }, (_, i) => i + 1), rng.int(3, 5));
  const sorted = [...numbers].sort((a, b) => a - b);
  const sums = sorted.slice(1).reduce(
    ({ total, text }, n) => ({ total: total + n, text: [...text, `${total} + ${n} = ${total + n}`] }),
    { total: sorted[0] as number, text: [] as string[] },
  );
  return `Numbers: ${numbers.join(", ")}\nSorted: ${sorted.join(", ")}\nSmallest: ${sorted[0]}\nLargest: ${
    sorted.at(-1)
  }\n${sums.text.join("\n")}\nSum: ${sums.total}`;
}

/** A word problem with its worked answer. */
function problem(rng: Random): string {
  const one = once(() => rng.pick(PEOPLE));
  const item = rng.pick(COUNTABLE);
  const [a, b] = [once(() => rng.int(3, 60)), once(() => rng.int(2, 39))];
  const [n, m] = [once(() => rng.int(2, 9)), once(() => rng.int(2, 12))];
  const slots: Slots = {
    one: () => one().name,
    he: () => one().he,
    him: () => one().him,
    his: () => one().his,
    two: once(() => rng.pick(PEOPLE.filter((person) => person !== one())).name),
    item,
    items: plural(item),
    a: () => `${a()}`,
    someA: () => counted(a(), item),
    b: () => `${b()}`,
    someB: () => counted(b(), item),
    sum: () => `${a() + b()}`,
    someSum: () => counted(a() + b(), item),
    n: () => `${n()}`,
    m: () => `${m()}`,
    someM: () => counted(m(), item),
    product: () => `${n() * m()}`,
    someProduct: () => counted(n() * m(), item),
  };
  return write(
    rng,
    rng.pick([
      "{one} has {someA}. {two} gives {him} {someB}[ more|]. How many {items} has {one} now?\n{a} + {b} = {sum}. {one} has {someSum}.",
      "{one} had {someSum}. {He} gave {someB} to {two}. How many {items} are left?\n{sum} - {b} = {a}. {someA} are left.",
      "There are {n} boxes with {someM} each. How many {items} are there[ in all|]?\n{n} x {m} = {product}. There are {someProduct}.",
      "{one} shares {someProduct} with {his} friends, so that {n} children get the same. How many {items} does each child get?\n{product} / {n} = {m}. Each child gets {someM}.",
      "{one} has {someSum}, and {two} has {someA}. How many more {items} has {one}?\n{sum} - {a} = {b}. {one} has {b} more.",
      "A shop had {someSum} in the morning and {someA} in the evening. How many {items} were sold?\n{sum} - {a} = {b}. The shop sold {someB}.",
      "{one} found {someA} on Monday and {someB} on Tuesday. How many {items} did {he} find?\n{a} + {b} = {sum}. {He} found {someSum}.",
      "One {item} costs {m} coins. What do {n} {items} cost?\n{n} x {m} = {product}. They cost {product} coins.",
    ]),
    slots,
  );
}

/** A worked sum; whatever stands around "=" is equal. */
export function arithmetic(rng: Random): string {
  return rng.weighted([
    [2, addition],
    [2, subtraction],
    [1, drill],
    [1, multiplication],
    [1, comparing],
    [1, counting],
    [1, sorting],
    [3, problem],
  ])(rng);
}
