/**
 * Jinja2's filters (jinja.palletsprojects.com/en/stable/templates/#builtin-filters), and transformers' `tojson`.
 *
 * @module
 */
import { binary } from "./arithmetic.ts";
import type { Budget } from "./budget.ts";
import { fail } from "./errors.ts";
import { FILTER_NAMES } from "./filter_names.ts";
import { formatPercent } from "./format.ts";
import { methodOf } from "./methods.ts";
import { Given, textOf } from "./parameters.ts";
import { passes } from "./predicates.ts";
import { capitalize, characters, length, lines, slice, strip } from "./text.ts";
import { toJson } from "./to_json.ts";
import {
  compare,
  Dict,
  equal,
  Generator,
  hash,
  isNumber,
  items,
  numeric,
  sizeOf,
  text,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** What filters need of the interpreter. */
export interface FilterContext {
  readonly budget: Budget;
  /** An attribute or item by its name, as `of.name` has it. */
  readonly attribute: (of: Value, name: string) => Value;
  /** An item, as `of[at]` has it. */
  readonly item: (of: Value, at: Value) => Value;
}

/** What a filter is given. */
interface Call {
  readonly args: readonly Value[];
  readonly kwargs: ReadonlyMap<string, Value>;
}

type Filter = (value: Value, given: Given, context: FilterContext) => Value;
type RawFilter = (value: Value, call: Call, context: FilterContext) => Value;

/** Values by a path such as "a.b.0", or themselves. */
function getter(given: Value, context: FilterContext, otherwise?: Value): (value: Value) => Value {
  if (given === null) return (value) => value;
  const path = typeof given === "bigint"
    ? [given]
    : textOf(given, "attribute").split(".").map((part) => /^\d+$/.test(part) ? BigInt(part) : part);
  return (value) => {
    for (const part of path) {
      value = context.item(value, part);
      if (otherwise !== undefined && value instanceof Undefined) value = otherwise;
    }
    return value;
  };
}

const lowerCase = (value: Value) => typeof value === "string" ? value.toLowerCase() : value;

/** What values are compared by. */
function keyOf(given: Given, context: FilterContext): (value: Value) => Value {
  const get = getter(given.value("attribute", null), context);
  return given.flag("case_sensitive") ? get : (value) => lowerCase(get(value));
}

/** Values in order; those that are equal stay as they are. */
function sorted(values: readonly Value[], by: (value: Value) => Value, { reverse, budget }: {
  reverse: boolean;
  budget: Budget;
}): Value[] {
  budget.step(values.length * 8);
  const order = reverse ? -1 : 1;
  return values.map((value) => ({ value, key: by(value) }))
    .sort((a, b) => order * compare(a.key, b.key, budget)).map(({ value }) => value);
}

function sort(value: Value, given: Given, context: FilterContext): Value {
  const { budget } = context;
  const all = items(value, budget);
  const attributes = given.value("attribute", null);
  // Several attributes are compared one after another.
  const gets = typeof attributes === "string"
    ? attributes.split(",").map((one) => getter(one, context))
    : undefined;
  const cased = given.flag("case_sensitive") ? (value: Value) => value : lowerCase;
  const by = gets && gets.length > 1
    ? (value: Value) => new Tuple(gets.map((get) => cased(get(value))))
    : keyOf(given, context);
  return sorted(all, by, { reverse: given.flag("reverse"), budget });
}

function extreme(sign: 1 | -1): Filter {
  return (value, given, context) => {
    const by = keyOf(given, context);
    const all = items(value, context.budget);
    if (all.length === 0) return new Undefined("there are no items to choose from");
    context.budget.step(all.length);
    return all.reduce((best, one) => sign * compare(by(one), by(best), context.budget) > 0 ? one : best);
  };
}

function wholeOf(value: Value): bigint | undefined {
  if (typeof value === "boolean" || typeof value === "bigint") return BigInt(value);
  if (typeof value === "number") return Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined;
  if (typeof value !== "string") return undefined;
  const digits = strip(value).replaceAll(/(?<=\d)_(?=\d)/g, "");
  if (/^[-+]?\d{1,1000}$/.test(digits)) {
    return digits.startsWith("+") ? BigInt(digits.slice(1)) : BigInt(digits);
  }
  const float = floatOf(value);
  return float === undefined || !Number.isFinite(float) ? undefined : BigInt(Math.trunc(float));
}

function floatOf(value: Value): number | undefined {
  if (isNumber(value)) return Number(numeric(value));
  if (typeof value !== "string") return undefined;
  const digits = strip(value).toLowerCase().replaceAll(/(?<=\d)_(?=\d)/g, "");
  const named = /^([-+]?)(inf(?:inity)?|nan)$/.exec(digits);
  if (named) return named[2] === "nan" ? NaN : named[1] === "-" ? -Infinity : Infinity;
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/.test(digits) ? Number(digits) : undefined;
}

function indent(value: Value, given: Given, { budget }: FilterContext): Value {
  const width = given.value("width", 4n);
  const by = typeof width === "string"
    ? width
    : " ".repeat(Math.max(0, Math.min(given.whole("width", 4), 1 << 16)));
  const all = lines(`${textOf(value, "indent")}\n`);
  budget.room(all.length * by.length);
  const blank = given.flag("blank");
  const indented = all.map((line, i) => i > 0 && (blank || line !== "") ? by + line : line).join("\n");
  return budget.text(given.flag("first") ? by + indented : indented);
}

/** Rounds half to even where the decimal digits are halves, as Python's round() does. */
function roundTo(value: number, digits: number): number {
  if (!Number.isFinite(value) || digits > 17) return value;
  if (digits >= 0) {
    // toFixed() is exact but for ties, which it rounds away from zero.
    const fixed = Number(value.toFixed(Math.min(digits, 100)));
    const exact = value.toFixed(100).replace(/0+$/, "");
    if (exact.length - exact.indexOf(".") !== digits + 2 || !exact.endsWith("5")) return fixed;
    const floor = Math.floor(value * 10 ** digits);
    return (floor % 2 === 0 ? floor : floor + 1) / 10 ** digits;
  }
  const unit = 10 ** -digits;
  const quotient = value / unit;
  const floor = Math.floor(quotient);
  const rest = quotient - floor;
  return (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor) * unit;
}

function round(value: Value, given: Given): Value {
  const [digits, method] = [given.whole("precision", 0), given.text("method", "common")];
  if (!isNumber(value)) fail(`"round" needs a number, not a ${typeName(value)}`);
  const given_ = numeric(value as bigint);
  if (method === "common") {
    if (typeof given_ === "bigint" && digits >= 0) return given_;
    const rounded = roundTo(Number(given_), digits);
    return typeof given_ === "bigint" ? BigInt(rounded) : rounded;
  }
  if (method !== "ceil" && method !== "floor") fail("a method of rounding must be common, ceil or floor");
  return Math[method as "ceil"](Number(given_) * 10 ** digits) / 10 ** digits;
}

/** Lists of `count` items, the last filled up. */
function batch(value: Value, given: Given, { budget }: FilterContext): Value {
  const [count, fill] = [Math.max(1, given.whole("linecount")), given.value("fill_with", null)];
  const all = items(value, budget);
  const lists: Value[][] = [];
  for (let at = 0; at < all.length; at += count) lists.push(all.slice(at, at + count));
  const last = lists.at(-1);
  if (fill !== null && last) {
    budget.step(count);
    while (last.length < count) last.push(fill);
  }
  return new Generator(lists);
}

/** So many lists, the first ones longer. */
function slices(value: Value, given: Given, { budget }: FilterContext): Value {
  const [count, fill] = [given.whole("slices"), given.value("fill_with", null)];
  if (count < 1) fail("slices must be at least 1");
  budget.step(count);
  const all = items(value, budget);
  const [each, more] = [Math.floor(all.length / count), all.length % count];
  let at = 0;
  return new Generator(Array.from({ length: count }, (_, i) => {
    const part: Value[] = all.slice(at, at += each + (i < more ? 1 : 0));
    if (fill !== null && i >= more && more > 0) part.push(fill);
    return part;
  }));
}

function groupBy(value: Value, given: Given, context: FilterContext): Value {
  const get = getter(given.value("attribute"), context, given.value("default", new Undefined("a group")));
  const cased = given.flag("case_sensitive") ? (value: Value) => value : lowerCase;
  const all = sorted(items(value, context.budget), (one) => cased(get(one)), {
    reverse: false,
    budget: context.budget,
  });
  const groups: { key: Value; list: Value[] }[] = [];
  for (const one of all) {
    const key = cased(get(one));
    const last = groups.at(-1);
    if (last && equal(last.key, key, context.budget)) last.list.push(one);
    else groups.push({ key, list: [one] });
  }
  return groups.map(({ list }) => new Tuple([get(list[0]!), list], ["grouper", "list"]));
}

function unique(value: Value, given: Given, context: FilterContext): Value {
  const by = keyOf(given, context);
  const seen = new Set<string>();
  return new Generator(
    items(value, context.budget).filter((one) => {
      const key = hash(by(one));
      const known = seen.has(key);
      seen.add(key);
      return !known;
    }),
  );
}

/** Passes what passes a test, or what does not. */
function select({ keeps, attribute }: { keeps: boolean; attribute: boolean }): RawFilter {
  return (value, { args, kwargs }, context) => {
    const [first, ...rest] = args;
    if (attribute && first === undefined) fail("an attribute's name is missing");
    const get = attribute ? getter(first!, context) : (one: Value) => one;
    const [name, ...more] = attribute ? rest : args;
    const { budget } = context;
    const test = name === undefined
      ? (one: Value) => passes("true", truthOf(one), { args: [], kwargs: new Map(), budget })
      : (one: Value) => passes(textOf(name, "select"), one, { args: more, kwargs, budget });
    return new Generator(items(value, budget).filter((one) => test(get(one)) === keeps));
  };
}

function truthOf(value: Value): boolean {
  return value !== null && !(value instanceof Undefined) && value !== false && value !== 0 && value !== 0n &&
    sizeOf(value) !== 0;
}

const map: RawFilter = (value, { args, kwargs }, context) => {
  const all = items(value, context.budget);
  context.budget.step(all.length);
  const [name, ...rest] = args;
  if (name === undefined) {
    const attribute = kwargs.get("attribute");
    if (attribute === undefined) fail('"map" needs a filter or an attribute');
    for (const key of kwargs.keys()) {
      if (key !== "attribute" && key !== "default") fail(`"map" has no argument "${key}"`);
    }
    return new Generator(all.map(getter(attribute!, context, kwargs.get("default"))));
  }
  const filter = textOf(name, "map");
  return new Generator(all.map((one) => applyFilter(filter, one, { args: rest, kwargs }, context)));
};

function join(value: Value, given: Given, context: FilterContext): Value {
  const { budget } = context;
  const between = text(given.value("d", ""), budget);
  const get = getter(given.value("attribute", null), context);
  const all = items(value, budget).map((one) => text(get(one), budget));
  budget.room(all.reduce((sum, one) => sum + one.length + between.length, 0));
  return all.join(between);
}

function truncate(value: Value, given: Given, { budget }: FilterContext): Value {
  const of = textOf(value, "truncate");
  const end = given.text("end", "...");
  const [most, leeway] = [given.whole("length", 255), given.optionalWhole("leeway") ?? 5];
  if (most < length(end)) fail("the length must be at least that of the end");
  if (length(of) <= most + leeway) return of;
  const kept = slice(of, 0, most - length(end));
  const space = kept.lastIndexOf(" ");
  return budget.text((given.flag("killwords") || space < 0 ? kept : kept.slice(0, space)) + end);
}

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;" },
};

function title(of: string): string {
  return of.split(/([-\s({[<]+)/).map((word) => {
    const [first = "", ...rest] = characters(word);
    return first.toUpperCase() + rest.join("").toLowerCase();
  }).join("");
}

const json: Filter = (value, given, { budget }) => {
  const indent = given.value("indent", null);
  const spaces = indent === null || typeof indent === "string"
    ? indent
    : " ".repeat(Math.max(0, Math.min(given.whole("indent"), 1024)));
  const separators = given.value("separators", null);
  const pair = separators instanceof Tuple
    ? separators.items
    : Array.isArray(separators)
    ? separators
    : undefined;
  if (separators !== null && pair?.length !== 2) fail("separators must be a pair of texts");
  const [between, colon] = pair
    ? pair.map((one) => textOf(one, "separators"))
    : [spaces === null ? ", " : ",", ": "];
  return toJson(value, {
    budget,
    ensureAscii: given.flag("ensure_ascii"),
    indent: spaces,
    separators: [between!, colon!],
    sortKeys: given.flag("sort_keys"),
  });
};

function otherwise(value: Value, given: Given): Value {
  const missing = value instanceof Undefined || (given.flag("boolean") && !truthOf(value));
  return missing ? given.value("default_value", "") : value;
}

function count(value: Value): Value {
  const size = sizeOf(value);
  return size === undefined ? fail(`a ${typeName(value)} has no length`) : BigInt(size);
}

function reverse(value: Value, _: Given, { budget }: FilterContext): Value {
  if (typeof value === "string") return budget.text(characters(value).reverse().join(""));
  return new Generator([...items(value, budget)].reverse());
}

function last(value: Value, { budget }: FilterContext): Value {
  if (value instanceof Generator) fail('"last" needs a list');
  const last = items(value, budget).at(-1);
  return last === undefined ? new Undefined("there is no last item") : last;
}

function sum(value: Value, given: Given, context: FilterContext): Value {
  const get = getter(given.value("attribute", null), context);
  const { budget } = context;
  return items(value, budget).reduce<Value>(
    (total, one) => binary("+", total, { right: get(one), budget }),
    given.value("start", 0n),
  );
}

function dictSort(value: Value, given: Given, { budget }: FilterContext): Value {
  if (!(value instanceof Dict)) return fail('"dictsort" needs a mapping');
  const by = given.text("by", "key");
  if (by !== "key" && by !== "value") fail('"dictsort" sorts by key or value');
  const cased = given.flag("case_sensitive") ? (value: Value) => value : lowerCase;
  return sorted(value.entries().map((entry) => new Tuple(entry)), (entry) => {
    return cased((entry as Tuple).items[by === "key" ? 0 : 1]!);
  }, { reverse: given.flag("reverse"), budget });
}

const onText = (change: (of: string) => string): readonly [readonly string[], Filter] => [
  [],
  (value, _, { budget }) => budget.text(change(text(value, budget))),
];
const escape = onText((of) => of.replaceAll(/[&<>'"]/g, (one) => ENTITIES[one]!));
const length_: readonly [readonly string[], Filter] = [[], count];
const default_: readonly [readonly string[], Filter] = [["default_value", "boolean"], otherwise];

const FILTERS: Readonly<Record<string, readonly [readonly string[], Filter]>> = {
  abs: [[], (value) => {
    if (!isNumber(value)) return fail(`"abs" needs a number, not a ${typeName(value)}`);
    const of = numeric(value);
    return typeof of === "bigint" ? of < 0n ? -of : of : Math.abs(of);
  }],
  attr: [["name"], (value, given, { attribute }) => {
    // Items do not count.
    return value instanceof Dict && !methodOf(value, given.text("name"), undefined as never)
      ? new Undefined(`there is no attribute ${given.text("name")}`)
      : attribute(value, given.text("name"));
  }],
  batch: [["linecount", "fill_with"], batch],
  capitalize: onText(capitalize),
  center: [["width"], (value, given, { budget }) => {
    const method = methodOf(text(value, budget), "center", budget)!;
    return method.call([BigInt(given.whole("width", 80))], new Map());
  }],
  count: length_,
  d: default_,
  default: default_,
  dictsort: [["case_sensitive", "by", "reverse"], dictSort],
  e: escape,
  escape,
  first: [[], (value, _, { budget }) => {
    const first = value instanceof Generator ? value.first() : items(value, budget)[0];
    return first === undefined ? new Undefined("there is no first item") : first;
  }],
  float: [["default"], (value, given) => {
    if (value instanceof Undefined) fail(value.hint);
    return floatOf(value) ?? given.value("default", 0);
  }],
  groupby: [["attribute", "default", "case_sensitive"], groupBy],
  indent: [["width", "first", "blank"], indent],
  int: [["default", "base"], (value, given) => {
    if (value instanceof Undefined) fail(value.hint);
    if (given.whole("base", 10) !== 10) fail('"int" with another base is not supported');
    return wholeOf(value) ?? given.value("default", 0n);
  }],
  items: [[], (value, _, { budget }) => {
    if (value instanceof Undefined) return new Generator([]);
    if (!(value instanceof Dict)) fail('"items" needs a mapping');
    budget.step((value as Dict).size);
    return new Generator((value as Dict).entries().map((entry) => new Tuple(entry)));
  }],
  join: [["d", "attribute"], join],
  last: [[], (value, _, context) => last(value, context)],
  length: length_,
  list: [[], (value, _, { budget }) => [...items(value, budget)]],
  lower: onText((of) => of.toLowerCase()),
  max: [["case_sensitive", "attribute"], extreme(1)],
  min: [["case_sensitive", "attribute"], extreme(-1)],
  replace: [["old", "new", "count"], (value, given, { budget }) => {
    const method = methodOf(text(value, budget), "replace", budget)!;
    const [old, by] = [given.value("old"), given.value("new")].map((one) => text(one, budget));
    return method.call([old!, by!, BigInt(given.optionalWhole("count") ?? -1)], new Map());
  }],
  reverse: [[], reverse],
  round: [["precision", "method"], round],
  safe: onText((of) => of),
  slice: [["slices", "fill_with"], slices],
  sort: [["reverse", "case_sensitive", "attribute"], sort],
  string: onText((of) => of),
  striptags: onText((of) => strip(of.replaceAll(/<!--.*?-->|<[^>]*>/gs, "")).replaceAll(/\s+/g, " ")),
  sum: [["attribute", "start"], sum],
  title: onText(title),
  tojson: [["ensure_ascii", "indent", "separators", "sort_keys"], json],
  trim: [
    ["chars"],
    (value, given, { budget }) =>
      budget.text(strip(text(value, budget), { chars: given.optionalText("chars") })),
  ],
  truncate: [["length", "killwords", "end", "leeway"], truncate],
  unique: [["case_sensitive", "attribute"], unique],
  upper: onText((of) => of.toUpperCase()),
  urlencode: onText((of) =>
    encodeURIComponent(of.toWellFormed()).replaceAll(
      /[!'()*]/g,
      (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
    )
      .replaceAll("%2F", "/")
  ),
  wordcount: [
    [],
    (value, _, { budget }) => BigInt(text(value, budget).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0),
  ],
};

const RAW: Readonly<Record<string, RawFilter>> = {
  format: (value, { args, kwargs }, { budget }) => {
    if (args.length > 0 && kwargs.size > 0) fail('"format" takes either names or none');
    const values = kwargs.size > 0 ? Dict.of(kwargs) : new Tuple(args);
    return formatPercent(text(value, budget), values, budget);
  },
  map,
  reject: select({ keeps: false, attribute: false }),
  rejectattr: select({ keeps: false, attribute: true }),
  select: select({ keeps: true, attribute: false }),
  selectattr: select({ keeps: true, attribute: true }),
};

/** What a filter makes of a value. @throws {TemplateError} when there is no such filter, or it fails. */
export function applyFilter(name: string, value: Value, call: Call, context: FilterContext): Value {
  context.budget.step();
  if (Object.hasOwn(RAW, name)) return RAW[name]!(value, call, context);
  if (!Object.hasOwn(FILTERS, name)) {
    fail(FILTER_NAMES.has(name) ? `the filter "${name}" is not supported` : `there is no filter "${name}"`);
  }
  const [names, filter] = FILTERS[name]!;
  return filter(value, new Given(name, { names, ...call }), context);
}
