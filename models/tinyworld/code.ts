import { branch, choice, formula, measure, text } from "./code_formulas.ts";
import { build, fold, loop } from "./code_loops.ts";
import { printed } from "./code_piece.ts";
import type { Random } from "./random.ts";

const PIECES = [
  [1, formula],
  [1, measure],
  [1, branch],
  [1, choice],
  [2, fold],
  [1, build],
  [1, text],
  [1, loop],
] as const;

/** A commented function or two, each followed by calls whose printed result is right. */
export function code(rng: Random): string {
  const pieces = Array.from({ length: rng.int(1, 2) }, () => {
    const { comment, name, lines, call } = rng.weighted(PIECES)(rng);
    const calls = Array.from({ length: rng.int(1, 2) }, () => {
      const [args, result] = call();
      return `print(${name}(${args}))  # ${printed(result)}`;
    });
    return [`# ${comment}`, ...lines, "", ...calls].join("\n");
  });
  return pieces.join("\n\n");
}
