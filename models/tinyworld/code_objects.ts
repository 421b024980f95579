import { Scope, source, type Writer } from "./code_piece.ts";
import { amount, NOUNS } from "./code_words.ts";
import { COUNTABLE } from "./words.ts";
import { once, plural } from "./write.ts";

const CLASSES = [
  "Account",
  "Tank",
  "Counter",
  "Shop",
  "Stock",
  "Player",
  "Basket",
  "Meter",
  "Team",
  "Robot",
  "Engine",
  "Purse",
  "Ship",
  "Garden",
  "Battery",
  "Library",
  "Train",
  "Farm",
  "Ledger",
  "Station",
  "Box",
  "Machine",
];

/** Methods that change the field, as Python and as it is. */
const METHODS:
  readonly (readonly [names: string, python: string, apply: (field: number, n: number) => number])[] = [
    ["add|put|gain|raise_by", "{f} += {_n}", (f, n) => f + n],
    ["take|lose|spend|lower_by", "{f} -= {_n}", (f, n) => f - n],
    ["add_twice|double_gain", "{f} += 2 * {_n}", (f, n) => f + 2 * n],
    ["set_to|change_to|reset", "{f} = {_n}", (_, n) => n],
    ["drain|take_or_empty|use", "{f} = max(0, {f} - {_n})", (f, n) => Math.max(0, f - n)],
    ["fill|add_up_to_limit|store_more", "{f} = min({big}, {f} + {_n})", (f, n) => f + n],
  ];

/** A small class whose one field is changed and shown. */
export const object: Writer = (rng, { hints, doc }) => {
  const type = rng.likely(CLASSES);
  const object = rng.likely([type.toLowerCase(), "a", "b", "one", "thing", "mine", "main"], "object");
  const scope = new Scope(rng, type);
  const [f, hint] = [`self.${scope.fill("{item}")}`, hints ? ": int" : ""];
  const methods = rng.sample(METHODS, rng.int(1, 2)).map(([names, python, apply]) => {
    const name = rng.pick(names.split("|"));
    const line = scope.fill(python.replaceAll("{f}", f));
    const limit = /min\((\d+)/.exec(line)?.[1];
    return {
      name,
      line,
      apply: limit ? (a: number, n: number) => Math.min(Number(limit), apply(a, n)) : apply,
    };
  });
  let field = amount(rng);
  const lines = [
    ...doc === "comment" ? [scope.fill(`# ${type}: keeps its {item}.`)] : [],
    `class ${type}:`,
    ...doc === "docstring" ? [scope.fill(`    """Keeps one {item}."""`), ""] : [],
    scope.fill(`    def __init__(self, {item}${hint}):`),
    scope.fill(`        ${f} = {item}`),
    ...methods.flatMap(({ name, line }) => [
      "",
      scope.fill(`    def ${name}(self, {_n}${hint}):`),
      `        ${line}`,
    ]),
    "",
    `${object} = ${type}(${field})`,
  ];
  for (let steps = rng.int(2, 6); steps > 0; steps--) {
    const { name, apply } = rng.pick(methods);
    const n = amount(rng);
    field = apply(field, n);
    lines.push(`${object}.${name}(${n})`);
    if (steps === 1 || rng.chance(0.5)) lines.push(scope.fill(`print(${object}.{item})  # ${field}`));
  }
  return lines.join("\n");
};

const OPERATORS = {
  "+": (a: number, b: number) => a + b,
  "-": (a: number, b: number) => a - b,
  "*": (a: number, b: number) => a * b,
} as const;

/** Assignments one after the other, each from those before it. */
export const script: Writer = (rng, { doc }) => {
  const known = new Map<string, number>();
  const lines = doc === "none"
    ? []
    : [rng.likely(["# Step by step.", "# A short sum.", "# Work it out.", "# Notes."])];
  for (let left = rng.int(4, 10); left > 0; left--) {
    const names = [...known.keys()];
    const name = known.size > 1 && rng.chance(0.2)
      ? rng.pick(names)
      : rng.likely(NOUNS.filter((noun) => !known.has(noun)), names[0] ?? "");
    if (names.length === 0 || rng.chance(0.3)) {
      const n = amount(rng);
      known.set(name, n);
      lines.push(`${name} = ${n}`);
      continue;
    }
    const a = rng.pick(names);
    const op = rng.weighted([[4, "+"], [4, "-"], [2, "*"]] as const);
    const b = op === "*" ? rng.int(2, 9) : rng.chance(0.5) ? rng.pick(names) : amount(rng);
    known.set(
      name,
      OPERATORS[op](known.get(a) as number, typeof b === "number" ? b : known.get(b) as number),
    );
    lines.push(`${name} = ${a} ${op} ${b}`);
    if (rng.chance(0.6)) lines.push(`print(${name})  # ${known.get(name)}`);
  }
  if (!lines.at(-1)?.startsWith("print")) {
    const [name, value] = rng.pick([...known]);
    lines.push(`print(${name})  # ${value}`);
  }
  return lines.join("\n");
};

/** A dictionary of amounts, asked and changed. */
export const dictionary: Writer = (rng, { doc }) => {
  const keys = rng.sample(COUNTABLE.filter((word) => /^[a-z]+$/.test(word)), rng.int(2, 5));
  const name = rng.likely([
    "stock",
    "prices",
    "basket",
    "store",
    "amounts",
    "shelf_list",
    "costs",
    "supplies",
  ]);
  const map = new Map(keys.map((key) => [plural(key), amount(rng)]));
  const key = () => rng.pick([...map.keys()]);
  const value = (key: string) => map.get(key) as number;
  const lines = [...doc === "none" ? [] : [`# What is in ${name}.`], `${name} = ${source(map)}`];
  for (let left = rng.int(2, 5); left > 0; left--) {
    const [a, b, n] = [once(key), once(key), once(() => amount(rng))];
    lines.push(
      rng.likely([
        () => `print(${name}["${a()}"])  # ${value(a())}`,
        () => {
          map.set(a(), value(a()) + n());
          return `${name}["${a()}"] += ${n()}\nprint(${name}["${a()}"])  # ${value(a())}`;
        },
        () => `print(${name}["${a()}"] + ${name}["${b()}"])  # ${value(a()) + value(b())}`,
        () => `print(sum(${name}.values()))  # ${[...map.values()].reduce((a, b) => a + b)}`,
        () => `print("${a()}" in ${name})  # True`,
        () => `print(${name}.get("${a()}", 0) > ${n()})  # ${value(a()) > n() ? "True" : "False"}`,
        () => `print(len(${name}))  # ${map.size}`,
        () => `print(max(${name}, key=${name}.get))  # ${[...map].reduce((x, y) => y[1] > x[1] ? y : x)[0]}`,
      ])(),
    );
  }
  return lines.join("\n");
};
