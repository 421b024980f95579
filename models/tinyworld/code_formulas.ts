import { type Piece, source, type Value } from "./code_piece.ts";
import type { Random } from "./random.ts";
import { COLOURS, COUNTABLE, PEOPLE } from "./words.ts";
import { once } from "./write.ts";

/** One formula of one or two numbers. */
export function formula(rng: Random): Piece {
  const x = rng.pick(["x", "n", "value", "number"]);
  const k = once(() => rng.int(2, 9));
  const [name, comment, expression, apply] = rng.pick<() => [string, string, string, (x: number) => Value]>([
    () => [`add_${k()}`, `Add ${k()} to a number.`, `${x} + ${k()}`, (x) => x + k()],
    () => [`times_${k()}`, `Multiply a number by ${k()}.`, `${x} * ${k()}`, (x) => x * k()],
    () => ["double", "Return twice the number.", `${x} * 2`, (x) => x * 2],
    () => ["square", "Return the square of a number.", `${x} * ${x}`, (x) => x * x],
    () => ["is_even", "Tell whether a number is even.", `${x} % 2 == 0`, (x) => x % 2 === 0],
    () => ["is_odd", "Tell whether a number is odd.", `${x} % 2 == 1`, (x) => x % 2 === 1],
    () => [`rest_${k()}`, `Return the rest of a division by ${k()}.`, `${x} % ${k()}`, (x) => x % k()],
    () => [`above_${k()}`, `Tell whether a number is above ${k()}.`, `${x} > ${k()}`, (x) => x > k()],
    () => ["half", "Return half of a number, rounded down.", `${x} // 2`, (x) => Math.floor(x / 2)],
  ])();
  return {
    comment,
    name,
    lines: [`def ${name}(${x}):`, `    return ${expression}`],
    call: () => {
      const n = rng.int(2, 20);
      return [`${n}`, apply(n)];
    },
  };
}

/** A formula of two named measures. */
export function measure(rng: Random): Piece {
  const [name, comment, a, b, expression, apply] = rng.pick<
    [string, string, string, string, string, (a: number, b: number) => number]
  >([
    ["area", "Area of a rectangle.", "width", "height", "width * height", (a, b) => a * b],
    [
      "perimeter",
      "Length around a rectangle.",
      "width",
      "height",
      "2 * (width + height)",
      (a, b) => 2 * (a + b),
    ],
    ["total_price", "Price of several items.", "price", "count", "price * count", (a, b) => a * b],
    ["distance", "Distance for a speed and a time.", "speed", "hours", "speed * hours", (a, b) => a * b],
    ["add", "Add two numbers.", "a", "b", "a + b", (a, b) => a + b],
    ["difference", "Difference between two numbers.", "a", "b", "abs(a - b)", (a, b) => Math.abs(a - b)],
    [
      "seconds",
      "Minutes and seconds as seconds.",
      "minutes",
      "rest",
      "minutes * 60 + rest",
      (a, b) => a * 60 + b,
    ],
  ]);
  return {
    comment,
    name,
    lines: [`def ${name}(${a}, ${b}):`, `    return ${expression}`],
    call: () => {
      const [m, n] = [rng.int(1, 12), rng.int(1, 12)];
      return [`${m}, ${n}`, apply(m, n)];
    },
  };
}

/** A choice between two values. */
export function branch(rng: Random): Piece {
  const limit = rng.int(3, 15);
  const [high, low] = rng.pick(
    [["big", "small"], ["warm", "cold"], ["full", "empty"], ["open", "closed"], ["late", "early"], [
      "rich",
      "poor",
    ]] as const,
  );
  const x = rng.pick(["x", "n", "value", "level", "amount"]);
  const op = rng.pick([">", ">="]);
  return {
    comment: `Return "${high}" if ${x} is ${op === ">" ? "above" : "at least"} ${limit}, else "${low}".`,
    name: `${high}_or_${low}`,
    lines: [
      `def ${high}_or_${low}(${x}):`,
      `    if ${x} ${op} ${limit}:`,
      `        return "${high}"`,
      `    return "${low}"`,
    ],
    call: () => {
      const n = rng.int(0, 20);
      return [`${n}`, (op === ">" ? n > limit : n >= limit) ? high : low];
    },
  };
}

/** The larger or the smaller of two. */
export function choice(rng: Random): Piece {
  const larger = rng.chance(0.5);
  const name = rng.pick(larger ? ["larger", "maximum", "bigger"] : ["smaller", "minimum", "lesser"]);
  const [a, b] = rng.pick([["a", "b"], ["x", "y"], ["first", "second"], ["left", "right"]] as const);
  return {
    comment: `Return the ${larger ? "larger" : "smaller"} of two numbers.`,
    name,
    lines: [
      `def ${name}(${a}, ${b}):`,
      `    if ${a} ${larger ? ">" : "<"} ${b}:`,
      `        return ${a}`,
      `    return ${b}`,
    ],
    call: () => {
      const [m, n] = [rng.int(1, 50), rng.int(1, 50)];
      return [`${m}, ${n}`, larger ? Math.max(m, n) : Math.min(m, n)];
    },
  };
}

/** Something with text. */
export function text(rng: Random): Piece {
  const s = rng.pick(["word", "text", "s", "name"]);
  const k = once(() => rng.int(2, 4));
  const [name, comment, expression, apply] = rng.pick<() => [string, string, string, (s: string) => Value]>([
    () => ["greet", "Say hello.", `"Hello, " + ${s}`, (s) => "Hello, " + s],
    () => ["length", "Number of letters.", `len(${s})`, (s) => s.length],
    () => ["first_letter", "Return the first letter.", `${s}[0]`, (s) => s.slice(0, 1)],
    () => ["last_letter", "Return the last letter.", `${s}[-1]`, (s) => s.slice(-1)],
    () => ["shout", "Write it in capital letters.", `${s}.upper()`, (s) => s.toUpperCase()],
    () => [`repeat_${k()}`, `Repeat it ${k()} times.`, `${s} * ${k()}`, (s) => s.repeat(k())],
    () => ["plural", "Add an s at the end.", `${s} + "s"`, (s) => s + "s"],
    () => [
      `longer_than_${k() + 1}`,
      `Tell whether it has more than ${k() + 1} letters.`,
      `len(${s}) > ${k() + 1}`,
      (s) => s.length > k() + 1,
    ],
  ])();
  return {
    comment,
    name,
    lines: [`def ${name}(${s}):`, `    return ${expression}`],
    call: () => {
      const argument = s === "name" ? rng.pick(PEOPLE).name : word(rng);
      return [source(argument), apply(argument)];
    },
  };
}

const word = (rng: Random): string => rng.pick([...COUNTABLE, ...COLOURS]);
