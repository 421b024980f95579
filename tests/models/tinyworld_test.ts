import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import evalJson from "../../models/tinyworld/eval.json" with { type: "json" };
import {
  type Document,
  documents,
  generate,
  type Kind,
  KINDS,
  Random,
  WORLD,
} from "../../models/tinyworld/generator.ts";
import { evalText } from "../../models/tinyworld/make_text.ts";
import { PEOPLE, WEEKDAYS } from "../../models/tinyworld/words.ts";
import { counted, write } from "../../models/tinyworld/write.ts";

const some = (
  kind: Kind,
  count = 400,
  seed = 77,
): Document[] => [...documents({ seed, count, kinds: [kind] })];

Deno.test("documents() writes the same text from the same seed, and other text from another", () => {
  const texts = (seed: number) => [...documents({ seed, count: 50 })].map(({ text }) => text);
  assertEquals(texts(5), texts(5));
  assert(texts(5).join() !== texts(6).join());
});

Deno.test("documents() writes all five kinds in plain ASCII without open slots or choices", () => {
  const kinds = new Set<string>();
  for (const { kind, text } of documents({ seed: 8, count: 2000 })) {
    kinds.add(kind);
    assert(/^[\n\x20-\x7e]+$/.test(text), text);
    if (kind !== "code") assert(!/[{}[\]|]|undefined|NaN|\ba [aeio](?!ne)/.test(text), text);
  }
  assertEquals([...kinds].sort(), [...KINDS].sort());
});

Deno.test("Random.nats adds -ln p of every choice", () => {
  const rng = new Random(3);
  rng.pick(["a", "b", "c", "d"]);
  rng.sample([1, 2, 3], 2);
  rng.int(1, 6);
  assertAlmostEquals(rng.nats, Math.log(4) + Math.log(3) + Math.log(2) + Math.log(6), 1e-12);
  const before = rng.nats;
  const yes = rng.chance(0.25);
  assertAlmostEquals(rng.nats - before, -Math.log(yes ? 0.25 : 0.75), 1e-12);
});

Deno.test("Random draws evenly and differs between neighbouring seeds", () => {
  const rng = new Random(0);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i++) counts[rng.below(10)]! += 1;
  for (const count of counts) assert(Math.abs(count - 2000) < 200, `${counts}`);
  const firsts = new Set(Array.from({ length: 500 }, (_, seed) => new Random(seed).below(1e9)));
  assertEquals(firsts.size, 500);
});

Deno.test("the entropy of a document is positive, and that of many adds up to what the generator decided", () => {
  const rng = new Random(11);
  let sum = 0;
  for (let i = 0; i < 200; i++) {
    const { nats } = generate(KINDS[i % KINDS.length]!, rng);
    assert(nats > 0);
    sum += nats;
  }
  assertAlmostEquals(sum, rng.nats, 1e-6);
  const [first] = documents({ seed: 4, count: 1 });
  const again = new Random(4);
  assertEquals(generate(again.pick(KINDS), again).text, first!.text);
  assertAlmostEquals(again.nats, first!.nats, 1e-12, "the draw of the kind counts");
});

Deno.test("write() resolves nested choices, slots and articles, and refuses an unknown slot", () => {
  const rng = new Random(1);
  const seen = new Set(Array.from({ length: 200 }, () => write(rng, "[a [b|c]|d].")));
  assertEquals([...seen].sort(), ["A b.", "A c.", "D."]);
  assertEquals(
    write(rng, "it is a {thing} and a honest {man}. {Thing} is [one].", { thing: "owl", man: "man" }),
    "It is an owl and an honest man. Owl is one.",
  );
  assertEquals([counted(1, "leaf"), counted(2, "leaf"), counted(3, "cherry"), counted(2, "box")], [
    "1 leaf",
    "2 leaves",
    "3 cherries",
    "2 boxes",
  ]);
  assertThrows(() => write(rng, "{nobody}"), ReferenceError);
});

/** Evaluates a chain such as "12 + 7 - 3" from left to right. */
function evaluate(chain: string): number {
  const [first, ...rest] = chain.split(/ (?=[-+x/])/);
  return rest.reduce((value, step) => {
    const n = Number(step.slice(2));
    return step[0] === "+"
      ? value + n
      : step[0] === "-"
      ? value - n
      : step[0] === "x"
      ? value * n
      : value / n;
  }, Number(first));
}

Deno.test("every equation of an arithmetic document holds", () => {
  let equations = 0;
  for (const { text } of some("arithmetic", 1500)) {
    for (const [, chain, result] of text.matchAll(/(?<![\d=] )\b(\d+(?: [-+x/] \d+)+) = (\d+)/g)) {
      assertEquals(evaluate(chain!), Number(result), text);
      equations++;
    }
    for (const [, a, b] of text.matchAll(/(\d+) is larger than (\d+)/g)) assert(Number(a) > Number(b), text);
  }
  assert(equations > 3000, `${equations}`);
});

Deno.test("counting goes on in equal steps, and sorted numbers are sorted", () => {
  let counted = 0;
  for (const { text } of some("arithmetic", 1500)) {
    const count = text.match(/from \d+: ([\d, ]+)\.\nThe next number is (-?\d+)/);
    if (count) {
      const row = [...count[1]!.split(", "), count[2]!].map(Number);
      const steps = new Set(row.slice(1).map((n, i) => n - row[i]!));
      assertEquals(steps.size, 1, text);
      counted++;
    }
    const sort = text.match(/^Numbers: (.*)\nSorted: (.*)\nSmallest: (\d+)\nLargest: (\d+)[^]*Sum: (\d+)$/);
    if (sort) {
      const numbers = sort[1]!.split(", ").map(Number).sort((a, b) => a - b);
      assertEquals(sort[2], numbers.join(", "));
      assertEquals(
        [numbers[0], numbers.at(-1), numbers.reduce((a, b) => a + b)],
        [3, 4, 5].map((i) => Number(sort[i])),
      );
      counted++;
    }
  }
  assert(counted > 150, `${counted}`);
});

Deno.test("the printed results of code documents are right", () => {
  let calls = 0;
  for (const { text } of some("code", 600)) {
    const expected = text.split("\n").filter((line) => line.startsWith("print(")).map((line) =>
      line.split("  # ")[1]
    );
    assertEquals(run(text), expected, text);
    calls += expected.length;
  }
  assert(calls > 800);
});

/** Runs the small part of Python that the code documents use, by rewriting it line by line to JavaScript. */
function run(python: string): string[] {
  const out: string[] = [];
  const depths = [0];
  for (const raw of python.split("\n")) {
    const line = raw.replace(/ *# .*$/, "");
    if (line.trim() === "") continue;
    const depth = line.length - line.trimStart().length;
    while (depth < depths.at(-1)!) {
      depths.pop();
      out.push("}");
    }
    if (depth > depths.at(-1)!) depths.push(depth);
    out.push(
      line.trim()
        .replace(/^def (\w+)\((.*)\):$/, "var $1 = function ($2) {")
        .replace(/^for (\w+) in range\(1, (\w+) \+ 1\):$/, "for (let $1 = 1; $1 <= $2; $1++) {")
        .replace(/^for (\w+) in (\w+):$/, "for (const $1 of $2) {")
        .replace(/^if (.*):$/, "if ($1) {")
        .replace(/^(\w+) = /, "var $1 = ")
        .replace(/\.append\(/, ".push(")
        .replace(/\.upper\(/, ".toUpperCase(")
        .replace(/\[-1\]/, ".at(-1)")
        .replace(/(\w+) \/\/ 2/, "Math.floor($1 / 2)")
        .replace(/return (\w+) \* (\d)$/, "return times($1, $2)"),
    );
  }
  const prelude = `const printed = [], abs = Math.abs, len = (s) => s.length;
    const times = (x, n) => typeof x === "string" ? x.repeat(n) : x * n;
    const print = (x) => printed.push(Array.isArray(x) ? "[" + x.join(", ") + "]" : x === true ? "True" : x === false ? "False" : String(x));`;
  return new Function(`${prelude}\n${out.join("\n")}\nreturn printed;`)();
}

Deno.test("a story keeps to its two people and one pronoun each", () => {
  const names = new Map(PEOPLE.map((person) => [person.name, person]));
  for (const { text } of some("fiction")) {
    const found = [...new Set(text.match(/[A-Z][a-z]+/g))].flatMap((word) => names.get(word) ?? []);
    assert(found.length >= 1 && found.length <= 2, text);
    const hero = text.match(/ (girl|boy) (?:called|named) (\w+)| ?([A-Z]\w+) was an? \w+ (girl|boy) /)!;
    assertEquals(names.get((hero[2] ?? hero[3])!)?.child, hero[1] ?? hero[4], text);
  }
});

Deno.test("news keep to seven days whose order holds, and to facts about creatures", () => {
  const creatures = new Map(WORLD.creatures.map((creature) => [creature.name, creature]));
  for (const { text } of some("news")) {
    const day = text.match(/^[\w ]+, (\w+)\. /)?.[1];
    assert(day !== undefined && WEEKDAYS.includes(day), text);
    const forecast = text.match(/On (\w+) it will be (\d+) degrees (\w+)/);
    if (forecast) {
      assertEquals(forecast[1], WEEKDAYS[(WEEKDAYS.indexOf(day) + 1) % 7]);
      const [now, then] = [/(\d+) degrees (?:to|in)/, /to (-?\d+) degrees\./].map((pattern) =>
        Number(text.match(pattern)![1])
      );
      assertEquals(then! - now!, Number(forecast[2]) * (forecast[3] === "warmer" ? 1 : -1), text);
    }
    const cost = text.match(/cost (\d+) million \w+, (\d+) million more than the (\d+) million/);
    if (cost) assertEquals(Number(cost[1]), Number(cost[2]) + Number(cost[3]), text);
    const votes = text.match(/won (\d+) percent[^]* the other (\d+) percent, (\d+) points/);
    if (votes) {
      assertEquals([100 - Number(votes[1]), Number(votes[1]) - Number(votes[2])], [
        Number(votes[2]),
        Number(votes[3]),
      ], text);
    }
    const creature = text.match(/The ([\w ]+) is (\w+) and eats ([\w ]+)\./);
    if (creature) {
      const { colour, food } = creatures.get(creature[1]!)!;
      assertEquals([colour, food], [creature[2], creature[3]]);
    }
  }
});

Deno.test("facts agree with the one world, which holds several hundred of them", () => {
  const { countries, creatures, inventors } = WORLD;
  assertEquals([countries.length, creatures.length, inventors.length], [28, 24, 24]);
  for (
    const key of ["name", "capital", "river", "mountain", "founder", "animal", "language"] as const
  ) {
    assertEquals(new Set(countries.map((country) => country[key])).size, countries.length, key);
  }
  const capitals = new Map(countries.map(({ name, capital }) => [name, capital]));
  let checked = 0;
  for (const { text } of some("facts", 600)) {
    for (const [, name, capital] of text.matchAll(/capital of ([\w ]+) is ([\w ]+?)(?:\.|,)/g)) {
      assertEquals(capitals.get(name!), capital, text);
      checked++;
    }
    for (
      const [, older, years, younger] of text.matchAll(/so ([\w ]+) is (\d+) years older than ([\w ]+)\./g)
    ) {
      const founded = (name: string) => countries.find((country) => country.name === name)!.founded;
      assertEquals(founded(younger!) - founded(older!), Number(years), text);
      checked++;
    }
  }
  assert(checked > 80, `${checked}`);
});

Deno.test("eval.json holds documents of the generator with its seed, and their entropy", () => {
  const wanted = Object.fromEntries(KINDS.map((kind) => [kind, [...evalJson.documents[kind]]]));
  const nats = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  for (const document of documents({ seed: evalJson.seed, count: 5000 })) {
    if (wanted[document.kind]![0] !== document.text) continue;
    wanted[document.kind]!.shift();
    nats[document.kind]! += document.nats;
  }
  for (const kind of KINDS) {
    assertEquals(wanted[kind], [], `${kind} has documents that the generator does not write`);
    assertAlmostEquals(nats[kind]!, evalJson.nats[kind], 0.001);
  }
});

Deno.test("evalText() leaves out what was seen and repeats nothing", () => {
  const all = evalText();
  const first = all.documents.fiction[0]!;
  const rest = evalText(new Set([first]));
  assert(!rest.documents.fiction.includes(first));
  for (const kind of KINDS) assertEquals(new Set(all.documents[kind]).size, all.documents[kind].length);
});
