/**
 * Python's operators.
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { fail } from "./errors.ts";
import { formatPercent } from "./format.ts";
import { isNumber, numeric, Tuple, typeName, Undefined, type Value } from "./values.ts";

/** Bits of the largest whole number. */
const MOST_BITS = 4096n;
const LARGEST = 1n << MOST_BITS;

function checked(value: bigint): bigint {
  return value < LARGEST && value > -LARGEST ? value : fail("a number is too large");
}

function bothWhole(a: bigint | number, b: bigint | number): [bigint, bigint] | undefined {
  return typeof a === "bigint" && typeof b === "bigint" ? [a, b] : undefined;
}

const floorDivide = (a: bigint, b: bigint) => a / b - (a % b !== 0n && (a < 0n) !== (b < 0n) ? 1n : 0n);

function power(a: bigint | number, b: bigint | number): bigint | number {
  const whole = bothWhole(a, b);
  if (whole && whole[1] >= 0n) {
    const [base, exponent] = whole;
    const bits = BigInt((base < 0n ? -base : base).toString(2).length);
    if (bits > 1n && bits * exponent > MOST_BITS) fail("a number is too large");
    return base ** exponent;
  }
  if (Number(a) === 0 && Number(b) < 0) fail("0.0 cannot be raised to a negative power");
  const result = Number(a) ** Number(b);
  return Number.isFinite(result) ? result : fail("a power is no finite number");
}

function numbers(operator: string, a: bigint | number, b: bigint | number): bigint | number {
  if (operator === "**") return power(a, b);
  if (["/", "//", "%"].includes(operator) && Number(b) === 0) fail("division by zero");
  const whole = bothWhole(a, b);
  if (whole && operator !== "/") {
    const [one, other] = whole;
    switch (operator) {
      case "+":
        return checked(one + other);
      case "-":
        return checked(one - other);
      case "*":
        return checked(one * other);
      case "//":
        return floorDivide(one, other);
      default:
        return one - other * floorDivide(one, other);
    }
  }
  const [one, other] = [Number(a), Number(b)];
  switch (operator) {
    case "+":
      return one + other;
    case "-":
      return one - other;
    case "*":
      return one * other;
    case "/":
      return one / other;
    case "//":
      return Math.floor(one / other);
    default: {
      const rest = one % other;
      return rest !== 0 && (rest < 0) !== (other < 0) ? rest + other : rest;
    }
  }
}

/** A sequence, so many times. */
function repeated(of: string | Value[] | Tuple, times: bigint, budget: Budget): Value {
  const count = times > 0n ? Number(times) : 0;
  if (typeof of === "string") {
    budget.room(of.length * count);
    return of.repeat(count);
  }
  const items = of instanceof Tuple ? of.items : of;
  budget.step(items.length * count);
  const all = Array.from({ length: items.length * count }, (_, i) => items[i % items.length]!);
  return of instanceof Tuple ? new Tuple(all) : all;
}

const isSequence = (value: Value): value is string | Value[] | Tuple =>
  typeof value === "string" || Array.isArray(value) || value instanceof Tuple;

/** What an operator makes of two values. @throws {TemplateError} where Python has nothing for them. */
export function binary(
  operator: string,
  left: Value,
  { right, budget }: { right: Value; budget: Budget },
): Value {
  for (const value of [left, right]) {
    if (value instanceof Undefined && !(operator === "%" && typeof left === "string")) fail(value.hint);
  }
  if (isNumber(left) && isNumber(right)) return numbers(operator, numeric(left), numeric(right));
  if (operator === "+") {
    if (typeof left === "string" && typeof right === "string") {
      budget.room(left.length + right.length);
      return left + right;
    }
    if (Array.isArray(left) && Array.isArray(right)) {
      budget.step(left.length + right.length);
      return [...left, ...right];
    }
    if (left instanceof Tuple && right instanceof Tuple) return new Tuple([...left.items, ...right.items]);
  }
  if (operator === "*") {
    const whole = (value: Value) =>
      typeof value === "bigint" || typeof value === "boolean" ? BigInt(value) : undefined;
    const times = whole(right) ?? whole(left);
    const of = whole(right) === undefined ? right : left;
    if (times !== undefined && isSequence(of)) return repeated(of, times, budget);
  }
  if (operator === "%" && typeof left === "string") return formatPercent(left, right, budget);
  return fail(`"${operator}" has nothing to do with a ${typeName(left)} and a ${typeName(right)}`);
}
