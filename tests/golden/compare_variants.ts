/**
 * Loads the variants that compare_variants.py has written, and says of each whether its logits are transformers', whether
 * it is refused with a typed error, or whether it is wrong.
 *
 *     deno run -A tests/golden/compare_variants.ts FOLDER [PART OF A NAME …]
 *
 * @module
 */
import { Any4Error, loadModel } from "any4";
import { SafetensorsFile } from "../../lib/files/safetensors/read.ts";
import { relativeError } from "../../lib/measure/layer_error.ts";

/** Float32 rounds otherwise in another order of sums. */
const MOST_ERROR = 1e-4;

/** What a variant came to. */
export interface Verdict {
  /** "wrong" is what must not happen: other logits, an error of no type of ours, or logits where others find none. */
  readonly verdict: "equal" | "refused" | "wrong";
  /** The error's message, or how far the logits are. */
  readonly detail: string;
  /** Whether transformers finds logits. */
  readonly expected: boolean;
}

/** Loads a variant and compares. */
export async function judge(folder: string): Promise<Verdict> {
  const expected = read(folder);
  const of = (verdict: Verdict["verdict"], detail: string) => ({ verdict, detail, expected: !!expected });
  try {
    using model = await loadModel(folder, { backend: "plain" });
    const tokens = expected?.tokens ?? [3, 4, 5];
    using session = model.session(tokens.length);
    const logits = await session.forward(tokens, { logits: "all" });
    if (!expected) return of("wrong", "loads, though transformers finds no logits");
    const error = relativeError(logits, expected.logits);
    return of(error <= MOST_ERROR ? "equal" : "wrong", `relative error ${error.toPrecision(2)}`);
  } catch (error) {
    if (error instanceof Any4Error) return of("refused", `${error.name}: ${error.message}`);
    return of("wrong", String(error instanceof Error ? error.stack : error));
  }
}

/** What transformers finds, if anything. */
function read(folder: string): { tokens: number[]; logits: Float32Array } | undefined {
  try {
    Deno.statSync(`${folder}/expected.safetensors`);
  } catch {
    return undefined;
  }
  using file = SafetensorsFile.open(`${folder}/expected.safetensors`);
  return {
    tokens: [...new Int32Array(file.read("tokens").slice().buffer)],
    logits: file.readFloat32("logits"),
  };
}

if (import.meta.main) {
  const [root, ...parts] = Deno.args;
  if (root === undefined) throw new Error("expected the folder that compare_variants.py has written");
  const tokenizer = `${import.meta.dirname}/models/llama2/tokenizer.json`;
  const count = { equal: 0, refused: 0, wrong: 0 };
  const names = [...Deno.readDirSync(root)].map(({ name }) => name).sort();
  for (const name of names) {
    if (parts.length > 0 && !parts.some((part) => name.includes(part))) continue;
    Deno.copyFileSync(tokenizer, `${root}/${name}/tokenizer.json`);
    const { verdict, detail, expected } = await judge(`${root}/${name}`);
    count[verdict]++;
    const shown = verdict === "refused" && !expected ? "refused as by transformers" : verdict;
    console.log(`${name}: ${shown}, ${detail.replaceAll(root, "")}`);
  }
  const all = count.equal + count.refused + count.wrong;
  console.log(`${all} variants: ${count.equal} equal, ${count.refused} refused, ${count.wrong} wrong`);
  Deno.exit(count.wrong > 0 ? 1 : 0);
}
