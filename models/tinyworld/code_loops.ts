import { type Piece, source } from "./code_piece.ts";
import type { Random } from "./random.ts";
import { once, plural } from "./write.ts";

/** A loop that folds a list of numbers into one. */
export function fold(rng: Random): Piece {
  const item = rng.pick(["n", "x", "value", "price", "score", "number"]);
  const items = item.length === 1 ? "numbers" : plural(item);
  const k = once(() => rng.int(3, 12));
  const [name, comment, start, result, body, apply] = rng.pick<
    () => [string, string, string, string, string[], (list: number[]) => number]
  >([
    () => [
      `sum_${items}`,
      `Sum of all ${items}.`,
      "0",
      "total",
      [`    total += ${item}`],
      (list) => list.reduce((a, b) => a + b),
    ],
    () => [`count_above_${k()}`, `Count the ${items} above ${k()}.`, "0", "count", [
      `    if ${item} > ${k()}:`,
      "        count += 1",
    ], (list) => list.filter((n) => n > k()).length],
    () => [`count_even`, `Count the even ${items}.`, "0", "count", [
      `    if ${item} % 2 == 0:`,
      "        count += 1",
    ], (list) => list.filter((n) => n % 2 === 0).length],
    () => [`largest`, `Find the largest of the ${items}.`, `${items}[0]`, "best", [
      `    if ${item} > best:`,
      `        best = ${item}`,
    ], (list) => Math.max(...list)],
    () => [`smallest`, `Find the smallest of the ${items}.`, `${items}[0]`, "best", [
      `    if ${item} < best:`,
      `        best = ${item}`,
    ], (list) => Math.min(...list)],
  ])();
  return {
    comment,
    name,
    lines: [
      `def ${name}(${items}):`,
      `    ${result} = ${start}`,
      `    for ${item} in ${items}:`,
      ...body.map((line) => "    " + line),
      `    return ${result}`,
    ],
    call: () => {
      const list = several(rng);
      return [source(list), apply(list)];
    },
  };
}

/** A loop that builds a new list. */
export function build(rng: Random): Piece {
  const item = rng.pick(["n", "x", "value", "number"]);
  const items = item.length === 1 ? "numbers" : plural(item);
  const out = rng.pick(["result", "out", "found"]);
  const k = once(() => rng.int(2, 9));
  const [name, comment, body, apply] = rng.pick<
    () => [string, string, string[], (list: number[]) => number[]]
  >([
    () => [
      `add_${k()}_to_all`,
      `Add ${k()} to each of the ${items}.`,
      [`${out}.append(${item} + ${k()})`],
      (list) => list.map((n) => n + k()),
    ],
    () => [
      "double_all",
      `Double each of the ${items}.`,
      [`${out}.append(${item} * 2)`],
      (list) => list.map((n) => n * 2),
    ],
    () => [
      `keep_above_${k()}`,
      `Keep the ${items} above ${k()}.`,
      [`if ${item} > ${k()}:`, `    ${out}.append(${item})`],
      (list) => list.filter((n) => n > k()),
    ],
    () => [
      "keep_even",
      `Keep the even ${items}.`,
      [`if ${item} % 2 == 0:`, `    ${out}.append(${item})`],
      (list) => list.filter((n) => n % 2 === 0),
    ],
  ])();
  return {
    comment,
    name,
    lines: [
      `def ${name}(${items}):`,
      `    ${out} = []`,
      `    for ${item} in ${items}:`,
      ...body.map((line) => "        " + line),
      `    return ${out}`,
    ],
    call: () => {
      const list = several(rng);
      return [source(list), apply(list)];
    },
  };
}

/** A loop that counts. */
export function loop(rng: Random): Piece {
  const i = rng.pick(["i", "k", "step"]);
  const n = rng.pick(["n", "limit", "count"]);
  const [name, comment, start, update, top, apply] = rng.pick<
    [string, string, number, string, number, (n: number) => number]
  >([
    ["sum_to", `Sum of the numbers from 1 to ${n}.`, 0, `+= ${i}`, 12, (n) => n * (n + 1) / 2],
    [
      "factorial",
      `Product of the numbers from 1 to ${n}.`,
      1,
      `*= ${i}`,
      6,
      (n) => Array.from({ length: n }, (_, i) => i + 1).reduce((a, b) => a * b),
    ],
    ["power_of_two", `Two to the power of ${n}.`, 1, "*= 2", 8, (n) => 2 ** n],
    [
      "sum_of_squares",
      `Sum of the squares from 1 to ${n}.`,
      0,
      `+= ${i} * ${i}`,
      6,
      (n) => n * (n + 1) * (2 * n + 1) / 6,
    ],
  ]);
  return {
    comment,
    name,
    lines: [
      `def ${name}(${n}):`,
      `    result = ${start}`,
      `    for ${i} in range(1, ${n} + 1):`,
      `        result ${update}`,
      "    return result",
    ],
    call: () => {
      const value = rng.int(2, top);
      return [`${value}`, apply(value)];
    },
  };
}

const several = (rng: Random): number[] => Array.from({ length: rng.int(3, 5) }, () => rng.int(1, 20));
