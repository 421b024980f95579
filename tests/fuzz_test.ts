/**
 * A checkpoint may come from anywhere: each of many seeded mutations of its files loads, and predicts finite numbers, or
 * throws an Any4Error, and none costs much. ANY4_FUZZ says how many mutations of each file are tried.
 *
 * @module
 */
import { assert, assertGreaterOrEqual } from "@std/assert";
import { quantize } from "any4";
import { createBackend } from "any4/compute";
import { Any4Error } from "../lib/errors.ts";
import type { TensorToWrite } from "../lib/files/safetensors/write.ts";
import { layoutOf } from "../lib/model/architectures/mod.ts";
import { parseConfig } from "../lib/model/architectures/parse_config.ts";
import type { Matrix } from "../lib/matrix/matrix.ts";
import { Model } from "../lib/model/model.ts";
import { Checkpoint } from "../lib/model/checkpoint/checkpoint.ts";
import { packedTensors } from "../lib/model/checkpoint/packed_tensors.ts";
import { writeCheckpoint } from "../lib/model/checkpoint/write_checkpoint.ts";
import { tensorsOf } from "../lib/model/decoder/layout.ts";
import { readTensor } from "../lib/model/load_model.ts";
import { denseTensor, savedConfig } from "../lib/model/save.ts";
import { Lcg } from "./golden/lcg.ts";

const MUTATIONS = Number(Deno.env.get("ANY4_FUZZ") ?? 1500);
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

/** The tensors of a tiny Llama, of small numbers, and one that nobody needs. */
function tensorsOfModel(): TensorToWrite[] {
  const random = new Lcg(9);
  const layout = layoutOf(parseConfig(CONFIG, "config.json"), () => false);
  const tensors = [...tensorsOf(layout)].filter(({ optional }) => !optional).map((place, i) => {
    const values = Float32Array.from({ length: place.rows * place.cols }, () => random.next() - 0.5);
    return denseTensor(place, { dtype: i % 3 === 0 ? "F32" : "BF16", values: () => values });
  });
  return [...tensors, { name: "scalar é", dtype: "I64", shape: [], data: () => new Uint8Array(8) }];
}

/** The same as this library saves it, with formats of all kinds of parts. */
function writeQuantized(whole: string, folder: string): void {
  using source = Checkpoint.open(whole);
  const formats = ["any4", "int4", "mx4", "nf4", "any2"];
  const entries: Record<string, { format: string; group_size: number }> = {};
  const tensors: TensorToWrite[] = source.places().flatMap((place, i) => {
    const { name, vector } = place;
    const info = source.info(name);
    if (vector || !name.includes("proj")) return [{ ...info, data: () => source.read(name) }];
    const format = formats[i % formats.length]!;
    const packed = quantize(readTensor(source, place) as Matrix, {
      format,
      groupSize: format === "mx4" ? 32 : 8,
    });
    entries[name] = { format, group_size: packed.groupSize };
    return packedTensors(name, packed);
  });
  const quantization = { quant_method: "any4-deno" as const, tensors: entries };
  writeCheckpoint(folder, { config: savedConfig(CONFIG, { quantization }), tensors });
}

/** The same with 8-bit codes and scales beside them. */
function writeScaled(whole: string, folder: string): void {
  using source = Checkpoint.open(whole);
  const tensors: TensorToWrite[] = source.places().flatMap(({ name, rows, cols }, i): TensorToWrite[] => {
    if (!name.endsWith("proj.weight")) return [{ ...source.info(name), data: () => source.read(name) }];
    const shape = i % 2 ? [rows, 1] : [];
    const scale = Float32Array.from({ length: i % 2 ? rows : 1 }, () => 0.01);
    const codes = Uint8Array.from({ length: rows * cols }, (_, at) => (at * 37) % 120);
    return [
      { name, dtype: i % 3 ? "F8_E4M3" : "I8", shape: [rows, cols], data: () => codes },
      { name: `${name}_scale`, dtype: "F32", shape, data: () => new Uint8Array(scale.buffer) },
    ];
  });
  writeCheckpoint(folder, { config: { ...CONFIG, quantization_config: { quant_method: "fp8" } }, tensors });
}

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
  ...[
    '"\\ud800"',
    '"\\u0000"',
    '"F64"',
    '"F4"',
    '"bf16"',
    '"yarn"',
    '"mistral"',
    '"gemma3_text"',
    '"smollm3"',
    '"olmo2"',
    '"stablelm"',
    '"qwen3_moe"',
    '"any4"',
    '"int4"',
    '"nf4"',
    '"model.safetensors"',
  ],
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
  if (random.below(6) === 0) {
    // Values: one becomes another, NaN or an infinity.
    const at = end + random.below(file.length - end);
    const value = random.pick([
      "\xff\xff\xff\xff",
      "\x00\x00\x80\x7f",
      "\x80\xff",
      "\x00\x7c",
      "\x00",
      "\xff",
    ]);
    return replace(file, { from: at, to: at + value.length }, value).slice(0, file.length);
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

/** Loads all that a checkpoint holds, and predicts a token. */
async function load(folder: string): Promise<void> {
  using checkpoint = Checkpoint.open(folder);
  for (const name of checkpoint.names()) checkpoint.read(name);
  const tensors = new Map(
    checkpoint.places().map((place) => [place.name, readTensor(checkpoint, place)] as const),
  );
  const { config, rawConfig, generationConfig } = checkpoint;
  using model = new Model({
    ...{ name: "fuzzed", folder, config, rawConfig, generationConfig, tensors },
    backend: await createBackend("plain"),
    tokenizer: undefined as never,
  });
  using session = model.session(2);
  const logits = await session.forward([1, 0]);
  assert(logits.every(Number.isFinite), "logits are not finite");
}

/** Bytes in use, by the system's measure and by the engine's, which counts memory that was never written to. */
function memory(): { system: number; engine: number } {
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return { system: rss, engine: heapUsed + external };
}

/** What loading came to, and what it cost. */
async function measure(folder: string): Promise<{ error: unknown; ms: number; bytes: number }> {
  const before = memory();
  const start = performance.now();
  let error: unknown;
  try {
    await load(folder);
  } catch (caught) {
    error = caught;
  }
  const ms = performance.now() - start;
  const after = memory();
  return { error, ms, bytes: Math.max(after.system - before.system, after.engine - before.engine) };
}

/** Mutates a file so many times. */
async function fuzz(subject: Subject, options: { count: number; seed: number }): Promise<void> {
  const { folder, file, mutate } = subject;
  const { count, seed } = options;
  const original = Deno.readFileSync(`${folder}/${file}`);
  let loaded = 0;
  for (let i = 0; i < count; i++) {
    const random = new Random(i * 16 + seed);
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
    const { error, ...first } = await measure(folder);
    let { ms, bytes } = first;
    // The machine may have been busy, and memory counts what was not collected: what is costly by itself stays so.
    for (let again = 0; again < 3 && (ms > MOST_MS || bytes > MOST_BYTES); again++) {
      const next = await measure(folder);
      [ms, bytes] = [Math.min(ms, next.ms), Math.min(bytes, next.bytes)];
    }
    const what = `mutation ${i} of ${file} of ${folder} (${edits.join(", ")})`;
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

const json: Subject["mutate"] = (original, _, edit) => edit(original);

/** Files by what they are; each is fuzzed so many times. */
const SUBJECTS: [string, string, Subject["mutate"]][] = [
  ["whole", "model.safetensors", editSafetensors],
  ["sharded", "model.safetensors.index.json", json],
  ["whole", "config.json", json],
  ["quantized", "model.safetensors", editSafetensors],
  ["quantized", "config.json", json],
  ["scaled", "model.safetensors", editSafetensors],
];

for (const [seed, [kind, file, mutate]] of SUBJECTS.entries()) {
  Deno.test(`${MUTATIONS} mutations of ${file} of a ${kind} checkpoint load or throw an Any4Error, at little cost`, async () => {
    const root = await Deno.makeTempDir();
    try {
      const parts = { config: CONFIG, tensors: tensorsOfModel(), metadata: { format: "pt" } };
      writeCheckpoint(`${root}/whole`, parts);
      writeCheckpoint(`${root}/sharded`, { ...parts, maxShardBytes: 600 });
      writeQuantized(`${root}/whole`, `${root}/quantized`);
      writeScaled(`${root}/whole`, `${root}/scaled`);
      const folder = `${root}/${kind}`;
      await load(folder);
      await fuzz({ folder, file, mutate }, { count: MUTATIONS, seed });
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}
