/**
 * Writes the training text, or the held-out text that the model is measured on.
 *
 *     deno run -A models/tinyworld/make_text.ts train FOLDER [DOCUMENTS]
 *     deno run -A models/tinyworld/make_text.ts eval
 *
 * `train` writes FOLDER/train.jsonl, one document a line. `eval` writes eval.json beside this file and, given the
 * training seed, leaves out every document that the training text holds word for word.
 * @module
 */
import { type Document, documents, type Kind, KINDS } from "./generator.ts";

/** Seed and length of the training text. */
export const TRAIN = { seed: 1, count: 240_000 } as const;

/** Seed of the held-out text, and the characters after which a kind has enough of it. */
export const EVAL = { seed: 2, characters: 22_000 } as const;

/** The held-out text: documents by kind, and the generator's own entropy for each kind in nats. */
export interface EvalText {
  readonly seed: number;
  readonly documents: Record<Kind, string[]>;
  readonly nats: Record<Kind, number>;
}

/** The held-out text: what the generator writes from {@link EVAL}, without `seen` and without repeats. */
export function evalText(seen: ReadonlySet<string> = new Set()): EvalText {
  const known = new Set(seen);
  const text: EvalText = { seed: EVAL.seed, documents: perKind(() => []), nats: perKind(() => 0) };
  const missing = perKind<number>(() => EVAL.characters);
  for (const document of documents(EVAL)) {
    if (KINDS.every((kind) => missing[kind] <= 0)) break;
    if (missing[document.kind] <= 0 || known.has(document.text)) continue;
    known.add(document.text);
    missing[document.kind] -= document.text.length;
    text.documents[document.kind].push(document.text);
    text.nats[document.kind] += document.nats;
  }
  for (const kind of KINDS) text.nats[kind] = Math.round(text.nats[kind] * 1000) / 1000;
  return text;
}

const perKind = <T>(value: () => T): Record<Kind, T> =>
  Object.fromEntries(KINDS.map((kind) => [kind, value()])) as Record<Kind, T>;

async function writeTraining(folder: string, count: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  using file = await Deno.create(`${folder}/train.jsonl`);
  const encoder = new TextEncoder();
  let lines: string[] = [];
  const flush = async () => {
    let bytes = encoder.encode(lines.join(""));
    while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
    lines = [];
  };
  for (const { kind, text, nats } of documents({ seed: TRAIN.seed, count })) {
    lines.push(
      JSON.stringify({ kind, text, nats: Math.round(nats * 1000) / 1000 } satisfies Document) + "\n",
    );
    if (lines.length === 10_000) await flush();
  }
  await flush();
}

if (import.meta.main) {
  const [what, folder, count] = Deno.args;
  if (what === "train" && folder) {
    await writeTraining(folder, Number(count ?? TRAIN.count));
  } else if (what === "eval") {
    const seen = new Set<string>();
    for (const { text } of documents(TRAIN)) seen.add(text);
    await Deno.writeTextFile(
      new URL("eval.json", import.meta.url),
      JSON.stringify(evalText(seen), null, 2) + "\n",
    );
  } else {
    console.error("Usage: make_text.ts train FOLDER [DOCUMENTS] | eval");
    Deno.exit(2);
  }
}
