/**
 * A checkpoint may come from anywhere: 10,000 seeded mutations of its files each load or throw an Any4Error, and none
 * costs much.
 *
 * @module
 */
import { assert, assertGreaterOrEqual } from "@std/assert";
import { Any4Error } from "../lib/errors.ts";
import type { TensorToWrite } from "../lib/files/safetensors/write.ts";
import { Checkpoint } from "../lib/model/checkpoint/checkpoint.ts";
import { writeCheckpoint } from "../lib/model/checkpoint/write_checkpoint.ts";
import { Lcg } from "./golden/lcg.ts";

const MUTATIONS = 10_000;
const MOST_MS = 100;
const MOST_BYTES = 50e6;

const CONFIG = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 6,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  rope_scaling: {
    rope_type: "llama3",
    factor: 32,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 32,
  },
  tie_word_embeddings: false,
  eos_token_id: [2, 5],
  torch_dtype: "bfloat16",
};

const tensor = (
  name: string,
  dtype: "F32" | "BF16" | "I64" | "U8",
  shape: number[],
  bytes: number,
): TensorToWrite => (
  { name, dtype, shape, data: () => new Uint8Array(bytes) }
);

const TENSORS = [
  tensor("model.embed_tokens.weight", "BF16", [6, 8], 96),
  tensor("model.norm.weight", "F32", [8], 32),
  tensor("model.layers.0.mlp.up_proj.weight.codes", "U8", [4, 4], 16),
  tensor("scalar é", "I64", [], 8),
  tensor("nothing", "F32", [0, 3], 0),
];

/** A file as a string of its bytes, so that all that strings can do can be done to it. */
type Binary = string;

const fromBytes = (bytes: Uint8Array): Binary => String.fromCharCode(...bytes);
const toBytes = (binary: Binary) => Uint8Array.from(binary, (char) => char.charCodeAt(0));

/** Choices from a seed. */
class Random {
  readonly #lcg: Lcg;

  constructor(seed: number) {
    this.#lcg = new Lcg(Math.imul(seed, 0x9e3779b1) >>> 0);
    this.#lcg.next();
  }

  /** A whole number from 0 to n − 1. */
  below(n: number): number {
    return Math.floor(this.#lcg.next() * n);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** Some part of a text, of 64 characters at most. */
  range(text: string): { from: number; to: number } {
    const from = this.below(text.length + 1);
    return { from, to: Math.min(text.length, from + this.below(64)) };
  }

  /** One of a pattern's matches. */
  match(text: string, pattern: RegExp): { from: number; to: number } {
    const matches = [...text.matchAll(pattern)];
    if (matches.length === 0) return this.range(text);
    const { index, 0: { length } } = this.pick(matches);
    return { from: index, to: index + length };
  }
}

const replace = (text: Binary, { from, to }: { from: number; to: number }, by: string): Binary =>
  text.slice(0, from) + by + text.slice(to);

const NUMBER = /(?<=[[,:]\s*)-?\d+(\.\d+)?(e[+-]?\d+)?/g;
const STRING = /"[^"]*"/g;
const MEMBER = /"[^"]*":\s*(\[[^\]]*\]|\{[^{}]*\}|"[^"]*"|[^,\]}]+)/g;

const VALUES = [
  ...["0", "-0", "-1", "1", "2", "7", "64", "1.5", "2.0", "1e2", "1e-320", "1e999", "1e9", "007", "NaN", "-"],
  ...["2147483648", "4294967296", "9007199254740991", "9007199254740993", "1152921504606846976"],
  ...[
    "18446744073709551615",
    "18446744073709551616",
    "1" + "0".repeat(400),
    "null",
    "true",
    "[]",
    "{}",
    "[[]]",
  ],
  ...['""', '"8"', '"../x.safetensors"', '"/etc/passwd"', '"__metadata__"', '"__proto__"', '"constructor"'],
  ...['"\\ud800"', '"\\u0000"', '"F64"', '"F4"', '"bf16"', '"yarn"', '"mistral"', '"model.safetensors"'],
  ...[
    "[0,0]",
    "[8,0]",
    "[0,18446744073709551616]",
    "[4294967296,4294967296,0]",
    "[" + "1,".repeat(99) + "1]",
  ],
];

/** Ways to break a text, or not. */
const EDITS: Readonly<Record<string, (text: Binary, random: Random) => Binary>> = {
  "flip a bit": (text, random) => {
    const at = random.below(text.length);
    const byte = text.charCodeAt(at) ^ (1 << random.below(8));
    return replace(text, { from: at, to: at + 1 }, String.fromCharCode(byte & 0xff));
  },
  "random bytes": (text, random) => {
    const bytes = Uint8Array.from({ length: random.below(9) }, () => random.below(256));
    return replace(text, random.range(text), fromBytes(bytes));
  },
  "truncate": (text, random) => text.slice(0, random.below(text.length + 1)),
  "append": (text, random) => text + "\0 }]x".charAt(random.below(5)).repeat(random.below(300)),
  "delete": (text, random) => replace(text, random.range(text), ""),
  "copy": (text, random) => {
    const { from, to } = random.range(text);
    return replace(text, random.range(text), text.slice(from, to));
  },
  "a number": (text, random) => replace(text, random.match(text, NUMBER), random.pick(VALUES)),
  "a digit": (text, random) => replace(text, random.match(text, /\d/g), String(random.below(10))),
  "a string": (text, random) => replace(text, random.match(text, STRING), random.pick(VALUES)),
  "a string by another": (text, random) => {
    const { from, to } = random.match(text, STRING);
    return replace(text, random.match(text, STRING), text.slice(from, to));
  },
  "a member's value": (text, random) => {
    const { from, to } = random.match(text, MEMBER);
    return replace(text, { from, to }, text.slice(from, to).replace(/:.*/s, () => `:${random.pick(VALUES)}`));
  },
  "a member twice": (text, random) => {
    const { from, to } = random.match(text, MEMBER);
    return replace(text, { from, to }, `${text.slice(from, to)},${text.slice(from, to)}`);
  },
  "no member": (text, random) =>
    replace(text, random.match(text, /"[^"]*":\s*(\[[^\]]*\]|"[^"]*"|[^,{}]+),?/g), ""),
  "nest": (text, random) => {
    const depth = random.pick([1, 120, 128, 5000]);
    const [open, close] = random.pick([["[", "]"], ['{"a":', "}"]] as const);
    const value = open.repeat(depth) + "0" + (random.below(2) ? close.repeat(depth) : "");
    return replace(text, random.match(text, NUMBER), value);
  },
  "space": (text, random) =>
    replace(text, random.match(text, /[,:{}[\]]/g), random.pick([" ", "\n", "\v", "", ",,"])),
};

/** A safetensors file whose header, or its length, or all of it is edited. */
function editSafetensors(file: Binary, random: Random, edit: (text: Binary) => Binary): Binary {
  const lengthOf = (text: Binary) =>
    Number(new DataView(toBytes(text.slice(0, 8)).buffer).getBigUint64(0, true));
  const prefix = (length: bigint) => fromBytes(new Uint8Array(BigUint64Array.of(length).buffer));
  const end = 8 + lengthOf(file);
  if (random.below(8) === 0) return edit(file);
  if (random.below(16) === 0) {
    const near = BigInt(end - 8 + random.below(9) - 4);
    return prefix(random.pick([0n, near, 10n ** 8n, 2n ** 32n, 2n ** 53n, 2n ** 60n, 2n ** 64n - 1n])) +
      file.slice(8);
  }
  const header = edit(file.slice(8, end));
  return prefix(BigInt(header.length)) + header + file.slice(end);
}

interface Subject {
  /** The folder, whole. */
  readonly folder: string;
  /** The file in it that is mutated. */
  readonly file: string;
  readonly mutate: (original: Binary, random: Random, edit: (text: Binary) => Binary) => Binary;
}

/** Loads all that a checkpoint holds. */
function load(folder: string): void {
  using checkpoint = Checkpoint.open(folder);
  const { hidden_size: cols, vocab_size: rows } = checkpoint.config;
  checkpoint.matrix("model.embed_tokens.weight", { rows, cols });
  checkpoint.matrix("model.norm.weight", { rows: 1, cols });
  for (const name of checkpoint.names()) checkpoint.read(name);
}

/** Bytes in use, by the system's measure and by the engine's, which counts memory that was never written to. */
function memory(): { system: number; engine: number } {
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return { system: rss, engine: heapUsed + external };
}

/** What loading came to, and what it cost. */
function measure(folder: string): { error: unknown; ms: number; bytes: number } {
  const before = memory();
  const start = performance.now();
  let error: unknown;
  try {
    load(folder);
  } catch (caught) {
    error = caught;
  }
  const ms = performance.now() - start;
  const after = memory();
  return { error, ms, bytes: Math.max(after.system - before.system, after.engine - before.engine) };
}

Deno.test("10,000 mutations of a checkpoint's files load or throw an Any4Error, each within 100 ms and 50 MB", () => {
  const root = Deno.makeTempDirSync();
  try {
    const [whole, sharded] = [`${root}/whole`, `${root}/sharded`] as const;
    const parts = { config: CONFIG, tensors: TENSORS, metadata: { format: "pt" } };
    writeCheckpoint(whole, parts);
    writeCheckpoint(sharded, { ...parts, maxShardBytes: 120 });
    const json: Subject["mutate"] = (original, _, edit) => edit(original);
    const subjects: Subject[] = [
      { folder: whole, file: "model.safetensors", mutate: editSafetensors },
      { folder: sharded, file: "model.safetensors.index.json", mutate: json },
      { folder: whole, file: "config.json", mutate: json },
    ];
    for (const { folder } of subjects) load(folder);

    for (const [s, { folder, file, mutate }] of subjects.entries()) {
      const original = Deno.readFileSync(`${folder}/${file}`);
      const count = Math.ceil((MUTATIONS - s) / subjects.length);
      let loaded = 0;
      for (let i = 0; i < count; i++) {
        const random = new Random(i * subjects.length + s);
        const edits: string[] = [];
        const edit = (text: Binary) => {
          for (let more = random.pick([1, 1, 1, 2, 4]); more > 0 && text !== ""; more--) {
            const name = random.pick(Object.keys(EDITS));
            edits.push(name);
            text = EDITS[name]!(text, random);
          }
          return text;
        };
        Deno.writeFileSync(`${folder}/${file}`, toBytes(mutate(fromBytes(original), random, edit)));
        const { error, bytes, ...first } = measure(folder);
        let { ms } = first;
        // The machine may have been busy; what is slow by itself stays so.
        for (let again = 0; again < 3 && ms > MOST_MS; again++) ({ ms } = measure(folder));
        const what = `mutation ${i} of ${file} (${edits.join(", ")})`;
        assert(
          error === undefined || error instanceof Any4Error,
          `${what} threw ${error instanceof Error ? error.stack : error}`,
        );
        assert(ms <= MOST_MS, `${what} took ${ms} ms`);
        assert(bytes <= MOST_BYTES, `${what} took ${bytes} bytes`);
        if (error === undefined) loaded++;
      }
      Deno.writeFileSync(`${folder}/${file}`, original);
      // Mutations that all fail, or none, would test little.
      assertGreaterOrEqual(loaded, count / 50, `${file} hardly ever loads`);
      assertGreaterOrEqual(count - loaded, count / 5, `${file} hardly ever fails`);
    }
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
