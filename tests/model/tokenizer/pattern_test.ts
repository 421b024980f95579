import { assert, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "../../../lib/errors.ts";
import { onigurumaPattern } from "../../../lib/model/tokenizer/pattern.ts";

Deno.test("patterns that may take for ever are refused", () => {
  for (
    const Regex of [
      ...[
        "(a+)+$",
        "(a*)*b",
        "(?:a|a)*c",
        "((a|b)+)+",
        "(x+x+)+y",
        "(?i:a|b){2,}",
        "([a-z]+)*1",
        "(a{1,})+",
        "((?:a+))+",
      ],
      ...["(\\w+\\s?)*$", "(?:[)]+)+"],
    ]
  ) {
    assertThrows(() => onigurumaPattern({ Regex }), CheckpointError, "for ever");
  }
});

Deno.test("patterns of tokenizers are none of these", () => {
  for (
    const Regex of [
      String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
      String
        .raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
      String.raw`(?=(\d{3})+(?!\d))`,
      String
        .raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?`,
      String.raw` ?[^(\s|[.,!?…。，、।۔،])]+`,
      String.raw`(?:\r?\n)+|[(|)]+|\(+|\|+`,
      String.raw`\A +| +\z`,
    ]
  ) {
    assert(onigurumaPattern({ Regex }) instanceof RegExp, Regex);
  }
  assertEquals("a.b|c".split(onigurumaPattern({ String: ".b|" })), ["a", "c"]);
});
