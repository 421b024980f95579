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
import { counted, past, write } from "../../models/tinyworld/write.ts";

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

Deno.test("Random.likely() follows Zipf's law in an order that belongs to the context", () => {
  const letters = [..."abcdefgh"];
  const most = (context: string) => {
    const rng = new Random(5);
    const counts = new Map<string, number>();
    for (let i = 0; i < 8000; i++) {
      const before = rng.nats;
      const letter = rng.likely(letters, context);
      counts.set(letter, (counts.get(letter) ?? 0) + 1);
      assert(rng.nats > before);
    }
    const sum = letters.reduce((sum, _, i) => sum + 1 / (i + 1), 0);
    const ranked = [...counts].sort((a, b) => b[1] - a[1]);
    ranked.slice(0, 4).forEach(([, n], i) => assertAlmostEquals(n / 8000, 1 / (i + 1) / sum, 0.02));
    assertAlmostEquals(
      rng.nats / 8000,
      [...ranked].reduce((h, [, n]) => h - n / 8000 * Math.log(n / 8000), 0),
      0.02,
    );
    return ranked.map(([letter]) => letter).join("").slice(0, 3);
  };
  assertEquals(most(""), "abc", "without a context the list's own order holds");
  assertEquals(most("sea"), most("sea"));
  assert(new Set(["sea", "farm", "war", "ghost", "river"].map(most)).size > 3);
  assertThrows(() => new Random(1).likely([]), RangeError);
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
  assertEquals(["walk", "hide", "cry", "drop", "row", "steal", "open", "admit"].map(past), [
    "walked",
    "hid",
    "cried",
    "dropped",
    "rowed",
    "stole",
    "opened",
    "admitted",
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
  assert(counted > 80, `${counted}`);
});

/** What the comments of a code document say that it prints. */
const promised = (text: string): string[] =>
  text.split("\n").filter((line) => line.startsWith("print(")).map((line) => line.split("  # ")[1] ?? "");

const CODE = some("code", 1500).map(({ text }) => text);

/** Runs programs with one python3 and returns the lines that each prints; undefined without python3. */
async function python(programs: readonly string[]): Promise<string[][] | undefined> {
  const runner = `import contextlib, io, json, sys
out = []
for text in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(text, {})
    out.append(printed.getvalue().splitlines())
print(json.dumps(out))`;
  try {
    const child = new Deno.Command("python3", {
      args: ["-c", runner],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(JSON.stringify(programs)));
    await writer.close();
    const { success, stdout, stderr } = await child.output();
    assert(success, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

const hasPython = await python([]).then((result) => result !== undefined, () => false);

Deno.test({
  name: "the printed results of code documents are what python3 prints",
  ignore: !hasPython,
  fn: async () => {
    const printed = await python(CODE);
    CODE.forEach((text, i) => assertEquals(printed?.[i], promised(text), text));
  },
});

Deno.test("the printed results of plain assignments in code documents are right", () => {
  let checked = 0;
  for (const block of CODE.flatMap((text) => text.split("\n\n"))) {
    const values = new Map<string, number>();
    const value = (term: string) => values.get(term) ?? Number(term);
    for (const line of block.split("\n")) {
      const [, name, a, op, b] = line.match(/^(\w+) = (\w+)(?: ([-+*]) (\w+))?$/) ?? [];
      const [, shown, result] = line.match(/^print\((\w+)\) {2}# (.*)$/) ?? [];
      if (name && a) {
        const [x, y] = [value(a), value(b ?? "0")];
        values.set(name, op === "*" ? x * y : op === "-" ? x - y : x + y);
      } else if (shown) {
        assertEquals(value(shown), Number(result), block);
        checked++;
      }
    }
  }
  assert(checked > 500, `${checked}`);
});

Deno.test("code documents are short, varied, and comment every result", () => {
  const functions = new Set<string>();
  for (const text of CODE) {
    assert(text.length <= 900, text);
    assert(promised(text).length > 0 && promised(text).every((result) => result !== ""), text);
    for (const [, name] of text.matchAll(/^def (\w+)/gm)) functions.add(name!);
    for (const line of text.split("\n")) assertEquals((line.length - line.trimStart().length) % 4, 0, text);
  }
  assert(functions.size > 400, `${functions.size}`);
});

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

Deno.test("facts agree with the one world, which holds more than two thousand of them", () => {
  const { countries, creatures, inventors } = WORLD;
  assertEquals([countries.length, creatures.length, inventors.length], [120, 80, 100]);
  for (
    const key of ["name", "capital", "river", "mountain", "founder", "language"] as const
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
