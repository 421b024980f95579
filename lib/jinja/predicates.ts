/**
 * Jinja2's tests: `x is defined` and its like.
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { fail } from "./errors.ts";
import { FILTER_NAMES } from "./filter_names.ts";
import { Given } from "./parameters.ts";
import {
  Callable,
  compare,
  Dict,
  equal,
  Generator,
  isNumber,
  items,
  numeric,
  Range,
  text,
  Thing,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

type Predicate = (value: Value, given: Given, budget: Budget) => boolean;

const NOTHING: readonly string[] = [];
const OTHER = ["other"];

/** Whether a value is in another. */
export function contains(within: Value, value: Value, budget: Budget): boolean {
  if (typeof within === "string") {
    if (value instanceof Undefined) fail(value.hint);
    if (typeof value !== "string") fail(`a ${typeName(value)} cannot be in a text`);
    budget.step(within.length / 64);
    return within.includes(value as string);
  }
  if (within instanceof Dict) return within.has(value);
  if (within === null || isNumber(within)) fail(`a ${typeName(within)} has nothing in it`);
  const all = items(within, budget);
  budget.step(all.length);
  return all.some((item) => equal(item, value, budget));
}

const remainder = (value: Value, by: Value): bigint | number => {
  if (!isNumber(value) || !isNumber(by)) fail(`a ${typeName(value)} has no remainder by a ${typeName(by)}`);
  const [a, b] = [numeric(value as bigint), numeric(by as bigint)];
  if (Number(b) === 0) fail("division by zero");
  return typeof a === "bigint" && typeof b === "bigint" ? a % b : Number(a) % Number(b);
};

const is = (test: (value: Value) => boolean): readonly [readonly string[], Predicate] => [NOTHING, test];
const ordered = (test: (order: number) => boolean): readonly [readonly string[], Predicate] => [
  OTHER,
  (value, given, budget) => test(compare(value, given.value("other"), budget)),
];

const sequence = (value: Value) =>
  typeof value === "string" || Array.isArray(value) || value instanceof Tuple || value instanceof Dict ||
  value instanceof Range || value instanceof Undefined;

const EQUAL: readonly [readonly string[], Predicate] = [
  OTHER,
  (value, given, budget) => equal(value, given.value("other"), budget),
];
const GREATER = ordered((order) => order > 0);
const LESS = ordered((order) => order < 0);

const PREDICATES: Readonly<Record<string, readonly [readonly string[], Predicate]>> = {
  boolean: is((value) => typeof value === "boolean"),
  callable: is((value) => value instanceof Callable || (value instanceof Thing && value.call !== undefined)),
  defined: is((value) => !(value instanceof Undefined)),
  divisibleby: [["num"], (value, given) => Number(remainder(value, given.value("num"))) === 0],
  "==": EQUAL,
  eq: EQUAL,
  equalto: EQUAL,
  escaped: is(() => false),
  even: is((value) => Number(remainder(value, 2n)) === 0),
  false: is((value) => value === false),
  filter: is((value) => typeof value === "string" && FILTER_NAMES.has(value)),
  float: is((value) => typeof value === "number"),
  ge: ordered((order) => order >= 0),
  ">=": ordered((order) => order >= 0),
  gt: GREATER,
  ">": GREATER,
  greaterthan: GREATER,
  in: [["seq"], (value, given, budget) => contains(given.value("seq"), value, budget)],
  integer: is((value) => typeof value === "bigint"),
  iterable: is((value) => sequence(value) || value instanceof Generator),
  le: ordered((order) => order <= 0),
  "<=": ordered((order) => order <= 0),
  lt: LESS,
  "<": LESS,
  lessthan: LESS,
  lower: [NOTHING, (value, _, budget) => {
    const of = text(value, budget);
    return of === of.toLowerCase() && of !== of.toUpperCase();
  }],
  mapping: is((value) => value instanceof Dict),
  ne: [OTHER, (value, given, budget) => !equal(value, given.value("other"), budget)],
  "!=": [OTHER, (value, given, budget) => !equal(value, given.value("other"), budget)],
  none: is((value) => value === null),
  number: is(isNumber),
  odd: is((value) => Math.abs(Number(remainder(value, 2n))) === 1),
  sameas: [OTHER, (value, given) => value === given.value("other")],
  sequence: is(sequence),
  string: is((value) => typeof value === "string"),
  test: is((value) => typeof value === "string" && Object.hasOwn(PREDICATES, value)),
  true: is((value) => value === true),
  undefined: is((value) => value instanceof Undefined),
  upper: [NOTHING, (value, _, budget) => {
    const of = text(value, budget);
    return of === of.toUpperCase() && of !== of.toLowerCase();
  }],
};

/** Whether a value passes a test. @throws {TemplateError} when there is no such test. */
export function passes(
  name: string,
  value: Value,
  { args, kwargs, budget }: { args: readonly Value[]; kwargs: ReadonlyMap<string, Value>; budget: Budget },
): boolean {
  if (!Object.hasOwn(PREDICATES, name)) fail(`there is no test "${name}"`);
  const [names, test] = PREDICATES[name]!;
  budget.step();
  return test(value, new Given(name, { names, args, kwargs }), budget);
}
