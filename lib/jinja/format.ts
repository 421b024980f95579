/**
 * Python's two ways to put values into texts, as far as templates use them.
 *
 * @module
 */
import type { Budget } from "./budget.ts";
import { fail } from "./errors.ts";
import { Dict, isNumber, numeric, repr, text, Tuple, typeName, type Value } from "./values.ts";

/** "%s" and its like, with a width and digits. */
const PERCENT =
  /%(?:\((?<name>[^)]*)\))?(?<flags>[-+ 0#]*)(?<width>\d{0,4})(?:\.(?<digits>\d{0,3}))?(?<kind>[^])?/g;

function number(value: Value, kind: string): bigint | number {
  return isNumber(value) ? numeric(value) : fail(`"%${kind}" needs a number, not a ${typeName(value)}`);
}

function padded(
  value: string,
  { width, flags, numeric }: { width: number; flags: string; numeric: boolean },
): string {
  if (flags.includes("-")) return value.padEnd(width);
  if (!numeric || !flags.includes("0")) return value.padStart(width);
  const sign = /^[-+ ]/.exec(value)?.[0] ?? "";
  return sign + value.slice(sign.length).padStart(width - sign.length, "0");
}

/** `format % values`. */
export function formatPercent(format: string, values: Value, budget: Budget): string {
  const args = values instanceof Tuple ? [...values.items] : [values];
  let used = 0;
  const out = format.replaceAll(PERCENT, (...match) => {
    const { name, flags = "", width, digits, kind } = match.at(-1) as Record<string, string | undefined>;
    if (kind === "%") return "%";
    let value: Value | undefined;
    if (name === undefined) value = args[used++];
    else value = values instanceof Dict ? values.get(name) : fail("a named format needs a mapping");
    if (value === undefined) fail("there are fewer values than the format wants");
    const how = { width: Number(width || 0), flags };
    const sign = (text: string) => flags.includes("+") && !text.startsWith("-") ? `+${text}` : text;
    switch (kind) {
      case "s":
      case "r": {
        const whole = kind === "s" ? text(value!, budget) : repr(value!, budget);
        return padded(digits === undefined ? whole : whole.slice(0, Number(digits)), {
          ...how,
          numeric: false,
        });
      }
      case "d":
      case "i": {
        const given = number(value!, kind);
        return padded(sign(String(typeof given === "bigint" ? given : BigInt(Math.trunc(given)))), {
          ...how,
          numeric: true,
        });
      }
      case "f": {
        const fixed = Number(number(value!, kind)).toFixed(Math.min(100, Number(digits ?? 6)));
        return padded(sign(fixed), { ...how, numeric: true });
      }
    }
    return fail(`the format "%${kind ?? ""}" is not supported`);
  });
  if (used < args.length && !(values instanceof Dict) && (values instanceof Tuple || used === 0)) {
    fail("there are more values than the format wants");
  }
  return budget.text(out);
}

/** `format.format(…)`: fields without further formats. */
export function formatBraces(
  format: string,
  { args, kwargs, budget }: { args: readonly Value[]; kwargs: ReadonlyMap<string, Value>; budget: Budget },
): string {
  let next = 0;
  if (/\{(?:![sr])?\}/.test(format.replaceAll("{{", "")) && /\{\d/.test(format.replaceAll("{{", ""))) {
    fail("a format cannot number some fields and not others");
  }
  const out = format.replaceAll(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, field: string | undefined) => {
    if (whole === "{{" || whole === "}}") return whole[0]!;
    const [, name = "", conversion = ""] = /^(\w*)(![sr])?$/.exec(field ?? "?") ??
      fail(`the format ${JSON.stringify(whole)} is not supported`);
    const value = name === "" ? args[next++] : /^\d+$/.test(name) ? args[Number(name)] : kwargs.get(name);
    if (value === undefined) fail(`there is no value for ${JSON.stringify(whole)}`);
    return conversion === "!r" ? repr(value!, budget) : text(value!, budget);
  });
  return budget.text(out);
}
