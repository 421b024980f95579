import { FORMULAS } from "./code_formulas.ts";
import { LISTS } from "./code_lists.ts";
import { LOOPS } from "./code_loops.ts";
import { NUMBERS } from "./code_numbers.ts";
import { dictionary, object, script } from "./code_objects.ts";
import type { Style, Writer } from "./code_piece.ts";
import { TEXTS } from "./code_texts.ts";
import type { Random } from "./random.ts";

const GROUPS: readonly (readonly [weight: number, writers: readonly Writer[]])[] = [
  [3, FORMULAS],
  [2, NUMBERS],
  [6, LOOPS],
  [5, LISTS],
  [3, TEXTS],
  [1, [object]],
  [6, [script]],
  [3, [dictionary]],
];

/** A document gets no further piece once it has this many characters. */
const ENOUGH = 160;

/** Functions, classes and short scripts in Python; what they print stands beside it, and is right. */
export function code(rng: Random): string {
  const style: Style = {
    hints: rng.chance(0.3),
    doc: rng.weighted([[5, "comment"], [3, "docstring"], [2, "none"]] as const),
  };
  const piece = () => rng.pick(rng.weighted(GROUPS))(rng, style);
  let text = piece();
  while (text.length < ENOUGH && rng.chance(0.7)) text += "\n\n" + piece();
  return text;
}
