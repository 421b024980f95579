/**
 * What templates can call: Jinja2's functions, and those that transformers adds.
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { fail } from "./errors.ts";
import { Given, textOf } from "./parameters.ts";
import { strftime } from "./strftime.ts";
import {
  Callable,
  Dict,
  items,
  Namespace,
  Range,
  text,
  Thing,
  Tuple,
  Undefined,
  type Value,
} from "./values.ts";

/** The longest range that a sandbox allows. */
const LONGEST_RANGE = 100_000;

/** Entries of a mapping, or of a list of pairs, and then some. */
function* entries(
  args: readonly Value[],
  kwargs: ReadonlyMap<string, Value>,
  budget: Budget,
): Iterable<[Value, Value]> {
  const [first] = args;
  if (args.length > 1) fail("a mapping is made of one other at most");
  if (first instanceof Dict) yield* first.entries();
  else if (first !== undefined) {
    for (const pair of items(first, budget)) {
      const both = pair instanceof Tuple ? pair.items : pair;
      if (!Array.isArray(both) || both.length !== 2) fail("a mapping is made of pairs");
      yield [both[0]!, both[1]!];
    }
  }
  yield* kwargs;
}

function range(args: Value[], budget: Budget): Value {
  const numbers = args.map((value) =>
    typeof value === "bigint" || typeof value === "boolean"
      ? Number(value)
      : fail("range() needs whole numbers")
  );
  if (numbers.length < 1 || numbers.length > 3) fail("range() takes 1 to 3 numbers");
  const [start, stop, step = 1] = numbers.length === 1
    ? [0, numbers[0]!]
    : numbers as [number, number, number?];
  if (step === 0) fail("a range's step must not be 0");
  const made = new Range(start, stop, step);
  if (made.length > LONGEST_RANGE) {
    fail(`a range has ${made.length} numbers, at most ${LONGEST_RANGE} are allowed`);
  }
  budget.step();
  return made;
}

function namespace(args: Value[], kwargs: ReadonlyMap<string, Value>, budget: Budget): Value {
  const made = new Namespace();
  for (const [key, value] of entries(args, kwargs, budget)) setMember(made, textOf(key, "namespace"), value);
  return made;
}

/** Sets a namespace's attribute. @throws {TemplateError} when its name is not allowed. */
export function setMember(namespace: Namespace, name: string, value: Value): void {
  if (name.startsWith("_")) fail(`a namespace's attribute cannot begin with "_": "${name}"`);
  namespace.values.set(name, value);
}

function cycler(values: Value[]): Value {
  if (values.length === 0) fail("cycler() needs at least one value");
  let at = 0;
  const next = new Callable("next", () => {
    const value = values[at]!;
    at = (at + 1) % values.length;
    return value;
  });
  const reset = new Callable("reset", () => {
    at = 0;
    return null;
  });
  return new Thing(
    "Cycler",
    (name) => ({ next, reset, current: values[at]! } as Record<string, Value>)[name],
  );
}

function joiner(between: string): Value {
  let used = false;
  return new Thing("Joiner", () => undefined, () => {
    const value = used ? between : "";
    used = true;
    return value;
  });
}

/** The functions, by name. @param now the time, for dates. */
export function globals(budget: Budget, now: () => Date): ReadonlyMap<string, Value> {
  const all: Record<string, Callable["call"]> = {
    range: (args) => range(args, budget),
    namespace: (args, kwargs) => namespace(args, kwargs, budget),
    dict: (args, kwargs) => Dict.of(entries(args, kwargs, budget)),
    cycler: (args) => cycler(args),
    joiner: (args, kwargs) => joiner(new Given("joiner", { names: ["sep"], args, kwargs }).text("sep", ", ")),
    raise_exception: (args) => fail(text(args[0] ?? new Undefined("a message"), budget)),
    strftime_now: (args) => strftime(now(), textOf(args[0] ?? null, "strftime_now")),
    lipsum: () => fail('the function "lipsum" is not supported'),
  };
  return new Map(Object.entries(all).map(([name, call]) => [name, new Callable(name, call)]));
}
