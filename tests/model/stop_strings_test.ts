import { assert, assertEquals, assertThrows } from "@std/assert";
import { OptionError } from "../../lib/errors.ts";
import { StopStrings } from "../../lib/model/stop_strings.ts";
import { Lcg } from "../golden/lcg.ts";

/** What passes of pieces, and whether a string was found. */
function passed(strings: string[], pieces: string[]): { text: string; found: boolean } {
  const stop = new StopStrings(strings);
  let text = "";
  for (const piece of pieces) text += stop.push(piece);
  return { text: text + stop.flush(), found: stop.found };
}

Deno.test("what passes is the text before the first string, however the text is cut", () => {
  const random = new Lcg(5);
  const below = (n: number) => Math.floor(random.next() * n);
  const letters = (n: number) => Array.from({ length: n }, () => "ab🙂"[below(4)]!).join("").toWellFormed();
  let found = 0;
  for (let round = 0; round < 3000; round++) {
    const strings = Array.from({ length: 1 + below(3) }, () => letters(1 + below(4)));
    const characters = [...letters(below(24))];
    const pieces: string[] = [];
    while (characters.length > 0) pieces.push(characters.splice(0, 1 + below(3)).join(""));
    const text = pieces.join("");
    // The first piece with which some string is there ends the text.
    const end = pieces.findIndex((_, i) =>
      strings.some((one) => pieces.slice(0, i + 1).join("").includes(one))
    );
    const seen = end < 0 ? text : pieces.slice(0, end + 1).join("");
    const places = strings.map((one) => seen.indexOf(one)).filter((at) => at >= 0);
    const expected = places.length > 0 ? seen.slice(0, Math.min(...places)) : text;
    assertEquals(passed(strings, pieces), { text: expected, found: places.length > 0 });
    if (places.length > 0) found++;
  }
  assert(found > 500 && found < 2900, `${found}`);
});

Deno.test("only what may begin a string is held back", () => {
  const stop = new StopStrings(["\n\nUser:", "END"]);
  assertEquals(["a\n", "\nUs", "e it", " EN", "G", "EN"].map((piece) => stop.push(piece)), [
    ...["a", "", "\n\nUse it", " ", "ENG", ""],
  ]);
  assertEquals([stop.flush(), stop.found], ["EN", false]);
});

Deno.test("empty strings, and what is no text, are refused", () => {
  for (const bad of ["", null, 5, undefined]) {
    assertThrows(() => new StopStrings(["a", bad as string]), OptionError, "stop string");
  }
});
