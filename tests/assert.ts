/**
 * The part of `@std/assert` that the tests use, over node:assert, under the published package's names.
 * To use the package itself, point "@std/assert" in deno.json at jsr:@std/assert.
 *
 * @module
 */
import nodeAssert from "node:assert/strict";

type ErrorClass<E extends Error> = new (...args: never[]) => E;

/** Fails unless `value` is truthy. */
export function assert(value: unknown, message?: string): asserts value {
  nodeAssert.ok(value, message);
}

/** Fails unless both are deeply and strictly equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, message);
}

/** Fails if both are deeply and strictly equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, message);
}

/** Fails unless |actual − expected| is at most `tolerance`. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance = 1e-7,
  message?: string,
): void {
  const close = Object.is(actual, expected) || Math.abs(actual - expected) <= tolerance;
  nodeAssert.ok(close, message ?? `${actual} is not within ${tolerance} of ${expected}`);
}

/** Fails unless actual > expected. */
export function assertGreater(actual: number, expected: number, message?: string): void {
  nodeAssert.ok(actual > expected, message ?? `${actual} is not greater than ${expected}`);
}

/** Fails unless actual ≥ expected. */
export function assertGreaterOrEqual(actual: number, expected: number, message?: string): void {
  nodeAssert.ok(actual >= expected, message ?? `${actual} is less than ${expected}`);
}

/** Fails unless actual ≤ expected. */
export function assertLessOrEqual(actual: number, expected: number, message?: string): void {
  nodeAssert.ok(actual <= expected, message ?? `${actual} is greater than ${expected}`);
}

/** Fails unless actual < expected. */
export function assertLess(actual: number, expected: number, message?: string): void {
  nodeAssert.ok(actual < expected, message ?? `${actual} is not less than ${expected}`);
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  nodeAssert.ok(
    actual.includes(expected),
    message ?? `${JSON.stringify(actual)} does not include ${JSON.stringify(expected)}`,
  );
}

/** Fails unless `actual` matches `pattern`. */
export function assertMatch(actual: string, pattern: RegExp, message?: string): void {
  nodeAssert.match(actual, pattern, message);
}

function check<E extends Error>(error: unknown, type?: ErrorClass<E>, includes?: string): E {
  nodeAssert.ok(error instanceof Error, `thrown value is not an Error: ${error}`);
  if (type) {
    nodeAssert.ok(error instanceof type, `expected ${type.name}, got ${error.name}: ${error.message}`);
  }
  if (includes !== undefined) assertStringIncludes(error.message, includes);
  return error as E;
}

/** Fails unless `run` throws (an instance of `type`, its message containing `includes`); returns the error. */
export function assertThrows<E extends Error = Error>(
  run: () => unknown,
  type?: ErrorClass<E>,
  includes?: string,
): E {
  let error: unknown;
  let threw = false;
  try {
    run();
  } catch (caught) {
    [threw, error] = [true, caught];
  }
  nodeAssert.ok(threw, "expected the function to throw");
  return check(error, type, includes);
}

/** Fails unless the promise of `run` rejects (with `type`, its message containing `includes`); returns the error. */
export async function assertRejects<E extends Error = Error>(
  run: () => Promise<unknown>,
  type?: ErrorClass<E>,
  includes?: string,
): Promise<E> {
  let error: unknown;
  let threw = false;
  try {
    await run();
  } catch (caught) {
    [threw, error] = [true, caught];
  }
  nodeAssert.ok(threw, "expected the promise to reject");
  return check(error, type, includes);
}
