import { assertThrows } from "@std/assert";
import { OptionError } from "../../../lib/errors.ts";
import { checkTokenIds } from "../../../lib/model/decoder/token_ids.ts";

Deno.test("ids are whole numbers of the vocabulary; what is none is named with its place", () => {
  const options = { size: 10, purpose: "use" };
  checkTokenIds([], options);
  checkTokenIds([0, 9], options);
  checkTokenIds(Uint32Array.of(3), options);
  for (const bad of [1.5, null, true, "1", -1, 10, NaN, Infinity, undefined, {}, 3n]) {
    assertThrows(() => checkTokenIds([4, bad as number], options), OptionError, "Cannot use token 1");
  }
});
