/**
 * A tokenizer may come from anywhere: seeded mutations of its files and its templates each work or throw an Any4Error, and none
 * costs much. ANY4_FUZZ says how many; 10,000 take some minutes.
 *
 * @module
 */
import { assert, assertGreaterOrEqual } from "@std/assert";
import { Any4Error } from "../lib/errors.ts";
import { Tokenizer } from "../lib/model/tokenizer/tokenizer.ts";
import { Lcg } from "./golden/lcg.ts";

const MUTATIONS = Number(Deno.env.get("ANY4_FUZZ") ?? 1500);
const MOST_MS = 100;
const MOST_BYTES = 50e6;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const golden = `${import.meta.dirname}/golden`;
const unpack = async (name: string) =>
  await new Response(
    new Blob([Deno.readFileSync(`${golden}/${name}.json.gz`)]).stream()
      .pipeThrough(new DecompressionStream("gzip")),
  ).json();

const { pipelines, vocabularies } = await unpack("pipelines") as {
  pipelines: { json: { [key: string]: Json } & { model: string } }[];
  vocabularies: Record<string, Json>;
};
const folders = await unpack("tokenizer_folders") as {
  files: Record<string, string>;
  folders: { files: Record<string, string> }[];
};
const templates = JSON.parse(Deno.readTextFileSync(`${golden}/templates.json`)) as {
  families: { template: string }[];
  constructs: { template: string }[];
};

/** Choices from a seed. */
class Random {
  readonly #lcg: Lcg;

  constructor(seed: number) {
    this.#lcg = new Lcg(Math.imul(seed, 0x9e3779b1) >>> 0);
    this.#lcg.next();
  }

  below(n: number): number {
    return Math.floor(this.#lcg.next() * n);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

const VALUES: readonly Json[] = [
  ...[null, true, false, 0, -1, 1.5, 1e308, 2 ** 31, 2 ** 53, 16777215, "", "a", "\ud800", "▁", "<unk>", "é"],
  ...["(", "[", "(a+)+$", "\\p{Nope}", ".*", "(?<=a)b", "\\A", "A".repeat(300), [], {}, [[]], [0], [
    "a",
    "b",
  ]],
  ...[["a", 1], { type: "Nope" }, { type: "Sequence" }, { Regex: "[" }, { String: "" }, { Regex: "" }],
];
const TYPES = [
  ...[
    "BPE",
    "Unigram",
    "WordPiece",
    "WordLevel",
    "Sequence",
    "Replace",
    "Strip",
    "Prepend",
    "NFC",
    "Lowercase",
  ],
  ...["ByteLevel", "Metaspace", "Split", "Digits", "Whitespace", "ByteFallback", "Fuse", "BPEDecoder", "Nmt"],
  ...["TemplateProcessing", "BertProcessing", "Precompiled", "BertNormalizer", "CTC", "FixedLength"],
];

/** Where a tree can be changed. */
function places(json: Json, into: [parent: Json[] | { [key: string]: Json }, key: string][] = []) {
  if (typeof json !== "object" || json === null) return into;
  // Of long lists, such as vocabularies, a few entries are enough.
  const keys = Object.keys(json);
  const step = Math.max(1, Math.floor(keys.length / 20));
  for (let at = 0; at < keys.length; at += step) {
    into.push([json as { [key: string]: Json }, keys[at]!]);
    places((json as { [key: string]: Json })[keys[at]!]!, into);
  }
  return into;
}

/** A tree with something else somewhere. */
function mutateTree(json: Json, random: Random): Json {
  const copy = structuredClone(json);
  const [parent, key] = random.pick(places(copy));
  const holder = parent as { [key: string]: Json };
  switch (random.below(7)) {
    case 0:
      delete holder[key];
      break;
    case 1:
      holder[key] = random.pick(VALUES);
      break;
    case 2: {
      const [other, from] = random.pick(places(copy));
      holder[key] = structuredClone((other as { [key: string]: Json })[from]!);
      break;
    }
    case 3:
      holder.type = random.pick(TYPES);
      break;
    case 4:
      holder[
        random.pick(["content", "pattern", "special", "id", "vocab", "merges", "prepend_scheme", "Regex"])
      ] = random
        .pick(VALUES);
      break;
    case 5:
      if (typeof holder[key] === "number") holder[key] = random.pick([0, 1, 7, 1e6, -3, 0.5]);
      else if (typeof holder[key] === "string") holder[key] = random.pick(TYPES);
      else {holder[key] = {
          type: "Sequence",
          decoders: [holder[key]!],
          normalizers: [holder[key]!],
          pretokenizers: [holder[key]!],
        };}
      break;
    default:
      if (Array.isArray(holder[key])) (holder[key] as Json[]).push(random.pick(VALUES));
      else holder[`${key}_`] = random.pick(VALUES);
  }
  return copy;
}

/** Bytes with something else somewhere. */
function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const at = random.below(copy.length);
  switch (random.below(6)) {
    case 0:
      return copy.slice(0, at);
    case 1: {
      const length = random.below(64);
      return Uint8Array.from([...copy.slice(0, at), ...copy.slice(Math.min(copy.length, at + length))]);
    }
    case 2:
      return Uint8Array.from([
        ...copy.slice(0, at),
        ...copy.slice(at, at + random.below(200)),
        ...copy.slice(at),
      ]);
    case 3:
      for (let i = at; i < Math.min(copy.length, at + random.below(9)); i++) copy[i] = random.below(256);
      return copy;
    case 4:
      // A field's end: model types, flags and ids of special tokens stand there.
      copy[copy.length - 1 - random.below(Math.min(copy.length, 80))] = random.below(256);
      return copy;
    default:
      copy[at] = copy[at]! ^ (1 << random.below(8));
      return copy;
  }
}

const TOKENS = /\{[{%#]-?|-?[}%#]\}|\w+|'[^']*'|"[^"]*"|[^\s\w]/g;
const WORDS = [
  ...[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "for",
    "endfor",
    "if",
    "endif",
    "else",
    "elif",
    "set",
    "macro",
    "endmacro",
  ],
  ...[
    "in",
    "is",
    "not",
    "and",
    "or",
    "recursive",
    "loop",
    "namespace",
    "messages",
    "range(99999)",
    "1",
    "'a'",
    "*",
  ],
  ...[
    "**",
    "~",
    "|",
    "(",
    ")",
    "[",
    "]",
    ".",
    ":",
    ",",
    "=",
    "==",
    "none",
    "tojson",
    "length",
    "join",
    "map",
    "99999999",
  ],
  ...[
    "raise_exception",
    "break",
    "continue",
    "call",
    "endcall",
    "generation",
    "endgeneration",
    "with",
    "filter",
    "\\",
  ],
  ...[
    "split()",
    ".items()",
    "[::-1]",
    "['x']",
    "is defined",
    "| tojson(indent=2)",
    "| selectattr('x')",
    "🙂",
    "\0",
  ],
];

/** A template with other tokens somewhere. */
function mutateTemplate(template: string, random: Random): string {
  const tokens = Array.from(
    template.matchAll(TOKENS),
    ({ 0: { length }, index }) => [index, length] as const,
  );
  const [from, length] = tokens.length > 0 ? random.pick(tokens) : [0, 0];
  const [other, otherLength] = tokens.length > 0 ? random.pick(tokens) : [0, 0];
  const cut = (by: string, width = length) => template.slice(0, from) + by + template.slice(from + width);
  switch (random.below(6)) {
    case 0:
      return cut("");
    case 1:
      return cut(` ${random.pick(WORDS)} `);
    case 2:
      return cut(` ${random.pick(WORDS)} `, 0);
    case 3:
      return cut(template.slice(other, other + otherLength));
    case 4:
      return template.slice(0, from);
    default:
      return cut(template.slice(from, from + 60 + random.below(200)), 0);
  }
}

const TEXTS = [
  "",
  "Hello  wörld 🙂\n",
  "<s>a</s><|im_start|>user",
  "\0\ufeff 1234",
  "▁".repeat(40),
  "ab".repeat(200),
];
const MESSAGES = [{ role: "system", content: "a" }, { role: "user", content: "Hi 🙂 <x>" }, {
  role: "assistant",
  content: "b",
}];
const TOOLS = [{
  type: "function",
  function: { name: "f", parameters: { properties: { a: { type: "string" } } } },
}];

/** Does all that a tokenizer can; what it throws on purpose is collected. */
function use(tokenizer: Tokenizer, random: Random): void {
  let error: unknown;
  const attempt = (run: () => unknown) => {
    try {
      run();
    } catch (caught) {
      if (!(caught instanceof Any4Error)) throw caught;
      error = caught;
    }
  };
  for (const text of TEXTS) attempt(() => tokenizer.decode(tokenizer.encode(text)));
  const ids = Array.from({ length: 20 }, () => random.below(Math.max(1, tokenizer.size)));
  attempt(() => tokenizer.decode(ids, { specialTokens: true }));
  attempt(() => tokenizer.chat(MESSAGES, { tools: TOOLS }));
  if (error) throw error;
}

/** A case: files of a folder, and what was done to them. */
interface Case {
  readonly files: Record<string, Uint8Array>;
  readonly what: string;
}

const utf8 = new TextEncoder();
const json = (value: unknown) => utf8.encode(JSON.stringify(value));

/** Bases, each with its mutation. */
const KINDS: Readonly<Record<string, (random: Random) => Case["files"]>> = {
  "tokenizer.json"(random) {
    const { json: pipeline } = random.pick(pipelines);
    const { model, ...rest } = pipeline;
    let tree: Json = { ...rest, model: vocabularies[model]! };
    for (let more = random.pick([1, 1, 2, 4]); more > 0; more--) tree = mutateTree(tree, random);
    const bytes = json(tree);
    return { "tokenizer.json": random.below(10) === 0 ? mutateBytes(bytes, random) : bytes };
  },
  "files beside it"(random) {
    const files = Object.entries(random.pick(folders.folders).files).map(
      ([name, content]): [string, Uint8Array] => {
        const data = folders.files[content] ?? content;
        return [name, content.endsWith(".model") ? Uint8Array.fromBase64(data) : utf8.encode(data)];
      },
    );
    const [chosen, bytes] = random.pick(files.filter(([name]) => name !== "config.json"));
    const isJson = chosen.endsWith(".json") && random.below(4) > 0;
    const changed = isJson
      ? json(mutateTree(JSON.parse(new TextDecoder().decode(bytes)), random))
      : mutateBytes(bytes, random);
    return { ...Object.fromEntries(files), [chosen]: changed };
  },
  "tokenizer.model"(random) {
    const name = random.pick(Object.keys(folders.files).filter((name) => name.endsWith(".model")));
    let bytes = Uint8Array.fromBase64(folders.files[name]!) as Uint8Array;
    for (let more = random.pick([1, 1, 2]); more > 0 && bytes.length > 0; more--) {
      bytes = mutateBytes(bytes, random);
    }
    return { "tokenizer.model": bytes };
  },
  "a template"(random) {
    let { template } = random.pick(random.below(4) > 0 ? templates.families : templates.constructs);
    for (let more = random.pick([1, 1, 2, 4]); more > 0; more--) template = mutateTemplate(template, random);
    const { json: { model, ...rest } } = pipelines[0]!;
    return {
      "tokenizer.json": json({ ...rest, model: vocabularies[model] }),
      "chat_template.jinja": utf8.encode(template),
    };
  },
};

function memory(): number {
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return Math.max(rss, heapUsed + external);
}

function measure(folder: string, seed: number): { error: unknown; ms: number; bytes: number } {
  const before = memory();
  const start = performance.now();
  let error: unknown;
  try {
    use(Tokenizer.open(folder), new Random(seed));
  } catch (caught) {
    error = caught;
  }
  return { error, ms: performance.now() - start, bytes: memory() - before };
}

for (const [k, [kind, make]] of Object.entries(KINDS).entries()) {
  const count = Math.ceil(MUTATIONS / Object.keys(KINDS).length);
  Deno.test(`${count} mutations of ${kind} work or throw an Any4Error, each within 100 ms and 50 MB`, () => {
    const folder = Deno.makeTempDirSync();
    let worked = 0;
    try {
      for (let i = 0; i < count; i++) {
        const files = make(new Random(4 * i + k));
        for (const { name } of Deno.readDirSync(folder)) Deno.removeSync(`${folder}/${name}`);
        for (const [name, bytes] of Object.entries(files)) Deno.writeFileSync(`${folder}/${name}`, bytes);
        const { error, bytes, ...first } = measure(folder, i);
        let { ms } = first;
        // The machine may have been busy; what is slow by itself stays so.
        for (let again = 0; again < 4 && ms > MOST_MS; again++) ms = Math.min(ms, measure(folder, i).ms);
        const what = `mutation ${i} of ${kind}`;
        assert(
          error === undefined || error instanceof Any4Error,
          `${what} threw ${error instanceof Error ? error.stack : error}`,
        );
        assert(ms <= MOST_MS, `${what} took ${ms} ms: ${error}`);
        assert(bytes <= MOST_BYTES, `${what} took ${bytes} bytes`);
        if (error === undefined || `${error}`.includes("no chat_template")) worked++;
      }
      assertGreaterOrEqual(worked, count / 50, `${kind} hardly ever works`);
      assertGreaterOrEqual(count - worked, count / 50, `${kind} hardly ever fails`);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}
